"""The table of specs that are refused at admission, with the reason given, and of those that are accepted."""

from typing import Any, NamedTuple

from flashsystem_operator.api.metadata import Kind
from support.admission import KEY, LEFT_OUT

ARRAY, HOST, VOLUME, ATTACHMENT = Kind.ARRAY, Kind.HOST, Kind.VOLUME, Kind.ATTACHMENT

NO_IQN = "this is not an iSCSI name; write iqn.YYYY-MM.reversed.domain:name, eui. with 16 or naa. with 16 or 32"
NO_VOLUME = "this is not a volume name; it has 1 to 63 letters, digits, spaces and '_.-', begins with a letter or '_'"

NO_OBJECT = "this cannot be the name of an object; it has lower-case letters, digits and '-', with single dots between"
NO_GLOB = "this is not a pattern of volume names: it has letters, digits, spaces, '_.-', the signs * and ?, and"
NO_POOL_GLOB = "this is not a pattern of pool names: it has letters, digits, spaces, '_.-', the signs * and ?, and"
NO_SIZE = "write a Quantity of whole bytes, greater than 0 and at most 256Ti, such as 10Gi, 1.5Ti or 500G"
NO_BANDWIDTH = "write a bandwidth per second from 1Mi to 256Ti, such as 200Mi"
NO_KEY = "the key of a label has letters, digits and '-_.', a letter or digit at both ends, and perhaps a prefix"


class Case(NamedTuple):
    because: str
    kind: Kind
    fields: dict[str, Any]
    message: str


def initiators(*names: str) -> dict[str, Any]:
    return {"initiators__iscsi": list(names)}


def choosing(*expressions: dict[str, Any]) -> dict[str, Any]:
    return {"allowedNamespaces": {"from": "Selector", "selector": {"matchExpressions": list(expressions)}}}


def labels(**required: str) -> dict[str, Any]:
    return {"hostAdoption": {"from": "Selector", "selector": {"matchLabels": required}}}


def volumes(*patterns: str) -> dict[str, Any]:
    return {"volumeAccess": [{"namespaceSelector": {}, "volumes": list(patterns)}]}


def volume(**fields: Any) -> dict[str, Any]:
    return {"persistentVolume": {"claimRef": {"name": "data"}, **fields}}


