"""Reasons that only arrays give: the array itself, and the way to it."""

from collections.abc import Mapping

from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.glossary.entry import Entry

REASONS: Mapping[Reason, Entry] = {
    Reason.DUPLICATE_ARRAY: Entry("array", "an older FlashSystemArray is for the same system", "delete one of the two"),
    Reason.UNREACHABLE: Entry(
        "array",
        "no session could be had: network, address, port, or the array's session table is full",
        "see the message; it is tried again for ever",
    ),
    Reason.CREDENTIALS_NOT_FOUND: Entry("array", "there is no such Secret", "make it"),
    Reason.CREDENTIALS_GONE: Entry(
        "array",
        "the Secret with which the array was worked is not there any more",
        "make it again; see [ways out](ways-out.md)",
    ),
    Reason.CREDENTIALS_FORBIDDEN: Entry(
        "array",
        "the operator may not read the Secret",
        "bind ClusterRole `flashsystem-operator-secrets` in that namespace, as `manifests/components/secrets` does",
    ),
    Reason.CREDENTIALS_INVALID: Entry(
        "array", "the Secret lacks a key, or the private key cannot be read", "correct the Secret"
    ),
    Reason.LOGIN_FAILED: Entry(
        "array",
        "the array did not take the login",
        "correct the Secret: a changed one is tried within a minute. The same one is tried again after five minutes, "
        "then ever more seldom, at most after an hour, since arrays lock users out; "
        "`flashsystem.io/reconcile-requested-at` on the array itself is one attempt at once",
    ),
    Reason.HOST_KEY_MISMATCH: Entry(
        "array",
        "the array showed another key than the pinned one, or `hostKeys` cannot be used",
        "find out why; if it was changed on purpose, put the new key into `hostKeys`",
    ),
    Reason.OTHER_SYSTEM: Entry(
        "array, host, attachment",
        "another system answers at the address; on a host or an attachment: what it has is on the system to which the "
        "array led before",
        "correct the address; if the array was replaced, see [ways-out.md](ways-out.md#the-array-was-replaced)",
    ),
    Reason.OPEN_ACCESS_ON: Entry(
        "array", "every host sees every volume, whatever is mapped", "`chsystem -openaccess off` on the array"
    ),
    Reason.POOL_NOT_FOUND: Entry("array", "there is no such pool", "correct `pool`, or make it"),
    Reason.POOL_OFFLINE: Entry("array", "the pool is offline", "bring it online on the array"),
    Reason.NO_ONLINE_NODE: Entry("array", "no node with an iSCSI name is online", "bring one online on the array"),
    Reason.NEAR_LIMIT: Entry(
        "array, host",
        "four fifths of what such a system is documented to take are used, see [audit](audit.md#near-a-limit)",
        "remove what is not needed; nothing is refused before the array itself refuses",
    ),
}
