"""Programs are built once per machine, and the cache contains only complete builds."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import build
from cluster.missing import Missing
from cluster.recipe import CONTROL_PLANE, Recipe
from cluster.standing import PYTHONPATH
from sealed.recipe import PROGRAMS

from .conftest import Tools

# A simulated Go: it counts its calls, and creates the program that it is asked for.
GO = """
[ "$1" = version ] && echo go version go1.26.0 linux/amd64 && exit
while [ "$1" != -o ]; do shift; done
echo built >> "$COUNTER"
echo half > "$2"; sleep 0.2; echo whole > "$2"
"""


@pytest.fixture
def environ(tmp_path: Path, tools: Tools) -> dict[str, str]:
    path = f"{tools('go', go=GO)}:/usr/bin:/bin"
    return {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COUNTER": str(tmp_path / "counter")}


def test_programs_are_built_once(environ: dict[str, str]) -> None:
    first = build.built(["kubectl"], environ)
    second = build.built(["kubectl"], environ)

    assert first == second == build.cache(environ)
    assert (first / "kubectl").read_text() == "whole\n"
    assert _builds(environ) == 1


def test_two_builds_at_once_build_once(environ: dict[str, str]) -> None:
    program = "import os; from cluster.build import built; built(['etcd', 'kubectl'], os.environ)"
    env = {**environ, "PYTHONPATH": PYTHONPATH}
    both = [subprocess.Popen([sys.executable, "-c", program], env=env, stderr=subprocess.DEVNULL) for _ in range(2)]

    assert [each.wait(30) for each in both] == [0, 0]
    assert _builds(environ) == 2  # two programs, once each


def test_a_failed_build_leaves_nothing_and_shows_the_output_of_the_compiler(
    environ: dict[str, str], tools: Tools
) -> None:
    tools("go", go=GO + "echo undefined: nonsense; exit 1")

    with pytest.raises(Missing, match=r"(?s)kubectl could not be built.*undefined: nonsense"):
        build.built(["kubectl"], environ)

    assert [left.name for left in build.cache(environ).iterdir()] == [".lock"]


def test_leftovers_of_a_killed_build_are_removed(environ: dict[str, str]) -> None:
    left = build.cache(environ) / f"{build.ASIDE}killed"
    left.mkdir(parents=True)

    build.built(["kubectl"], environ)

    assert not left.exists()


def test_a_go_version_that_is_too_old_is_reported(environ: dict[str, str], tools: Tools) -> None:
    tools("go", go="echo go version go1.19.8 linux/amd64")

    with pytest.raises(Missing, match=r"older than Go 1\.21"):
        build.built(["kubectl"], environ)


def test_a_cache_that_cannot_be_written_is_reported_with_the_remedy(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Missing, match="XDG_CACHE_HOME names another place"):
        build.built(["kubectl"], {**environ, "XDG_CACHE_HOME": str(tmp_path / "file")})


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "pause/main.go"])
def test_a_change_of_the_module_selects_another_cache(file: str, tmp_path: Path) -> None:
    copy = shutil.copytree(PROGRAMS.module, tmp_path / "programs")
    before = Recipe(copy, PROGRAMS.packages)
    assert before.key() == PROGRAMS.key()

    (copy / file).write_text((copy / file).read_text() + "\n// another\n")

    assert before.key() != PROGRAMS.key()


def test_the_cache_is_named_after_the_version_of_kubernetes() -> None:
    assert CONTROL_PLANE.key().startswith(f"{CONTROL_PLANE.version()}-")


def test_all_programs_of_a_node_are_of_one_kubernetes_version() -> None:
    assert PROGRAMS.version() == CONTROL_PLANE.version()


def _builds(environ: dict[str, str]) -> int:
    return len(Path(environ["COUNTER"]).read_text().split())
