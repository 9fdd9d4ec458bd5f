"""IBM's pysvc, unmodified, asked once over SSH. Run by the Python that has it; stdin and stdout are JSON.

stdin: `address`, `port`, `username`, `password`, and `calls`, a list of [executable, command, parameters]. stdout: for
each call the rows that pysvc made of the answer, or the message of the failure that it raised. A call of the executable
`raw` sends its command as it is and has what came back on both streams. `has` asks whether a command is there.
"""

import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # of pkg_resources, which pysvc still needs

from pysvc.unified.client import connect  # type: ignore[import-not-found] # noqa: E402 - set up above
from pysvc.unified.response import CLIFailureError  # type: ignore[import-not-found] # noqa: E402 - the same


def main() -> None:
    request = json.load(sys.stdin)
    calls = request.pop("calls")
    client = connect(request.pop("address"), device_type="svc", **request)
    try:
        json.dump([_result(client, *call) for call in calls], sys.stdout)
    finally:
        client.close()


def _result(client: Any, executable: str, command: str, parameters: dict[str, Any]) -> Any:
    if executable == "raw":
        return [stream.decode() for stream in client.send_raw_command(command)]
    if executable == "has":
        return hasattr(client.svcinfo, command)
    try:
        return getattr(getattr(client, executable), command)(**parameters).as_list
    except CLIFailureError as error:
        return {"failed": error.my_message}


if __name__ == "__main__":
    main()
