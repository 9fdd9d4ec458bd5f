"""Python client of the control port, for tests, the demo and scripts."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


class ControlError(Exception):
    """The control port refused a request. The message is its own text."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Control:
    """Client of the control port of a running simulator. Every method is one request."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def health(self) -> dict[str, Any]:
        return self._dict("GET", "/healthz")

    def state(self) -> dict[str, Any]:
        """Return the whole state, in the form of a state file. Equal states compare equal."""
        return self._dict("GET", "/state")

    def replace(self, state: dict[str, Any]) -> dict[str, Any]:
        """Replace the state of the array. state: in the form of a state file."""
        return self._dict("PUT", "/state", state)

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the exec lines after this `seq`."""
        return self._list("GET", f"/log?since={since}")

    def sessions(self) -> list[dict[str, Any]]:
        return self._list("GET", "/sessions")

    def admin(self, line: str) -> dict[str, Any]:
        """Run a line as the array administrator; return stdout, stderr and exit."""
        return self._dict("POST", "/admin", {"line": line})

    def change(self, what: str, name: str = "", /, **fields: Any) -> dict[str, Any]:
        """Change the array outside the operator."""
        return self._dict("POST", "/change", {"what": what, "name": name, "set": fields})

    def fault(self, fault: str, verb: str | None = None, **order: Any) -> int:
        """Order a fault; return its id for release, forget and wait."""
        ordered = self._dict("POST", "/faults", {"fault": fault, "verb": verb, **order})
        return int(ordered["id"])

    def faults(self) -> list[dict[str, Any]]:
        return self._list("GET", "/faults")

    def wait(self, fault: int, state: str = "holding", seconds: float = 10.0) -> dict[str, Any]:
        """Wait until a fault is holding a command, or spent."""
        return self._dict("GET", f"/faults/{fault}?state={state}&timeout={seconds}", seconds=seconds)

    def release(self, fault: int) -> int:
        """Release every command that the fault holds, and return how many."""
        return int(self._dict("POST", f"/faults/{fault}/release")["released"])

    def forget(self, fault: int) -> None:
        self._dict("DELETE", f"/faults/{fault}")

    def _dict(self, method: str, path: str, body: object = None, *, seconds: float = 0.0) -> dict[str, Any]:
        answer = self._ask(method, path, body, seconds)
        if not isinstance(answer, dict):
            raise ControlError(200, f"{path}: not an object: {answer!r:.80}")
        return answer

    def _list(self, method: str, path: str) -> list[dict[str, Any]]:
        answer = self._ask(method, path, None)
        if not isinstance(answer, list):
            raise ControlError(200, f"{path}: not a list: {answer!r:.80}")
        return answer

    def _ask(self, method: str, path: str, body: object, seconds: float = 0.0) -> Any:
        """Send a request. seconds: additional time in which the control port may answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 -- the user gave the address; its scheme is http
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with self._open(request, timeout=self._timeout + seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                refusal = error.read()
            try:
                reason = str(json.loads(refusal)["error"])
            except (ValueError, KeyError, TypeError):
                reason = refusal.decode(errors="replace")
            raise ControlError(error.code, reason) from None
