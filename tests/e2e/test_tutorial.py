"""docs/tutorial.md, typed as written: it works, prints what it shows, and leaves nothing behind.

.ci/lab/onkind/pages.py describes how the page is read and compared.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from cluster.standing import CHECKOUT
from onkind.lab import Lab
from onkind.pages import TUTORIAL, blocks, printed_as
from onkind.terminal import Terminal

RUN_ELSEWHERE = {"make e2e-up": "e2e", "make e2e-down": "the end of the cluster"}
"""Commands that create or end the cluster of the tests cannot be typed in them; where each one is run instead."""


@pytest.fixture
def terminal(bare_lab: Lab) -> Iterator[Terminal]:
    """A shell next to a cluster in which nothing is installed."""
    bare_lab.uninstall()
    with bare_lab.terminal(points_here=False) as opened:
        yield opened
    # Needed after a failure, so that later tests can install; and kubectl must not stay in the tutorial's namespace.
    bare_lab.uninstall()
    bare_lab.type("kubectl config set-context --current --namespace=default")
    bare_lab.type("kubectl delete namespace tutorial --ignore-not-found")


def test_the_tutorial_works_prints_what_it_shows_and_leaves_nothing(terminal: Terminal, bare_lab: Lab) -> None:
    before = everything(bare_lab)
    page = blocks(TUTORIAL)
    output = ""

    for block in page:
        if block.language == "text":
            assert printed_as(block.text, output), f"{block} shows\n{block.text}\nbut printed was\n{output}"
        elif not block.title and block.text.strip() not in RUN_ELSEWHERE:
            output = terminal.type(block.text)

    assert everything(bare_lab) == before


def test_the_paths_typed_on_the_host_in_the_tutorial_are_those_of_its_attachment() -> None:
    page = blocks(TUTORIAL)
    (shown,) = [after.text for before, after in pairwise(page) if "{.portal}" in before.text]
    paths = [line.split() for line in shown.splitlines() if " " in line]
    (on_machine,) = [block.text for block in page if block.title]

    typed = re.findall(r"-T (\S+) -p (\S+)", on_machine)

    assert typed == [(iqn, portal) for portal, iqn in paths] * 2


def test_the_cluster_of_the_tutorial_is_the_one_that_the_tests_run_on() -> None:
    not_here = [block.text.strip() for block in blocks(TUTORIAL) if block.text.strip() in RUN_ELSEWHERE]
    makefile, script = ((CHECKOUT / name).read_text() for name in ("Makefile", ".ci/run"))

    assert not_here == [*RUN_ELSEWHERE]
    assert re.search(r"^e2e: e2e-up ", makefile, re.MULTILINE)
    assert 'stage "the end of the cluster" make e2e-down\n' in script


def test_the_tutorial_uninstalls_in_the_order_of_the_uninstall_page() -> None:
    in_order = [line for block in blocks("docs/uninstall.md")[:2] for line in block.text.splitlines()]
    typed = [line for block in blocks(TUTORIAL) for line in block.text.splitlines()]

    assert [line for line in typed if line in in_order] == in_order


def everything(lab: Lab) -> set[str]:
    """All objects that an installation, a team or the operator itself could leave behind."""
    kinds = "namespaces,crds,clusterroles,clusterrolebindings,persistentvolumes,roles,rolebindings"
    policies = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    return set(lab.cluster.kubectl("get", f"{kinds},{policies}", "--all-namespaces", "--output=name").split())