CASES = [
    Case("an attachment names a volume", ATTACHMENT, {"volume": {}}, "exactly one of name, uid and ref; remove or"),
    Case("an attachment names one volume", ATTACHMENT, {"volume__uid": "6" * 32}, "exactly one of name, uid and ref"),
    Case(
        "a resource is one volume, too", ATTACHMENT, {"volume__ref": {"name": "db"}}, "exactly one of name, uid and ref"
    ),
    Case("a volume's resource is named", ATTACHMENT, {"volume": {"ref": {}}}, "spec.volume.ref.name: Required value"),
    Case("its name can be", ATTACHMENT, {"volume": {"ref": {"name": "a..b"}}}, NO_OBJECT),
    Case(
        "it is of the same namespace", ATTACHMENT, {"volume": {"ref": {"name": "a", "namespace": "b"}}}, "unknown field"
    ),
    Case("an attachment has a selector", ATTACHMENT, {"volume": LEFT_OUT}, "spec.volume: Required value"),
    Case("an attachment names a host", ATTACHMENT, {"hostRef": LEFT_OUT}, "spec.hostRef: Required value"),
    Case("a host's reference is a name", ATTACHMENT, {"hostRef__name": "Node 1"}, "spec.hostRef.name in body should"),
    Case("a volume name does not run", ATTACHMENT, {"volume__name": "$(reboot)"}, NO_VOLUME),
    Case("a volume name has no backtick", ATTACHMENT, {"volume__name": "a`b`"}, NO_VOLUME),
    Case("a volume name has no semicolon", ATTACHMENT, {"volume__name": "a;b"}, NO_VOLUME),
    Case("a volume name is one line", ATTACHMENT, {"volume__name": "a\nb"}, NO_VOLUME),
    Case("a volume name does not end in a new line", ATTACHMENT, {"volume__name": "ab\n"}, NO_VOLUME),
    Case("a volume name has no quote", ATTACHMENT, {"volume__name": "it's"}, NO_VOLUME),
    Case("a volume name has no double quote", ATTACHMENT, {"volume__name": 'a"b'}, NO_VOLUME),
    Case("a volume name does not begin with a digit", ATTACHMENT, {"volume__name": "0data"}, NO_VOLUME),
    Case("a volume name is no option", ATTACHMENT, {"volume__name": "-force"}, NO_VOLUME),
    Case("a volume name does not end in a space", ATTACHMENT, {"volume__name": "data "}, NO_VOLUME),
    Case("a volume name is not empty", ATTACHMENT, {"volume__name": ""}, NO_VOLUME),
    Case("a volume name is short", ATTACHMENT, {"volume__name": "v" * 64}, "may not be more than 63"),
    Case("a volume UID has 32 digits", ATTACHMENT, {"volume": {"uid": "6" * 31}}, "it has 32 hexadecimal digits"),
    Case("a volume is not named by its id", ATTACHMENT, {"volume": {"id": 3}}, 'unknown field "spec.volume.id"'),
    Case("a LUN is not negative", ATTACHMENT, {"lun": -1}, "should be greater than or equal to 0"),
    Case("a LUN is 2047 at most", ATTACHMENT, {"lun": 2048}, "should be less than or equal to 2047"),
    Case("a LUN is a number", ATTACHMENT, {"lun": "1"}, "spec.lun in body must be of type integer"),
    Case("an unknown access is refused", ATTACHMENT, {"access": "Both"}, 'supported values: "Exclusive", "Shared"'),
    Case("an unknown policy is refused", ATTACHMENT, {"deletionPolicy": "Keep"}, 'values: "Delete", "Retain"'),
    Case("a field of a later release is reported", ATTACHMENT, {"throttle": "Off"}, 'unknown field "spec.throttle"'),
    Case("an unknown guard is refused", ATTACHMENT, {"detachGuard": "No"}, 'values: "Enforce", "Warn", "Disabled"'),
    Case(
        "a connection Secret has a name", ATTACHMENT, {"connectionSecret": {}}, "spec.connectionSecret.name: Required"
    ),
    Case(
        "a Secret's name is one", ATTACHMENT, {"connectionSecret__name": "My Secret"}, "connectionSecret.name in body"
    ),
    Case(
        "a PersistentVolume has a LUN up to 255",
        ATTACHMENT,
        {"lun": 256, **volume()},
        "a PersistentVolume cannot have a LUN above 255",
    ),
    Case("a PersistentVolume is for a claim", ATTACHMENT, {"persistentVolume": {}}, "persistentVolume.claimRef: Requ"),
    Case("a claim is named", ATTACHMENT, volume(claimRef={}), "spec.persistentVolume.claimRef.name: Required value"),
    Case(
        "a claim is of its own namespace", ATTACHMENT, volume(claimRef={"name": "a", "namespace": "b"}), "unknown fiel"
    ),
    Case("a volume has an access mode", ATTACHMENT, volume(accessModes=[]), "should have at least 1 items"),
    Case("an access mode is one", ATTACHMENT, volume(accessModes=["Both"]), 'supported values: "ReadWriteOnce", "Rea'),
    Case(
        "one pod is alone with a volume",
        ATTACHMENT,
        volume(accessModes=["ReadWriteOnce", "ReadWriteOncePod"]),
        "ReadWriteOncePod excludes all other access modes; remove them, or remove ReadWriteOncePod",
    ),
    Case("a volume has one of two modes", ATTACHMENT, volume(volumeMode="Raw"), 'values: "Filesystem", "Block"'),
    Case("a device is not mounted", ATTACHMENT, volume(volumeMode="Block", mountOptions=["ro"]), "remove mountOptions"),
    Case("a file system's type does not run", ATTACHMENT, volume(fsType="ext4;reboot"), "spec.persistentVolume.fsType"),
    Case("a mount option is one", ATTACHMENT, volume(mountOptions=["ro,exec"]), "persistentVolume.mountOptions[0] in"),
    Case(
        "a node is named by its label", ATTACHMENT, volume(nodeHostnames=["Node 1"]), "nodeHostnames[0] in body should"
    ),
    Case("a class is a name", ATTACHMENT, volume(storageClassName="My Class"), "storageClassName in body should match"),
    Case(
        "a class has a name that can be", ATTACHMENT, volume(storageClassName="a..b"), "be the name of a storage class"
    ),
    Case(
        "a node's name can be", ATTACHMENT, volume(nodeHostnames=["a..b"]), "cannot be a node's kubernetes.io/hostname"
    ),
    Case("no node is not every node", ATTACHMENT, volume(nodeHostnames=[]), "should have at least 1 items"),
    Case(
        "a device has no file system", ATTACHMENT, volume(volumeMode="Block", fsType="xfs"), "has no file system; remov"
    ),
    Case("a file system has a type", ATTACHMENT, volume(fsType=""), "persistentVolume.fsType in body should match"),
    Case("an access mode is named once", ATTACHMENT, volume(accessModes=["ReadWriteMany"] * 2), "Duplicate value"),
    Case("a node is named once", ATTACHMENT, volume(nodeHostnames=["n-1", "n-1"]), "Duplicate value"),
    Case("a claim's name can be", ATTACHMENT, volume(claimRef={"name": "a..b"}), NO_OBJECT),
    Case("a connection Secret's name can be", ATTACHMENT, {"connectionSecret__name": "a..b"}, NO_OBJECT),
    Case("a host's name can be", ATTACHMENT, {"hostRef__name": "a.-b"}, NO_OBJECT),
    Case("the reclaim policy is not chosen", ATTACHMENT, volume(reclaimPolicy="Delete"), "unknown field"),
    Case("a host has initiators", HOST, initiators(), "spec.initiators.iscsi in body should have at least 1 items"),
    Case(
        "a host has 16 initiators at most", HOST, initiators(*(f"iqn.2026-01.a:{n}" for n in range(17))), "at most 16"
    ),
    Case("an initiator is an iSCSI name", HOST, initiators("node-1"), NO_IQN),
    Case("an IQN has a date", HOST, initiators("iqn.redhat.com:node-1"), NO_IQN),
    Case("an initiator does not run", HOST, initiators("iqn.1994-05.com.redhat:$(reboot)"), NO_IQN),
    Case("an initiator is one line", HOST, initiators("iqn.1994-05.com.redhat:a\nb"), NO_IQN),
    Case("an eui name has 16 digits", HOST, initiators("eui.0123"), NO_IQN),
    Case("an initiator is short", HOST, initiators("iqn.1994-05.com.redhat:" + "n" * 223), "may not be more than 223"),
    Case("an initiator is listed once", HOST, initiators("iqn.2026-01.a:b", "iqn.2026-01.a:b"), "Duplicate value"),
    Case(
        "case does not distinguish two",
        HOST,
        initiators("iqn.2026-01.a:b", "IQN.2026-01.A:B"),
        "is listed twice, in anothe",
    ),
    Case("other ports are refused or allowed", HOST, {"initiators__otherPorts": "List"}, 'values: "Refuse", "Allow"'),
    Case("a host is on an array", HOST, {"arrayRef": LEFT_OUT}, "spec.arrayRef: Required value"),
    Case(
        "a host name does not run",
        HOST,
        {"hostNamePrefix": "a;b"},
        "cannot begin a host name; it has letters, digits and",
    ),
    Case("a host lives in one of two ways", HOST, {"lifecycle": "Forever"}, 'values: "OnDemand", "Persistent"'),
    Case("a host goes in one of two ways", HOST, {"deletionPolicy": "Keep"}, 'values: "Delete", "Retain"'),
    Case("a portset does not run", HOST, {"portset": "$(reboot)"}, "this cannot be the name of a portset; it begins"),
    Case("a host type is the array's", HOST, {"hostType": "linux"}, '"Generic", "HPUX", "TPGS", "OpenVMS", "AdminLUN"'),
    Case("a host has 4 I/O groups at most", HOST, {"ioGroups": [*"01234"]}, "must have at most 4 items"),
    Case("an I/O group is listed once", HOST, {"ioGroups": ["0", "0"]}, "Duplicate value"),
    Case("an I/O group is a name or an id", HOST, {"ioGroups": ["0:1"]}, "this is no I/O group; write its name or"),
    Case("no I/O group is not every one", HOST, {"ioGroups": []}, "should have at least 1 items"),
    Case("an I/O group does not run", HOST, {"ioGroups": ["$(reboot)"]}, "this is no I/O group; write its name or"),
    Case("a portset has a name", HOST, {"portset": ""}, "this cannot be the name of a portset; it begins"),
    Case("an array's name can be", HOST, {"arrayRef__name": "a..b"}, NO_OBJECT),
    Case(
        "a namespace has no dot", HOST, {"arrayRef__namespace": "a.b"}, "spec.arrayRef.namespace in body should match"
    ),
    Case("a CHAP Secret's name can be", HOST, {"chap": {"secretRef": {"name": "a..b"}}}, NO_OBJECT),
    Case("a CHAP secret comes from a Secret", HOST, {"chap": {"generate": True}}, "spec.chap.secretRef: Required"),
    Case("its name is one", HOST, {"chap": {"secretRef": {"name": "My Secret"}}}, "spec.chap.secretRef.name in body"),
    Case("a CHAP secret is not in the spec", HOST, {"chap": {"secret": "x"}}, 'unknown field "spec.chap.secret"'),
    Case("an array has an address", ARRAY, {"management__addresses": []}, "should have at least 1 items"),
    Case("an array has two addresses at most", ARRAY, {"management__addresses": ["a", "b", "c"]}, "at most 2 items"),
    Case("an address has no port", ARRAY, {"management__addresses": ["fs.a:22"]}, "the port in spec.management.port"),
    Case("an address has no brackets", ARRAY, {"management__addresses": ["[fd00::1]"]}, "write it without brackets"),
    Case("a host name can be", ARRAY, {"management__addresses": ["fs..example.com"]}, "neither a host name nor an IP"),
    Case("a number is an address", ARRAY, {"management__addresses": ["10.0.0.300"]}, "neither a host name nor an IP"),
    Case("colons are an address", ARRAY, {"management__addresses": ["fd00:::1"]}, "neither a host name nor an IP"),
    Case("a login's name can be", ARRAY, {"credentialsSecretRef__name": "a..b"}, NO_OBJECT),
    Case("a port is a port", ARRAY, {"management__port": 0}, "should be greater than or equal to 1"),
    Case("an array has a login", ARRAY, {"credentialsSecretRef": LEFT_OUT}, "spec.credentialsSecretRef: Required"),
    Case("a pinned array has a key", ARRAY, {"hostKeys": []}, "take it from `ssh-keyscan ADDRESS`, without the name"),
    Case("a host key comes without a name", ARRAY, {"hostKeys": [f"fs {KEY}"]}, "this is not a public host key; write"),
    Case("there are 16 host keys at most", ARRAY, {"hostKeys": [f"{KEY} {n}" for n in range(17)]}, "at most 16 items"),
    Case("an unknown key policy is refused", ARRAY, {"hostKeyPolicy": "None"}, '"Pinned", "TrustOnFirstUse"'),
    Case("a system id has 16 digits", ARRAY, {"systemID": "fs900"}, "this is not a system id; it has 16 hexadecimal"),
    Case("a pool name does not run", ARRAY, {"pool": "`reboot`"}, "this is not a pool name; it has 1 to 63 letters"),
    Case("a portset name does not run", ARRAY, {"iscsi__portset": "a|b"}, "this is not a portset name; it has 1 to 63"),
    Case("a portal is an IP address", ARRAY, {"iscsi__portalAddresses": ["10.0.0.300"]}, "this is not an IP address"),
    Case("a portal is named once", ARRAY, {"iscsi__portalAddresses": ["10.0.0.3", "10.0.0.3"]}, "Duplicate value"),
    Case("a portal has no zone", ARRAY, {"iscsi__portalAddresses": ["fe80::1%eth0"]}, "this is not an IP address"),
    Case("IPv4 is not in IPv6", ARRAY, {"iscsi__portalAddresses": ["::ffff:10.0.0.3"]}, "this is not an IP address"),
    Case("nor for the array", ARRAY, {"management__addresses": ["::ffff:10.0.0.3"]}, "neither a host name nor an IP"),
    Case("a host key is named once", ARRAY, {"hostKeys": [KEY, KEY]}, "Duplicate value"),
    Case("an unknown mapping policy is refused", ARRAY, {"multiHostMapping": "No"}, '"Allowed", "Forbidden"'),
    Case("namespaces are chosen by a keyword", ARRAY, {"allowedNamespaces__from": "Some"}, '"Same", "All", "Selector"'),
    Case(
        "a choice has a selector", ARRAY, {"allowedNamespaces__from": "Selector"}, "selector goes with from: Selector"
    ),
    Case("All has none", ARRAY, {"hostAdoption": {"from": "All", "selector": {}}}, "selector goes with from: Selector"),
    Case("nor has Same", ARRAY, {"hostAdoption": {"selector": {}}}, "selector goes with from: Selector"),
    Case("In has values", ARRAY, choosing({"key": "a", "operator": "In"}), "In and NotIn need values; Exists and"),
    Case(
        "Exists has none",
        ARRAY,
        choosing({"key": "a", "operator": "Exists", "values": ["b"]}),
        "In and NotIn need values; Exists and",
    ),
    Case("a label has a key", ARRAY, choosing({"key": "", "operator": "Exists"}), "key in body should match"),
    Case(
        "a label's key has no space", ARRAY, choosing({"key": "a b", "operator": "Exists"}), "key in body should match"
    ),
    Case("its prefix is a name", ARRAY, choosing({"key": "a..b/c", "operator": "Exists"}), "key in body should match"),
    Case(
        "its value has no space", ARRAY, choosing({"key": "a", "operator": "In", "values": ["a b"]}), "values[0] in bo"
    ),
    Case("so is the key of a matched label", ARRAY, labels(**{"a b": "c"}), NO_KEY),
    Case("and it has no second prefix", ARRAY, labels(**{"a/b/c": "d"}), NO_KEY),
    Case("and is not empty", ARRAY, labels(**{"": "d"}), NO_KEY),
    Case("so is its value", ARRAY, labels(a="b c"), "matchLabels.a in body should match"),
    Case(
        "a key of an entry is one, too",
        ARRAY,
        {"volumeAccess": [{"namespaceSelector": {"matchLabels": {"a b": "c"}}, "volumes": ["*"]}]},
        NO_KEY,
    ),
    Case("an operator is one", ARRAY, choosing({"key": "a", "operator": "Like"}), '"In", "NotIn", "Exists"'),
    Case("volume access allows something", ARRAY, {"volumeAccess": []}, "should have at least 1 items"),
    Case("an entry names volumes", ARRAY, volumes(), "should have at least 1 items"),
    Case("an entry chooses namespaces", ARRAY, {"volumeAccess": [{"volumes": ["*"]}]}, "namespaceSelector: Required"),
    Case("a pattern does not run", ARRAY, volumes("$(reboot)"), NO_GLOB),
    Case("a pattern is one line", ARRAY, volumes("a\nb"), NO_GLOB),
    Case("a bracket is closed", ARRAY, volumes("["), NO_GLOB),
    Case("a bracket is opened", ARRAY, volumes("a]"), NO_GLOB),
    Case("brackets hold something", ARRAY, volumes("a[]"), NO_GLOB),
    Case("so do those that exclude", ARRAY, volumes("a[!]"), NO_GLOB),
    Case("brackets hold no sign", ARRAY, volumes("a[*]"), NO_GLOB),
    Case("only brackets exclude", ARRAY, volumes("!a"), NO_GLOB),
    Case("a pattern is something", ARRAY, volumes(""), NO_GLOB),
    Case("an unknown keyword for PVs is refused", ARRAY, {"persistentVolumes": "Yes"}, '"Allowed", "Forbidden"'),
    Case("a duration has a unit", ARRAY, {"resyncInterval": "60"}, "write a duration from 1s to 24h"),
    Case("a resync comes within a day", ARRAY, {"resyncInterval": "25h"}, "a duration from 1s to 24h, such as 60s"),
    Case("LUNs do not cool for ever", ARRAY, {"lunQuarantine": "25h"}, "write 0s to turn it off, or a"),
    Case("a quarantine is no bare number", ARRAY, {"lunQuarantine": "0"}, "write 0s to turn it off, or a duration"),
    Case("an unknown drift policy is refused", ATTACHMENT, {"driftPolicy": "Fix"}, '"Correct", "Report", "Ignore"'),
    Case("so is one for ports", HOST, {"driftPolicy": "Fix"}, '"Correct", "Report", "Ignore"'),
    Case("a command ends", ARRAY, {"limits__commandTimeout": "11m"}, "a duration from 1s to 10m, such as 60s"),
    Case("there is a command at a time", ARRAY, {"limits__concurrentCommands": 0}, "greater than or equal to 1"),
    Case("16 commands at a time are enough", ARRAY, {"limits__concurrentCommands": 17}, "less than or equal to 16"),
    Case("8 sessions are enough", ARRAY, {"limits__sessions": 9}, "less than or equal to 8"),
    Case(
        "a rate limit has a number",
        ARRAY,
        {"detachRateLimit": {"window": "10m"}},
        "spec.detachRateLimit.max: Required value",
    ),
    Case(
        "a rate limit has a window",
        ARRAY,
        {"detachRateLimit": {"max": 5}},
        "spec.detachRateLimit.window: Required value",
    ),
    Case(
        "a rate limit allows one detach",
        ARRAY,
        {"detachRateLimit": {"max": 0, "window": "10m"}},
        "greater than or equal to 1",
    ),
    Case("a rate limit has a maximum", ARRAY, {"detachRateLimit": {"max": 10001, "window": "10m"}}, "equal to 10000"),
    Case(
        "the window of a rate limit is bounded",
        ARRAY,
        {"detachRateLimit": {"max": 5, "window": "25h"}},
        "from 1s to 24h, such as 10m",
    ),
    Case("a window has a unit", ARRAY, {"detachRateLimit": {"max": 5, "window": "10"}}, "from 1s to 24h, such as 10m"),
    Case(
        "a window is some time", ARRAY, {"detachRateLimit": {"max": 5, "window": "0s"}}, "from 1s to 24h, such as 10m"
    ),
    Case("a window has no days", ARRAY, {"detachRateLimit": {"max": 5, "window": "1d"}}, "from 1s to 24h, such as 10m"),
    Case(
        "a window is at least a second",
        ARRAY,
        {"detachRateLimit": {"max": 5, "window": "500ms"}},
        "from 1s to 24h, such as 10m",
    ),
    Case(
        "a window does not end before it begins",
        ARRAY,
        {"detachRateLimit": {"max": 5, "window": "-5m"}},
        "from 1s to 24h, such as 10m",
    ),
    Case("creators have a selector", ARRAY, {"volumeCreation__from": "Selector"}, "selector goes with from: Selector"),
    Case("creators use a pool", ARRAY, {"volumeCreation__pools": []}, "should have at least 1 items"),
    Case("a pattern of pools does not run", ARRAY, {"volumeCreation__pools": ["$(reboot)"]}, NO_POOL_GLOB),
    Case("a limit has a known unit", ARRAY, {"volumeCreation__maxVolumeSize": "10GB"}, "at most 256Ti, such as 10Ti"),
    Case("no size is no limit", ARRAY, {"volumeCreation__maxVolumeSize": 0}, "greater than 0 and at most 256Ti"),
    Case("no space is no limit", ARRAY, {"volumeCreation__maxCapacityPerNamespace": "0"}, "greater than 0 and at most"),
    Case("space has a limit", ARRAY, {"volumeCreation__maxCapacityPerNamespace": "2Ei"}, "and at most 1Ei"),
    Case("a deletion comes within a year", ARRAY, {"volumeDeletionDelay": "8761h"}, "0s to turn it off, or a duration"),
    Case("a volume is on an array", VOLUME, {"arrayRef": LEFT_OUT}, "spec.arrayRef: Required value"),
    Case("the name of its array can be", VOLUME, {"arrayRef__name": "a..b"}, NO_OBJECT),
    Case("a new volume has a size", VOLUME, {"size": LEFT_OUT}, "needs a size: add size; or add import"),
    Case("a size is not 0", VOLUME, {"size": 0}, NO_SIZE),
    Case("nor as text", VOLUME, {"size": "0Gi"}, NO_SIZE),
    Case("a size is not negative", VOLUME, {"size": -1}, NO_SIZE),
    Case("nor is its text", VOLUME, {"size": "-1Gi"}, NO_SIZE),
    Case("a size is 256Ti at most", VOLUME, {"size": "256.125Ti"}, NO_SIZE),
    Case("also as a number", VOLUME, {"size": (1 << 48) + 1}, NO_SIZE),
    Case("a size has whole bytes", VOLUME, {"size": "1.1Gi"}, NO_SIZE),
    Case("a size has no thousandths", VOLUME, {"size": "500m"}, NO_SIZE),
    Case("GB is no unit of Kubernetes", VOLUME, {"size": "10GB"}, NO_SIZE),
    Case("a size is no fraction", VOLUME, {"size": 1.5}, "spec.size in body must be of type integer,string"),
    Case("an import names a volume", VOLUME, {"import": {}}, "exactly one of name and uid; remove or add one"),
    Case("it names one", VOLUME, {"import": {"name": "a", "uid": "6" * 32}}, "exactly one of name and uid"),
    Case("an imported name does not run", VOLUME, {"import__name": "$(reboot)"}, NO_VOLUME),
    Case("an imported UID has 32 digits", VOLUME, {"import__uid": "6" * 31}, "it has 32 hexadecimal digits"),
    Case(
        "a name is not imported and given",
        VOLUME,
        {"import__name": "a", "volumeNamePrefix": "b"},
        "an imported volume keeps its name: remove volumeNamePrefix",
    ),
    Case(
        "an import is not provisioned",
        VOLUME,
        {"import__name": "a", "provisioning": "Thin"},
        "keeps its provisioning: remove provisioning",
    ),
    Case("nor moved", VOLUME, {"import__name": "a", "ioGroup": "0"}, "an imported volume keeps its I/O group: remove"),
    Case(
        "a volume name's prefix does not run", VOLUME, {"volumeNamePrefix": "a;b"}, "cannot begin a volume name; it has"
    ),
    Case(
        "a volume's pool does not run", VOLUME, {"pool": "`reboot`"}, "this is not a pool name; it has 1 to 63 letters"
    ),
    Case(
        "a volume's I/O group does not run", VOLUME, {"ioGroup": "$(reboot)"}, "this is no I/O group; write its name or"
    ),
    Case("an unknown provisioning is refused", VOLUME, {"provisioning": "Fat"}, '"Thick", "Thin", "Compressed"'),
    Case("a throttle has a limit", VOLUME, {"throttle": {}}, "a throttle needs iops, bandwidth or both; add one of"),
    Case("an array cannot limit to 99", VOLUME, {"throttle__iops": 99}, "greater than or equal to 100"),
    Case("nor to so many", VOLUME, {"throttle__iops": 33554433}, "less than or equal to 33554432"),
    Case("a bandwidth has a unit", VOLUME, {"throttle__bandwidth": "200"}, NO_BANDWIDTH),
    Case("its unit is binary", VOLUME, {"throttle__bandwidth": "200M"}, NO_BANDWIDTH),
    Case("it has no decimals", VOLUME, {"throttle__bandwidth": "1.5Gi"}, NO_BANDWIDTH),
    Case("it is not 0", VOLUME, {"throttle__bandwidth": "0Mi"}, NO_BANDWIDTH),
    Case("it is 256Ti at most", VOLUME, {"throttle__bandwidth": "257Ti"}, NO_BANDWIDTH),
    Case("it is text", VOLUME, {"throttle__bandwidth": 200}, "spec.throttle.bandwidth in body must be of type string"),
    Case("a volume goes in one of two ways", VOLUME, {"deletionPolicy": "Keep"}, 'values: "Delete", "Retain"'),
    Case("a delay has a unit", VOLUME, {"deletionDelay": "60"}, "write 0s to turn it off, or a duration up to 8760h"),
    Case("a delay has no days", VOLUME, {"deletionDelay": "7d"}, "write 0s to turn it off, or a duration up to 8760h"),
    Case("a copy is of a later release", VOLUME, {"source": {"volumeRef": "a"}}, 'unknown field "spec.source"'),
    Case("drift of a volume is known", VOLUME, {"driftPolicy": "Fix"}, '"Correct", "Report", "Ignore"'),
    Case("15 connections a second are enough", ARRAY, {"limits__newConnectionsPerSecond": 16}, "less than or equal to"),
]

