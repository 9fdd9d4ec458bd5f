"""The steps about safety: an audit, a plan, and a change that an administrator made on the array."""

from demo.steps import Steps


def the_audit_lists_what_no_resource_explains(steps: Steps) -> None:
    with steps.step("Objects on the array that belong to no resource are listed, and left unchanged."):
        steps.kubectl("get", "fsarray", "fs", "--output=jsonpath-as-json={.status.audit}")
        audit, state = steps.get("fsarray", "fs")["status"]["audit"], steps.array.state()
        there = {(each["name"], None) for each in state["hosts"]}
        there |= {(each["host"], each["volume"]) for each in state["mappings"]}
        foreign = {(each["host"], each.get("volume")) for each in audit["foreign"]["items"]}
        steps.so(foreign == there, f"it names {foreign} as foreign, and the array has {there}")
        steps.so(audit["orphaned"]["hosts"] == 0, f"it lists {audit['orphaned']} as ours")
        steps.received()
        steps.held("OLD_BOX and its mapping are foreign. Nothing of ours was left behind.")


def a_plan_is_what_is_done(steps: Steps) -> None:
    with steps.step("In plan mode a deletion only lists its commands; without plan mode, exactly these are sent."):
        steps.kubectl("annotate", "fsattach", "db-log", "flashsystem.io/plan=true")
        steps.kubectl("delete", "fsattach", "db-log", "--wait=false")
        steps.wait("jsonpath={.status.conditions[0].reason}=Planned", "fsattach/db-log")
        steps.kubectl("get", "fsattach", "db-log", "--output=jsonpath-as-json={.status.plan}")
        planned = [line.split()[1:] for line in steps.get("fsattach", "db-log")["status"]["plan"]]
        steps.received()
        steps.kubectl("annotate", "fsattach", "db-log", "flashsystem.io/plan-")
        steps.wait("delete", "fsattach/db-log")
        sent = steps.received("rmvdiskhostmap")
        steps.so(sent == planned, f"it was planned {planned}, and sent {sent}")
        steps.wait("jsonpath={.status.mappings.count}=2", "fshost/worker-1")
        mapped = steps.array.mappings(steps.get("fshost", "worker-1")["status"]["name"])
        steps.so(mapped.keys() == {"db-data", "cluster-fs"}, f"worker-1 sees {mapped}")
        steps.held(f"Planned and sent: {' '.join(planned[0])}; the host object stays with the others.")


def a_change_by_an_administrator_is_reverted_where_it_is_safe(steps: Steps) -> None:
    name = steps.get("fshost", "worker-1")["status"]["name"]
    before = steps.array.mappings(name)
    with steps.step("An administrator unmaps db-data on the array. The host is not logged in, so it is mapped again."):
        steps.by_hand(f"svctask rmvdiskhostmap -host {name} db-data")
        steps.look_again("fsarray/fs")
        steps.kubectl("get", "events", "--field-selector=involvedObject.name=db-data")
        steps.received("mkvdiskhostmap")
        steps.so(steps.array.mappings(name) == before, f"it was {before}, and is {steps.array.mappings(name)}")
        steps.held("The same volume at the same LUN, and an Event that reports it.")
