"""docs/tutorial.md, typed as it is written: it does what it says, prints what it shows, and leaves nothing.

How it is read and compared is told in .ci/lab/onkind/pages.py.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from cluster.standing import CHECKOUT
from onkind.lab import Lab
from onkind.pages import TUTORIAL, blocks, printed_as
from onkind.terminal import Terminal

BY_OTHERS = {"make e2e-up": "e2e", "make e2e-down": "the end of the cluster"}
"""What the tests stand on cannot be typed within them: the target, or the stage of .ci/run, that types it."""


@pytest.fixture
def terminal(found: Lab) -> Iterator[Terminal]:
    """A shell beside a cluster in which nothing is installed."""
    found.uninstall()
    with found.terminal(points_here=False) as opened:
        yield opened
    # After a failure, or nobody could install anything after it; and kubectl's namespace is not that of the tutorial.
    found.uninstall()
    found.type("kubectl config set-context --current --namespace=default")
    found.type("kubectl delete namespace tutorial --ignore-not-found")


def test_the_tutorial_does_and_prints_what_it_says_and_leaves_nothing(terminal: Terminal, found: Lab) -> None:
    before = everything(found)
    page = blocks(TUTORIAL)
    said = ""

    for block in page:
        if block.language == "text":
            assert printed_as(block.text, said), f"{block} shows\n{block.text}\nbut printed was\n{said}"
        elif not block.title and block.text.strip() not in BY_OTHERS:
            said = terminal.type(block.text)

    assert everything(found) == before


def test_what_the_tutorial_types_on_the_machine_is_what_its_attachment_says() -> None:
    page = blocks(TUTORIAL)
    (shown,) = [after.text for before, after in pairwise(page) if "{.portal}" in before.text]
    paths = [line.split() for line in shown.splitlines() if " " in line]
    (on_machine,) = [block.text for block in page if block.title]

    typed = re.findall(r"-T (\S+) -p (\S+)", on_machine)

    assert typed == [(iqn, portal) for portal, iqn in paths] * 2


def test_the_cluster_of_the_tutorial_is_the_one_that_the_tests_stand_on() -> None:
    not_here = [block.text.strip() for block in blocks(TUTORIAL) if block.text.strip() in BY_OTHERS]
    makefile, script = ((CHECKOUT / name).read_text() for name in ("Makefile", ".ci/run"))

    assert not_here == [*BY_OTHERS]
    assert re.search(r"^e2e: e2e-up ", makefile, re.MULTILINE)
    assert 'stage "the end of the cluster" make e2e-down\n' in script


def test_the_tutorial_uninstalls_in_the_order_of_the_page_about_it() -> None:
    in_order = [line for block in blocks("docs/uninstall.md")[:2] for line in block.text.splitlines()]
    typed = [line for block in blocks(TUTORIAL) for line in block.text.splitlines()]

    assert [line for line in typed if line in in_order] == in_order


def everything(lab: Lab) -> set[str]:
    """What an installation, a team and the operator itself could leave behind."""
    kinds = "namespaces,crds,clusterroles,clusterrolebindings,persistentvolumes,roles,rolebindings"
    policies = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    return set(lab.cluster.kubectl("get", f"{kinds},{policies}", "--all-namespaces", "--output=name").split())
