"""The targets that the pages refer to exist: files, headings, make targets."""

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
def test_every_link_has_a_target(page: Path, target: str) -> None:
    path, _, heading = target.partition("#")
    found = page.parent / path if path else page
    assert found.exists()
    if heading:
        headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
        assert heading in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    named = re.findall(r"(?:`|^ {4}|\s)make (?:-s )?([a-z0-9-]+)`?$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= set(targets)


def test_the_readme_begins_with_the_demo_followed_by_the_tests() -> None:
    commands = re.findall(r"^ {4}((?:make|kubectl) .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert commands[:3] == ["make demo", "make test", "kubectl apply -k manifests/base"]


def test_every_page_is_linked_from_the_readme_directly_or_indirectly() -> None:
    seen, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        found = {(page.parent / target.partition("#")[0]).resolve() for each, target in links() if each == page}
        inside = {path / "README.md" if path.is_dir() else path for path in found}
        todo += [path for path in inside - seen if path.suffix == ".md" and path.exists()]

    assert set(PAGES) - seen == set()


def code_map() -> str:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return page.partition("| To change |")[2].partition("\n\n")[0]


def test_every_module_is_on_the_code_map_by_itself_or_by_its_folder() -> None:
    table, missing = code_map(), []
    for module in PACKAGE.rglob("*.py"):
        path = module.relative_to(PACKAGE)
        named = re.search(rf"`(?:[\w/]+/)?{re.escape(path.name)}`", table)
        folders = {f"`{parent}/`" for parent in path.parents}
        if not path.name.startswith("__") and not named and not any(folder in table for folder in folders):
            missing.append(str(path))

    assert missing == []


def test_every_file_that_the_architecture_page_names_exists() -> None:
    table, missing, folder = code_map(), list[str](), Path()
    for name in re.findall(r"`([\w/.*-]+(?:\.py|\.yaml|\.md|/))`", table):
        # `array/transport.py`, `handshake.py`: a bare name is in the folder of the previous name, or at the top.
        candidates = [Path(name)] if "/" in name else [folder / name, Path(name)]
        found = [path for base in (ROOT, PACKAGE) for each in candidates for path in base.glob(str(each))]
        missing += [] if found else [name]
        folder = Path(name).parent if "/" in name else folder

    assert missing == []
