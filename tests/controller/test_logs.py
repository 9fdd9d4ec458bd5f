"""A line of the log says what it is about in fields that a machine finds, and stays readable for a person."""

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flashsystem_operator import logs
from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.logs import LogFormat, configure

ARRAY = ObjectRef(Kind.ARRAY, "storage", "fs1")
HOST = ObjectRef(Kind.HOST, "team", "node")
OWN = {"namespace": "storage", "name": "fs1"}
log = logging.getLogger("flashsystem_operator.some.part")

Said = Callable[[], str]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """The last line on standard error. The log is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield lambda: capfd.readouterr().err.strip().splitlines()[-1]
    root.handlers[:] = handlers
    root.setLevel(level)


def in_a_thread_of_the_array(say: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1, initializer=logs.about, initargs=(ARRAY,)) as threads:
        threads.submit(say).result()


def test_an_object_among_the_arguments_is_the_resource_of_the_line(said: Said) -> None:
    configure(LogFormat.JSON, "INFO")

    log.warning("%s: %s", HOST, "look at it")

    line = json.loads(said())
    assert line["resource"] == {"kind": "FlashSystemHost", "namespace": "team", "name": "node"}
    assert line["message"] == "FlashSystemHost team/node: look at it"
    assert "array" not in line


def test_what_an_arrays_threads_say_is_about_that_array_and_the_object_of_the_moment(said: Said) -> None:
    configure(LogFormat.JSON, "DEBUG")

    def say() -> None:
        with logs.meanwhile_about(HOST):
            log.debug("it ended", extra={"command": "svctask rmhost node", "status": 0, "seconds": 0.25})

    in_a_thread_of_the_array(say)
    line = json.loads(said())
    assert line["array"] == OWN
    assert line["resource"]["name"] == "node"
    assert (line["command"], line["status"], line["seconds"]) == ("svctask rmhost node", 0, 0.25)

    in_a_thread_of_the_array(lambda: log.info("something else"))
    assert json.loads(said()).keys() == {"time", "level", "logger", "message", "array"}


def test_an_array_among_the_arguments_is_the_array_of_the_line(said: Said) -> None:
    configure(LogFormat.JSON, "INFO")

    log.warning("%s: %s", ARRAY, "out of reach")

    assert json.loads(said())["array"] == OWN


def test_for_a_person_the_array_stands_at_the_end_where_the_words_do_not_name_it(said: Said) -> None:
    configure(LogFormat.PLAIN, "INFO")

    in_a_thread_of_the_array(lambda: log.warning("the array warned of %s", "it"))
    assert said().endswith("the array warned of it [FlashSystemArray storage/fs1]")

    in_a_thread_of_the_array(lambda: log.warning("%s: out of reach", ARRAY))
    assert said().endswith("FlashSystemArray storage/fs1: out of reach")

    log.warning("nothing about arrays")
    assert said().endswith("nothing about arrays")
