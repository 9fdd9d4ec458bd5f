"""Objects without an array are looked after by one replica, for as long as it holds the Lease for that."""

import asyncio
from time import monotonic

from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.leases import LeaseTerms
from flashsystem_operator.controller.unassigned import LEASE, Unassigned
from support.fake_api import FakeApi

PLACE = f"/apis/coordination.k8s.io/v1/namespaces/operators/leases/{LEASE}"
PATIENCE = 30.0
"""Seconds after which what never comes is given up."""


async def test_a_lease_that_is_lost_is_asked_for_again_also_when_nothing_is_due() -> None:
    api = FakeApi()
    async with api.served() as kube:
        unassigned = Unassigned(Cache(), kube, LeaseTerms("operators", "us", 1.0), monotonic, lambda _: False)
        looking_after = asyncio.create_task(unassigned.run())
        try:
            async with asyncio.timeout(PATIENCE):
                await api.wrote.wait()
                # As by another replica, which then dies: nobody renews it.
                api.objects[PLACE]["spec"] |= {"holderIdentity": "another", "acquireTime": "2026-01-01T00:00:00.0Z"}
                api.objects[PLACE]["metadata"]["resourceVersion"] = "1"
                while api.objects[PLACE]["spec"]["holderIdentity"] != "us":
                    api.wrote.clear()
                    await api.wrote.wait()
        finally:
            looking_after.cancel()
            await asyncio.wait({looking_after})

    assert looking_after.cancelled()
