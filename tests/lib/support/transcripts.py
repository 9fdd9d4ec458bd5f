"""The exchanges of tests/lib/transcripts, for those who print them and those who read them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent / "transcripts"


@dataclass(frozen=True, slots=True)
class Transcript:
    """One exchange; tests/lib/transcripts/README.md explains the fields."""

    name: str
    source: str
    dialect: str
    release: str
    command: str
    stdout: str = ""
    stderr: str = ""
    exit: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)

    @property
    def config(self) -> dict[str, Any]:
        """The state as the simulator takes it."""
        return {"dialect": self.dialect, "release": self.release, **self.state}

    @property
    def verb(self) -> str:
        parts = self.command.split()
        return parts[1] if parts[0] in {"svcinfo", "svctask"} else parts[0]


def transcripts(*verbs: str) -> list[Transcript]:
    """Every transcript, or those of some verbs, in the order of their names."""
    files = sorted(FOLDER.glob("*.yaml"))
    found = [Transcript(file.stem, **yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files]
    return [transcript for transcript in found if not verbs or transcript.verb in verbs]
