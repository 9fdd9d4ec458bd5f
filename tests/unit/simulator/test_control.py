"""The control port: the state to compare, the log to count, and changes made outside the operator."""

import json
import urllib.request

import pytest
import yaml

from flashsystem_operator.simulator import Control, ControlError, Simulator
from support.plain_ssh import Open, Shell, Start


def test_the_state_can_be_loaded_again_as_a_state_file(shell: Shell, control: Control, start: Start) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkvdiskhostmap -host a vol2")
    control.change("volume", "vol3", recent_io=True)

    state = control.state()
    again = start(yaml.safe_load(yaml.safe_dump(state)))

    assert again.control.state() == state


def test_the_state_does_not_depend_on_the_commands_that_led_to_it(shell: Shell, control: Control) -> None:
    for name in "abc":
        shell(f"svctask mkhost -name {name} -iscsiname iqn.{name}")
    shell("svctask mkvdiskhostmap -host c vol2")
    shell("svctask mkvdiskhostmap -host a vol1")
    first = control.state()
    shell("svctask rmhost -force a")
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkvdiskhostmap -host a vol1")

    assert control.state() == first


def test_the_log_records_the_user_the_line_and_the_result_of_each_command(shell: Shell, control: Control) -> None:
    shell("svctask rmhost missing")
    since = control.log()[-1]["seq"]
    shell("svctask mkhost -name a -iscsiname iqn.a")

    [entry] = control.log(since)
    assert entry["time"] > 1_700_000_000
    del entry["time"]
    assert entry == {
        "seq": 2,
        "session": 1,
        "user": "superuser",
        "exec": 2,
        "line": "svctask mkhost -name a -iscsiname iqn.a",
        "shell": [],
        "commands": [
            {
                "verb": "mkhost",
                "words": ["mkhost", "-name", "a", "-iscsiname", "iqn.a"],
                "prefix": "svctask",
                "writes": True,
                "named": ["mkhost", "-name", "a", "-iscsiname", "iqn.a"],
                "exit": 0,
                "code": "",
                "done": True,
            }
        ],
        "exit": 0,
        "end": "answered",
    }


def test_each_session_has_its_own_number(either: Simulator, log_in: Open) -> None:
    first, second = log_in(either), log_in(either)
    for shell in (first, second, first):
        shell("svcinfo lsvdisk")

    assert [entry["session"] for entry in either.control.log()] == [1, 2, 1]
    assert [session["user"] for session in either.control.sessions()] == ["superuser", "superuser"]


def test_commands_of_the_administrator_are_distinguished_in_the_log(control: Control) -> None:
    reply = control.admin("svctask mkhost -name a -iscsiname iqn.a")

    assert reply == {"stdout": "Host, id [0], successfully created\n", "stderr": "", "exit": 0}
    assert [(entry["user"], entry["session"]) for entry in control.log()] == [("administrator", 0)]


def test_a_blank_array_at_the_old_address_is_another_system(control: Control, either: Simulator, log_in: Open) -> None:
    shell, before = log_in(either), control.state()["system"]["id"]

    control.change("blank")
    first = shell("svcinfo lssystem -delim !").keys["id"]
    control.change("blank", id="00000000DEADBEEF", name="new")

    assert first != before
    assert shell("svcinfo lssystem -delim !").keys["id"] == "00000000DEADBEEF"
    assert shell("svcinfo lsvdisk").stdout == ""


CHANGES = [
    ("system", "", {"open_access_enabled": "on"}, ("system", "open_access_enabled")),
    ("node", "node2", {"status": "service"}, ("nodes", 1, "status")),
    ("pool", "0", {"status": "offline"}, ("pools", 0, "status")),
    ("volume", "vol1", {"name": "renamed"}, ("volumes", 1, "name")),
    ("volume", "1", {"uid": "60050768000000000000000000000FFF"}, ("volumes", 1, "uid")),
    ("limits", "", {"sessions": 5}, ("limits", "sessions")),
    ("rules", "", {"empty_list_header": True}, ("rules", "empty_list_header")),
    ("user", "monitor", {"role": "Administrator"}, ("users", 1, "role")),
    ("port", "{port}", {"link_state": "inactive"}, ("ports", 1, "link_state")),
    ("host", "a", {"name": "renamed"}, ("hosts", 0, "name")),
    ("host_port", "IQN.A", {"logins": 2}, ("hosts", 0, "ports", 0, "logins")),
    ("mapping", "a/vol0", {"lun": 9}, ("mappings", 0, "lun")),
]


