"""A log line names its resource and its array in machine-readable fields, and stays readable as plain text."""

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

LastLine = Callable[[], str]


@pytest.fixture
def last_line(capfd: pytest.CaptureFixture[str]) -> Iterator[LastLine]:
    """The last line on standard error. The logging configuration is restored afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield lambda: capfd.readouterr().err.strip().splitlines()[-1]
    root.handlers[:] = handlers
    root.setLevel(level)


def in_a_thread_of_the_array(write: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1, initializer=logs.about, initargs=(ARRAY,)) as threads:
        threads.submit(write).result()


def test_an_object_among_the_arguments_is_the_resource_of_the_line(last_line: LastLine) -> None:
    configure(LogFormat.JSON, "INFO")

    log.warning("%s: %s", HOST, "check it")

    line = json.loads(last_line())
    assert line["resource"] == {"kind": "FlashSystemHost", "namespace": "team", "name": "node"}
    assert line["message"] == "FlashSystemHost team/node: check it"
    assert "array" not in line


def test_lines_from_the_threads_of_an_array_name_that_array_and_the_current_object(last_line: LastLine) -> None:
    configure(LogFormat.JSON, "DEBUG")

    def write() -> None:
        with logs.meanwhile_about(HOST):
            log.debug("it ended", extra={"command": "svctask rmhost node", "status": 0, "seconds": 0.25})

    in_a_thread_of_the_array(write)
    line = json.loads(last_line())
    assert line["array"] == OWN
    assert line["resource"]["name"] == "node"
    assert (line["command"], line["status"], line["seconds"]) == ("svctask rmhost node", 0, 0.25)

    in_a_thread_of_the_array(lambda: log.info("something else"))
    assert json.loads(last_line()).keys() == {"time", "level", "logger", "message", "array"}


def test_an_array_among_the_arguments_is_the_array_of_the_line(last_line: LastLine) -> None:
    configure(LogFormat.JSON, "INFO")

    log.warning("%s: %s", ARRAY, "out of reach")

    assert json.loads(last_line())["array"] == OWN


def test_in_a_plain_log_the_array_is_appended_if_the_message_does_not_name_it(last_line: LastLine) -> None:
    configure(LogFormat.PLAIN, "INFO")

    in_a_thread_of_the_array(lambda: log.warning("the array warned of %s", "it"))
    assert last_line().endswith("the array warned of it [FlashSystemArray storage/fs1]")

    in_a_thread_of_the_array(lambda: log.warning("%s: out of reach", ARRAY))
    assert last_line().endswith("FlashSystemArray storage/fs1: out of reach")

    log.warning("nothing about arrays")
    assert last_line().endswith("nothing about arrays")
