from __future__ import annotations

import json
import logging

import pytest

from laptop.assembly import obey_levels
from laptop.functions import running
from laptop.host_json import BadHostJson, host_json, is_disabled, read_host_json, seconds
from shared.wiring import CODE

QUEUES = {"queues": {"messageEncoding": "none"}}


def made(**sections: object) -> dict[str, object]:
    return {"version": "2.0", "extensions": QUEUES, **sections}


def test_our_own_host_json_can_be_obeyed():
    rules = read_host_json(CODE / "host.json")
    assert rules.http.prefix == ""
    assert rules.queues.max_dequeue_count == 5
    assert rules.queues.max_polling == 2


def test_what_is_not_said_is_azures_default():
    rules = host_json(made())
    assert (rules.http.prefix, rules.http.max_concurrent, rules.http.max_outstanding) == ("api", None, None)
    assert (rules.queues.batch_size, rules.queues.at_once, rules.queues.visibility) == (16, 24, None)
    assert rules.timeout == 1800


def test_every_queue_rule_is_read():
    queues = {
        "messageEncoding": "none",
        "batchSize": 4,
        "newBatchThreshold": 1,
        "maxDequeueCount": 2,
        "maxPollingInterval": "00:00:02",
        "visibilityTimeout": "00:00:30",
    }
    rules = host_json(made(extensions={"queues": queues})).queues
    assert (rules.at_once, rules.max_dequeue_count, rules.max_polling, rules.visibility) == (5, 2, 2, 30)


def test_base64_messages_are_refused_since_tasks_are_plain_text():
    with pytest.raises(BadHostJson, match="messageEncoding"):
        host_json({"version": "2.0"})


@pytest.mark.parametrize(("text", "value"), [("00:00:02", 2), ("01:02:03", 3723), ("1.00:00:00", 86400), ("00:00:00.5", 0.5)])
def test_time_spans_are_read(text, value):
    assert seconds(text, "x") == value


@pytest.mark.parametrize(("said", "timeout", "http"), [("00:00:10", 10, 10), ("-1", None, 230), ("00:10:00", 600, 230)])
def test_the_timeout_of_functions_also_bounds_http_replies(said, timeout, http):
    rules = host_json(made(functionTimeout=said))
    assert (rules.timeout, rules.http_timeout) == (timeout, http)


@pytest.mark.parametrize(
    "document",
    [
        {},
        made(version="3.0"),
        made(functionTimeout="10 s"),
        made(logging={"logLevel": {"default": "Loud"}}),
        made(extensions={"queues": {"messageEncoding": "none", "batchSize": 33}}),
    ],
)
def test_a_host_json_that_makes_no_sense_is_refused(document):
    with pytest.raises(BadHostJson, match=r"host\.json"):
        host_json(document)


def test_a_missing_host_json_is_told_with_its_path(tmp_path):
    with pytest.raises(BadHostJson, match=r"host\.json"):
        read_host_json(tmp_path / "host.json")


def test_a_broken_host_json_is_told(tmp_path):
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(BadHostJson, match="not JSON"):
        read_host_json(tmp_path / "host.json")


def test_the_longest_category_decides_the_level():
    rules = host_json(made(logging={"logLevel": {"default": "Warning", "Function": "Error", "Function.sweep": "Debug"}}))
    assert [rules.level(name) for name in ("Host.Results", "Function.health.User", "Function.sweep.User")] == [30, 40, 10]


@pytest.mark.parametrize(
    ("setting", "disabled"),
    [
        ({}, False),
        ({"AzureWebJobs.sweep.Disabled": "true"}, True),
        ({"AzureWebJobs__sweep__Disabled": "1"}, True),
        ({"AzureWebJobs.sweep.Disabled": "false"}, False),
    ],
)
def test_a_setting_disables_a_function(setting, disabled):
    assert is_disabled("sweep", setting) is disabled


def test_log_levels_hold_for_the_function_that_runs(tmp_path):
    rules = host_json(made(logging={"logLevel": {"default": "Warning", "Function.sweep": "Debug"}}))
    logger = logging.getLogger("modelgate")
    handler = logging.FileHandler(tmp_path / "log")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    try:
        obey_levels(rules)
        logging.getLogger("modelgate.engine").info("outside")
        token = running.set("sweep")
        logging.getLogger("modelgate.engine").info("inside")
        running.reset(token)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
    assert (tmp_path / "log").read_text() == "inside\n"


def test_json_with_everything_is_read_from_a_file(tmp_path):
    (tmp_path / "host.json").write_text(
        json.dumps(made(extensions={**QUEUES, "http": {"routePrefix": "x/", "maxConcurrentRequests": 3, "maxOutstandingRequests": 4}}))
    )
    rules = read_host_json(tmp_path / "host.json").http
    assert (rules.prefix, rules.max_concurrent, rules.max_outstanding) == ("x", 3, 4)