@pytest.mark.parametrize(("what", "name", "fields", "path"), CHANGES, ids=lambda value: str(value)[:24])
def test_everything_can_be_changed_outside_the_operator(
    what: str, name: str, fields: dict[str, object], path: tuple[str | int, ...], control: Control
) -> None:
    control.admin("svctask mkhost -name a -iscsiname iqn.a")
    control.admin("svctask mkvdiskhostmap -host a vol0")
    port = control.state()["ports"][1]

    control.change(what, name.format(port=f"{port['node']}/{port['id']}"), **fields)

    found: object = control.state()
    for step in path:
        found = found[step]  # type: ignore[index] # JSON of any shape
    assert [found] == list(fields.values())


def test_references_to_a_renamed_object_follow_it(modern: Simulator, log_in: Open) -> None:
    control = modern.control
    control.admin("mkhost -name a -iscsiname iqn.a")
    control.admin("mkvdiskhostmap -host a vol0")

    names = {"host": "a", "volume": "vol0", "pool": "Pool0", "portset": "portset0", "node": "node1"}
    for what, name in names.items():
        control.change(what, name, name=f"new{what}")

    shell = log_in(modern)
    assert shell("lshostvdiskmap -delim ! newhost").rows[0]["vdisk_name"] == "newvolume"
    assert {row["portset_name"] for row in shell("lsip -delim !").rows} == {"newportset"}


def test_an_address_can_move_to_another_portset(modern: Simulator, log_in: Open) -> None:
    modern.control.change("address", "10.0.1.12", portset="portset1")

    rows = log_in(modern)("lsip -delim ! -filtervalue portset_name=portset0").rows
    assert [row["IP_address"] for row in rows] == ["10.0.1.11"]


def test_the_whole_state_of_an_array_can_be_replaced(control: Control) -> None:
    before = control.state()

    control.replace({**before, "hosts": [{"id": 0, "name": "a"}]})
    assert control.state()["hosts"][0]["name"] == "a"
    assert control.replace(before) == before


@pytest.mark.parametrize(
    ("what", "name", "fields", "reason"),
    [
        ("weather", "", {}, "what: there is no 'weather': choose one of"),
        ("volume", "vol9", {}, "name: there is no 'vol9' in volumes"),
        ("volume", "vol1", {"name": "vol2"}, "volumes: the name vol2 is there 2 times"),
        ("volume", "vol1", {"colour": "red"}, r"volumes.1.colour: no such field"),
        ("volume", "vol1", {"capacity": "much"}, r"volumes.1.capacity: "),
        ("volume", "vol1", {"pool": "nowhere"}, "volumes.pool: there is no nowhere in pools"),
        ("host_port", "iqn.nobody", {}, "name: no host has the port"),
        ("mapping", "a/b", {}, "name: there is no mapping"),
        ("port", "x/1", {}, "name: there is no port"),
        ("limits", "", {"sessions": -1}, "limits.sessions: "),
        ("availability", "perhaps", {}, "name: 'perhaps' is not an availability"),
        ("config_node", "node9", {}, "name: 'node9' is not another node"),
    ],
)
def test_an_impossible_change_is_refused_with_advice_and_changes_nothing(
    what: str, name: str, fields: dict[str, object], reason: str, control: Control
) -> None:
    before = control.state()

    with pytest.raises(ControlError, match=reason) as refused:
        control.change(what, name, **fields)

    assert refused.value.status == 400
    assert control.state() == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/admin", b"{", 400),
        ("POST", "/admin", b"[]", 400),
        ("POST", "/admin", b"{}", 400),
        ("GET", "/log?since=x", None, 400),
        ("GET", "/faults/77", None, 404),
        ("GET", "/nowhere", None, 404),
        ("GET", "/faults/1?state=spent&timeout=soon", None, 400),
        ("GET", "/faults/1?state=spent&timeout=nan", None, 400),
        ("PUT", "/state", b'{"volumes": [{"id": []}]}', 400),
    ],
)
def test_an_invalid_request_is_answered_and_not_fatal(
    method: str, path: str, body: bytes | None, status: int, modern: Simulator
) -> None:
    modern.control.fault("delay", seconds=1)
    request = urllib.request.Request(modern.control_url + path, body, method=method)  # noqa: S310 -- our own address

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)  # noqa: S310 - our own control port

    with refused.value as answered:
        assert answered.code == status
        if path != "/nowhere":
            assert ": " in json.load(answered)["error"]
    assert modern.control.health() == {"ok": True, "availability": "up"}
