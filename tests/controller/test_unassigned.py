"""Objects without an array are reconciled by one replica, for as long as it holds the Lease for them."""

import asyncio
from time import monotonic

from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.connection import LeaseTerms
from flashsystem_operator.controller.manager import LEASE, Unassigned
from support.fake_api import FakeApi

LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/operators/leases/{LEASE}"
TIMEOUT_SECONDS = 30.0
"""The limit of each wait."""


async def test_a_lost_lease_is_acquired_again_also_when_nothing_is_due() -> None:
    api = FakeApi()
    async with api.served() as kube:
        unassigned = Unassigned(Cache(), kube, LeaseTerms("operators", "us", 1.0), monotonic, lambda _: False)
        running = asyncio.create_task(unassigned.run())
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await api.wrote.wait()
                # As if taken by another replica that then dies: the Lease is not renewed.
                api.objects[LEASE_PATH]["spec"] |= {
                    "holderIdentity": "another",
                    "acquireTime": "2026-01-01T00:00:00.0Z",
                }
                api.objects[LEASE_PATH]["metadata"]["resourceVersion"] = "1"
                while api.objects[LEASE_PATH]["spec"]["holderIdentity"] != "us":
                    api.wrote.clear()
                    await api.wrote.wait()
        finally:
            running.cancel()
            await asyncio.wait({running})

    assert running.cancelled()
