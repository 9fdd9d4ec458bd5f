"""The part of the story that is about trust: a plan, another hand on the array, an audit."""

from demo.steps import Steps


def the_audit_names_what_nobody_explains(steps: Steps) -> None:
    with steps.step("What is on the array and in no resource is listed, and left alone."):
        steps.kubectl("get", "fsarray", "fs", "--output=jsonpath-as-json={.status.audit}")
        audit, state = steps.get("fsarray", "fs")["status"]["audit"], steps.array.state()
        there = {(each["name"], None) for each in state["hosts"]}
        there |= {(each["host"], each["volume"]) for each in state["mappings"]}
        foreign = {(each["host"], each.get("volume")) for each in audit["foreign"]["items"]}
        steps.so(foreign == there, f"it names {foreign} as foreign, and the array has {there}")
        steps.so(audit["orphaned"]["hosts"] == 0, f"it says that {audit['orphaned']} is ours")
        steps.received()
        steps.held("OLD_BOX and its mapping are foreign: somebody else's. Nothing of ours was forgotten there.")


def a_plan_is_what_is_done(steps: Steps) -> None:
    with steps.step("In plan mode a deletion only says what would be sent; taken out of it, exactly that is sent."):
        steps.kubectl("annotate", "fsattach", "db-log", "flashsystem.io/plan=true")
        steps.kubectl("delete", "fsattach", "db-log", "--wait=false")
        steps.wait("jsonpath={.status.conditions[0].reason}=Planned", "fsattach/db-log")
        steps.kubectl("get", "fsattach", "db-log", "--output=jsonpath-as-json={.status.plan}")
        planned = [line.split()[1:] for line in steps.get("fsattach", "db-log")["status"]["plan"]]
        steps.received()
        steps.kubectl("annotate", "fsattach", "db-log", "flashsystem.io/plan-")
        steps.wait("delete", "fsattach/db-log")
        told = steps.received("rmvdiskhostmap")
        steps.so(told == planned, f"it was planned {planned}, and sent {told}")
        steps.wait("jsonpath={.status.mappings.count}=2", "fshost/worker-1")
        mapped = steps.array.mappings(steps.get("fshost", "worker-1")["status"]["name"])
        steps.so(mapped.keys() == {"db-data", "cluster-fs"}, f"worker-1 sees {mapped}")
        steps.held(f"Planned and sent: {' '.join(planned[0])}; the host object stays with the others.")


def another_hand_is_corrected_where_nobody_is_hurt(steps: Steps) -> None:
    name = steps.get("fshost", "worker-1")["status"]["name"]
    before = steps.array.mappings(name)
    with steps.step("An administrator unmaps db-data by hand. Nobody is logged in there, so it is mapped again."):
        steps.by_hand(f"svctask rmvdiskhostmap -host {name} db-data")
        steps.look_again("fsarray/fs")
        steps.kubectl("get", "events", "--field-selector=involvedObject.name=db-data")
        steps.received("mkvdiskhostmap")
        steps.so(steps.array.mappings(name) == before, f"it was {before}, and is {steps.array.mappings(name)}")
        steps.held("The same volume at the same LUN, and an Event that says so.")
