"""One of Cinder's own drivers, unmodified, in a process of its own: calls come in and results go out as lines of JSON.

Run by the Python that has Cinder, with three arguments: a cinder.conf, whose section [array] has the settings, the
class of the driver, and the pool for new volumes. A call has `method`, `volume`, `connector`, and `settings` for this
call alone; a result is `returned`, or `raised` with the class and the message of an exception. The driver connects by
itself, with the SSH pool of Cinder.
"""

import json
import random
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # of Cinder and what it needs, which are none of ours

from cinder import context, coordination, objects  # type: ignore[import-not-found] # noqa: E402 - set up above
from cinder.volume import configuration, driver  # type: ignore[import-not-found] # noqa: E402 - the same
from oslo_config import cfg  # type: ignore[import-not-found] # noqa: E402 - the same
from oslo_log import log  # type: ignore[import-not-found] # noqa: E402 - the same
from oslo_utils import importutils  # type: ignore[import-not-found] # noqa: E402 - the same

QUICK = 139
"""With this seed Cinder's Storwize driver pauses 0.2 s after a refusal; it draws 0.2 s to 5 s when it is imported."""


def main() -> None:
    results, sys.stdout = sys.stdout, sys.stderr  # what Cinder prints must not mix with the results
    log.register_options(cfg.CONF)
    cfg.CONF(["--config-file", sys.argv[1]], project="cinder")
    log.setup(cfg.CONF, "cinder")
    objects.register_all()
    coordination.COORDINATOR.start()
    # There is no database. A driver asks it in its set-up for volumes whose copy an earlier run had not finished.
    objects.VolumeList.get_all_by_host = lambda *_, **__: []
    random.seed(QUICK)
    chosen = importutils.import_class(sys.argv[2])
    random.seed()
    settings = configuration.Configuration(driver.volume_opts, config_group="array")
    array = chosen(configuration=settings, host="cinder@array", db=None)
    for line in sys.stdin:
        print(json.dumps(_result(array, json.loads(line))), file=results, flush=True)


def _result(array: Any, call: dict[str, Any]) -> dict[str, Any]:
    admin = context.get_admin_context()
    arguments = [admin] if call["method"] == "do_setup" else []
    if call["volume"]:
        arguments.append(_volume(admin, call["volume"]))
    if call["connector"]:
        arguments.append(call["connector"])
    for name, value in call["settings"].items():
        cfg.CONF.set_override(name, value, group="array")
    try:
        return {"returned": getattr(array, call["method"])(*arguments)}
    except Exception as error:  # noqa: BLE001 - whatever it raises is the result
        return {"raised": type(error).__name__, "message": str(error)}
    finally:
        for name in call["settings"]:
            cfg.CONF.clear_override(name, group="array")


def _volume(admin: Any, number: str) -> Any:
    """A volume as Cinder has it, of 1 GB, without a volume type. On the array its name is `volume-NUMBER`."""
    nothing = ("volume_type_id", "volume_type", "group_id", "group", "migration_status", "replication_status")
    return objects.Volume(
        admin,
        id=number,
        name_id=number,
        display_name="",
        size=1,
        host=f"cinder@array#{sys.argv[3]}",
        multiattach=False,
        metadata={},
        admin_metadata={},
        **dict.fromkeys(nothing),
    )


if __name__ == "__main__":
    main()