TAKEN = [
    (ATTACHMENT, {"volume__name": "_data of db.1-x"}),
    (ATTACHMENT, {"volume__name": "v" * 63}),
    (ATTACHMENT, {"volume": {"uid": "600507680c80000000000000000000aF"}, "lun": 0}),
    (ATTACHMENT, {"lun": 2047, "access": "Shared", "deletionPolicy": "Retain"}),
    (ATTACHMENT, {"connectionSecret": {"name": "db-1.connection"}, **volume(storageClassName="")}),
    (ATTACHMENT, volume(volumeMode="Block", accessModes=["ReadWriteMany", "ReadOnlyMany"], nodeHostnames=["n-1"])),
    (
        ATTACHMENT,
        volume(mountOptions=["uid=1000", "ro"], fsType="xfs", readOnly=True, accessModes=["ReadWriteOncePod"]),
    ),
    (HOST, initiators("IQN.1994-05.com.RedHat:Node-1", "eui.0123456789abcdef", "naa.6005076801234567")),
    (HOST, {"initiators__otherPorts": "Allow"}),
    (
        HOST,
        initiators(
            "iqn.localhost.hostid.7f000002", "IQN.lpar-1.example.com.HostID.0A010203", "iqn.0.com.example:lpar-1"
        ),
    ),
    (HOST, {"hostNamePrefix": "0_Node.1", "arrayRef__namespace": "storage"}),
    (ARRAY, {"management__addresses": ["fd00::1", "fs.example.com"], "management__port": 2222}),
    (ARRAY, {"hostKeys": LEFT_OUT, "hostKeyPolicy": "TrustOnFirstUse", "systemID": "0123456789abcdEF"}),
    (ARRAY, {"iscsi": {"portalAddresses": ["fd00::2", "10.0.0.3"], "portset": "portset 1"}, "limits": {}}),
    (ATTACHMENT, {"detachGuard": "Disabled"}),
    (ARRAY, {"detachRateLimit": {"max": 10000, "window": "24h"}}),
    (ARRAY, {"detachRateLimit": {"max": 1, "window": "1h30m"}, "lunQuarantine": "0m", "resyncInterval": "1.5s"}),
    (ARRAY, {"limits": {"commandTimeout": "10m"}, "resyncInterval": "24h", "lunQuarantine": "0s"}),
    (ARRAY, {"allowedNamespaces": {}, "hostAdoption": {"from": "All"}, "persistentVolumes": "Allowed"}),
    (ARRAY, choosing({"key": "example.com/team", "operator": "NotIn", "values": ["a", ""]})),
    (ARRAY, {"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"example.com/team": "a"}}}}),
    (ARRAY, volumes("db-[0-9]*", "My vol_?.[!x]", "[a-z0-9-][!-_]-b-a", "*")),
    (ARRAY, labels(**{"a.b-c.example.com/Team_1.x": "", "k": "v"})),
    (ARRAY, {"management__addresses": ["FS-1.example.com", "1a.2"], "credentialsSecretRef__name": "a.b-c.1"}),
    (ATTACHMENT, volume(volumeMode="Block", fsType="ext4", storageClassName="fast.example.com")),
    (ATTACHMENT, {"driftPolicy": "Ignore"}),
    (ATTACHMENT, {"volume": {"ref": {"name": "orders-1.db"}}}),
    (
        ARRAY,
        {
            "volumeCreation": {
                "from": "All",
                "pools": ["Pool[0-9]", "db *"],
                "maxVolumeSize": "256Ti",
                "maxCapacityPerNamespace": "1.5Pi",
            },
            "volumeDeletionDelay": "8760h",
        },
    ),
    (ARRAY, {"volumeCreation": {"maxVolumeSize": 1 << 40, "maxCapacityPerNamespace": 1 << 60}}),
    (VOLUME, {"size": 1}),
    (VOLUME, {"size": 1 << 48}),
    (VOLUME, {"size": "281474976710656", "provisioning": "CompressedDeduplicated", "ioGroup": "io_grp0"}),
    (VOLUME, {"size": "1.5Ti", "pool": "pool 1", "volumeNamePrefix": "0_Data.1", "deletionDelay": "0s"}),
    (VOLUME, {"size": "0.123k", "throttle": {"iops": 100}}),
    (VOLUME, {"size": LEFT_OUT, "import__name": "My old volume", "pool": "Pool0"}),
    (VOLUME, {"import__uid": "600507680c80000000000000000000aF", "throttle": {"iops": 5000, "bandwidth": "256Ti"}}),
    (VOLUME, {"driftPolicy": "Ignore", "deletionPolicy": "Retain", "deletionDelay": "168h"}),
    (HOST, {"driftPolicy": "Report"}),
]
