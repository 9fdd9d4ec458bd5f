"""The frame of a step: what it promises, what the user types, what the array receives, and whether it is true."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from typing import Any

from cluster.client import Cluster, KubectlFailed
from demo.array import Array
from demo.resources import KINDS
from demo.screen import Screen
from flashsystem_operator.simulator.client import ControlError


class NotSo(Exception):
    """A check found the world to be otherwise than the step claims."""


class Broken(Exception):
    """A step did not hold. The message says which one, and why."""


class Steps:
    """The steps of one story, in one namespace, with one array. patience: seconds that anything may take."""

    def __init__(self, screen: Screen, cluster: Cluster, namespace: str, array: Array, patience: float) -> None:
        self.array = array
        self.told: list[list[str]] = []
        self._screen = screen
        self._cluster = cluster
        self._namespace = namespace
        self._patience = patience
        self._number = 0
        self._asked = 0

    @contextlib.contextmanager
    def step(self, promise: str) -> Iterator[None]:
        """Whatever goes wrong inside breaks this promise, and the demo with it."""
        self._number += 1
        self._screen.step(self._number, promise)
        try:
            yield
        except BrokenPipeError:  # nobody watches any more
            raise
        except (NotSo, KubectlFailed, ControlError, subprocess.TimeoutExpired, OSError, LookupError) as why:
            self._screen.array(self.array.commands())
            self._show_what_is_said()
            words = f"{type(why).__name__} {why}" if isinstance(why, LookupError) else str(why)
            raise Broken(f"Step {self._number} ({self.array.dialect}) did not hold: {promise}\n{words}") from why

    def _show_what_is_said(self) -> None:
        """Of a step that broke: the conditions of everything there is."""
        ready = ".status.conditions[0]"
        columns = f"KIND:.kind,NAME:.metadata.name,READY:{ready}.status,REASON:{ready}.reason,WHY:{ready}.message"
        with contextlib.suppress(KubectlFailed, subprocess.TimeoutExpired):
            self.kubectl("get", KINDS, f"--output=custom-columns={columns}")

    # -- what the user does ------------------------------------------------------------------------------------------

    def apply(self, yaml: str, *, shown: bool = True) -> None:
        if shown:
            self._screen.wrote(yaml)
        self._screen.typed("kubectl apply -f -")
        self._cluster.apply(yaml, self._namespace)

    def kubectl(self, *words: str) -> str:
        """Type it, and show what it answers."""
        self._screen.typed(" ".join(("kubectl", *words)))
        answer = self._quietly(*words)
        self._screen.answered(answer or "(nothing)")
        return answer

    def delete(self, *words: str) -> None:
        self.kubectl("delete", *words, f"--timeout={self._patience:g}s")

    def wait(self, condition: str, *what: str) -> None:
        """For `condition=Ready` and the like."""
        self._screen.typed(f"kubectl wait --for={condition} {' '.join(what)}")
        self._quietly("wait", f"--for={condition}", *what, f"--timeout={self._patience:g}s")

    # -- what others do ----------------------------------------------------------------------------------------------

    def by_hand(self, line: str) -> None:
        """Type it on the array, as its administrator."""
        self._screen.typed(f"ssh {self.array.user}@{self.array.address} {line}")
        answer = self.array.control.admin(line)
        self.so(answer["exit"] == 0, f"the array refused it: {answer}")

    def look_again(self, what: str) -> None:
        """Ask the operator to look at the array now, and wait until it has."""
        self._asked += 1
        self.kubectl("annotate", "--overwrite", what, f"flashsystem.io/reconcile-requested-at={self._asked}")
        self.wait(f"jsonpath={{.status.lastHandledReconcileAt}}={self._asked}", what)

    # -- what is looked at -------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self._quietly("get", kind, name, "--output=json"))

    def condition(self, kind: str, name: str, which: str = "Ready") -> Any:
        conditions = self.get(kind, name)["status"]["conditions"]
        return next(each for each in conditions if each["type"] == which)

    def received(self, *changes: str) -> list[list[str]]:
        """Show what the array received since the last call. It was to change by exactly these verbs, in any order."""
        commands = self.array.commands()
        self._screen.array(commands)
        told = [command["named"] for command in commands if command["writes"]]
        self.told += told
        self.so(
            sorted(words[0] for words in told) == sorted(changes),
            f"the array was to be told {', '.join(changes) or 'nothing'}; it was told {told or 'nothing'}",
        )
        return told

    def so(self, truth: bool, otherwise: str) -> None:
        if not truth:
            raise NotSo(otherwise)

    def held(self, what: str) -> None:
        self._screen.held(what)

    def _quietly(self, *words: str) -> str:
        return self._cluster.kubectl("--namespace", self._namespace, *words)
