"""What the pages point at is there: files, headings, targets of make."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "operator" / "flashsystem_operator"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text(encoding="utf-8")):
            yield page, target


@pytest.mark.parametrize(("page", "target"), [*links()], ids=lambda each: str(each).rpartition("/")[2])
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, heading = target.partition("#")
    found = page.parent / path if path else page
    assert found.exists()
    if heading:
        headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
        assert heading in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_that_a_page_names_is_one(page: Path) -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    named = re.findall(r"(?:`|^ {4}|\s)make (?:-s )?([a-z0-9-]+)`?$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= set(targets)


def test_the_readme_begins_with_the_demo_and_then_the_tests() -> None:
    commands = re.findall(r"^ {4}((?:make|kubectl) .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert commands[:3] == ["make demo", "make test", "kubectl apply -k manifests/base"]


def test_every_page_can_be_found_from_the_readme() -> None:
    seen, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        found = {(page.parent / target.partition("#")[0]).resolve() for each, target in links() if each == page}
        inside = {path / "README.md" if path.is_dir() else path for path in found}
        todo += [path for path in inside - seen if path.suffix == ".md" and path.exists()]

    assert set(PAGES) - seen == set()


def map_of_the_code() -> str:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return page.partition("| To change |")[2].partition("\n\n")[0]


def test_every_module_is_on_the_map_of_the_code_by_itself_or_by_its_folder() -> None:
    table, missing = map_of_the_code(), []
    for module in PACKAGE.rglob("*.py"):
        path = module.relative_to(PACKAGE)
        named = re.search(rf"`(?:[\w/]+/)?{re.escape(path.name)}`", table)
        folders = {f"`{parent}/`" for parent in path.parents}
        if not path.name.startswith("__") and not named and not any(folder in table for folder in folders):
            missing.append(str(path))

    assert missing == []


def test_every_file_that_the_architecture_names_is_there() -> None:
    table, missing, folder = map_of_the_code(), list[str](), Path()
    for word in re.findall(r"`([\w/.*-]+(?:\.py|\.yaml|\.md|/))`", table):
        # `array/transport.py`, `handshake.py`: a name alone is beside the one before it, or at the top.
        beside = [Path(word)] if "/" in word else [folder / word, Path(word)]
        found = [path for base in (ROOT, PACKAGE) for each in beside for path in base.glob(str(each))]
        missing += [] if found else [word]
        folder = Path(word).parent if "/" in word else folder

    assert missing == []
