"""What is told beside the conditions: the change log."""

from flashsystem_operator.simulator import Simulator
from support.changes import changes
from support.contents import commands, uid
from support.operating import Operator
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until


def test_the_change_log_says_who_mapped_and_who_unmapped_a_volume_and_why(
    stand: Stand, simulator: Simulator, operator: Operator
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("db", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "db")
    resource, system = stand.get(ATTACHMENTS, "db"), stand.status(ARRAYS, "array")["systemID"]
    stand.delete(ATTACHMENTS, "db")
    until("the host object to be gone", lambda: not simulator.control.state()["hosts"])

    told = changes(operator, volumeUID=uid(simulator, "vol0"), uid=resource["metadata"]["uid"])
    mapped, unmapped = told

    who = {"kind": "VolumeAttachment", "namespace": stand.namespace, "name": "db"}
    assert [each["resource"] for each in told] == [who, who]
    assert [each["why"] for each in told] == ["attach", "detach"]
    assert [each["result"] for each in told] == ["done", "done"]
    assert all(each["array"] == {"namespace": stand.namespace, "name": "array", "system": system} for each in told)
    assert f"{stand.namespace}/db is being deleted since 20" in unmapped["because"]
    assert mapped["time"] < unmapped["time"]
    assert mapped["generation"] == resource["metadata"]["generation"]


def test_the_change_log_has_a_line_for_each_write_word_for_word_and_in_order(
    stand: Stand, simulator: Simulator, operator: Operator
) -> None:
    fault = simulator.control.fault("refuse", "mkvdiskhostmap", code="CMMVC9998E", text="Ni oui ni non", times=1)
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("db", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "db")
    simulator.control.forget(fault)
    stand.delete(ATTACHMENTS, "db")
    stand.delete(HOSTS, "worker-1")

    told = [each for each in changes(operator) if each["array"]["namespace"] == stand.namespace]
    typed = [command for command in commands(simulator) if command["writes"]]

    assert [each["command"].split()[1:] for each in told] == [command["words"] for command in typed]
    assert [each["why"] for each in told] == ["host made", "attach", "attach", "detach", "host emptied"]
    assert [each["result"] for each in told] == ["done", "refused", "done", "done", "done"]
    assert (told[1]["code"], told[1]["words"]) == ("CMMVC9998E", "CMMVC9998E Ni oui ni non")
    (loud,) = [
        line
        for line in operator.log.splitlines()
        if "a code that is not known" in line and "CMMVC9998E" in line and f"{stand.namespace}/db" in line
    ]
    assert " WARNING " in loud
