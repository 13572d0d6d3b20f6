"""The main job as people meet it: drops, mails, reports, crashes."""

from __future__ import annotations

import email
import email.policy
import json
import shutil
import urllib.error

import pytest

from tests.journeys.conftest import ROOT

pytestmark = pytest.mark.slow
TEMPLATE = ROOT / "model_templates/sklearn_diabetes"


def test_files_copied_into_the_drop_folder_come_back_as_a_mail_and_a_report(laptop):
    before = set(laptop.mails())
    shutil.copytree(TEMPLATE, laptop.home / "model-drop/team/mine", ignore=shutil.ignore_patterns("manifest.yml"))
    manifest = (TEMPLATE / "manifest.yml").read_text().replace("name: diabetes", "name: mine")
    (laptop.home / "model-drop/team/mine/manifest.yml").write_text(manifest)
    found = laptop.until(lambda: next(iter(laptop.get("/api/releases?name=mine")["releases"]), None), 60)
    ident = found["id"]
    release = laptop.verdict(ident)
    assert release["verdict"] == "passed", release["reasons"]
    assert release["metrics"]["r2"] > 0.3
    mails = [name for name in laptop.mails() if name not in before]
    assert ["-received-" in name for name in mails] == [True, False]
    mail = email.message_from_bytes((laptop.home / "outbox" / mails[-1]).read_bytes(), policy=email.policy.default)
    assert mail["subject"].startswith("[PASSED] mine 1 ")
    assert [part.get_content_type() for part in mail.iter_attachments()] == ["text/html"]
    assert "r2" in mail.get_body(("plain",)).get_content()
    report = (laptop.home / "releases" / ident / "report.html").read_text()
    assert "passed" in report
    assert "<svg" in report


def test_loose_files_in_the_drop_folder_are_a_bundle(laptop):
    for name in ("model.pkl", "score.py", "conda.yml", "holdout.csv"):
        shutil.copy(TEMPLATE / name, laptop.home / "model-drop" / name)
    manifest = (TEMPLATE / "manifest.yml").read_text().replace("name: diabetes", "name: loose")
    (laptop.home / "model-drop/manifest.yml").write_text(manifest)
    found = laptop.until(lambda: next(iter(laptop.get("/api/releases?name=loose")["releases"]), None), 60)
    assert laptop.verdict(found["id"])["verdict"] == "passed"


def test_the_same_bundle_again_repeats_its_verdict(laptop):
    first = laptop.verdict(laptop.submit(TEMPLATE, "set=name=twice"))
    second = laptop.verdict(laptop.submit(TEMPLATE, "set=name=twice"))
    assert (second["stage"], second["same_as"], second["verdict"]) == ("duplicate", first["id"], "passed")


def test_ten_bundles_at_once_all_get_their_verdict_and_wait_for_no_slow_one(laptop):
    slow = {path.name: path.read_bytes() for path in TEMPLATE.iterdir() if path.is_file()}
    slow["score.py"] = b"import time\n\n\ndef init():\n    time.sleep(100)\n\n\ndef run(data):\n    return []\n"
    slow_id = laptop.submit(slow, "set=name=slow")
    ids = [laptop.submit(TEMPLATE, f"set=name=n{number}") for number in range(10)]
    assert [laptop.verdict(ident)["verdict"] for ident in ids] == ["passed"] * 10
    assert laptop.release(slow_id)["verdict"] is None
    laptop.post(f"/api/releases/{slow_id}/cancel", b"{}", "application/json")
    assert laptop.verdict(slow_id)["verdict"] == "cancelled"


@pytest.mark.parametrize("stage", ["validating", "building", "deploying", "scoring"])
def test_a_killed_laptop_goes_on_to_the_one_verdict(own_laptop, stage):
    own_laptop.start()
    ident = own_laptop.submit(TEMPLATE)
    own_laptop.until(lambda: stage in str(own_laptop.get(f"/api/releases/{ident}/events")), 120)
    own_laptop.kill()
    own_laptop.start()
    release = own_laptop.verdict(ident)
    assert release["verdict"] == "passed"
    assert release["version"] == 1
    assert sorted(name.split("-")[1] for name in own_laptop.mails()) == ["passed", "received"]


def test_events_that_come_twice_late_out_of_order_or_never_make_no_difference(own_laptop):
    own_laptop.arguments = ("--chaos", "duplicate=0.5,delay=0.5s,reorder,drop=0.3")
    own_laptop.start()
    ids = [own_laptop.submit(TEMPLATE, f"set=name=c{number}") for number in range(3)]
    assert [own_laptop.verdict(ident)["verdict"] for ident in ids] == ["passed"] * 3
    assert [own_laptop.release(ident)["version"] for ident in ids] == [1, 1, 1]
    assert len(own_laptop.mails()) == 6


def test_verdict_json_is_the_release(laptop):
    release = laptop.verdict(laptop.submit(TEMPLATE, "set=name=json"))
    kept = json.loads((laptop.home / "releases" / release["id"] / "verdict.json").read_text())
    assert {key: kept[key] for key in ("id", "verdict", "kpis", "metrics")} == {
        key: release[key] for key in ("id", "verdict", "kpis", "metrics")
    }


def test_a_report_asked_for_too_early_is_a_conflict(laptop):
    ident = laptop.submit(TEMPLATE, "set=name=early")
    with pytest.raises(urllib.error.HTTPError) as error:
        laptop.post(f"/api/releases/{ident}/report", b"")
    assert error.value.code == 405
    laptop.verdict(ident)


def test_nothing_of_a_release_runs_after_its_verdict(laptop):
    import psutil

    ident = laptop.submit(TEMPLATE, "set=name=gone")
    laptop.verdict(ident)
    laptop.until(lambda: any(line["fact"] == "TakenDown" for line in laptop.release(ident)["history"]), 20)
    children = psutil.Process(laptop.process.pid).children(recursive=True)
    assert [child for child in children if ident in " ".join(child.cmdline())] == []


def test_an_mlflow_model_may_be_the_bundle_itself(laptop):
    template = ROOT / "model_templates/mlflow_diabetes"
    files = {path.name: path.read_bytes() for path in (template / "model").iterdir() if path.is_file()}
    files["holdout.csv"] = (template / "holdout.csv").read_bytes()
    files["manifest.yml"] = b"\n".join(
        line for line in (template / "manifest.yml").read_bytes().splitlines() if not line.startswith((b"model:", b"environment:"))
    )
    release = laptop.verdict(laptop.submit(files, "set=name=flat"))
    assert release["verdict"] == "passed", release["faults"]


def test_metrics_that_the_script_logs_are_shown_as_its_own_without_mlflow(laptop):
    files = {path.name: path.read_bytes() for path in TEMPLATE.iterdir() if path.is_file()}
    files["score.py"] = b"import mlflow\n" + files["score.py"].replace(
        b"def init():\n", b"def init():\n    mlflow.log_metric('loaded', 1.0)\n"
    )
    release = laptop.verdict(laptop.submit(files, "set=name=logs"))
    assert (release["verdict"], release["reported"]) == ("passed", {"loaded": 1.0}), release["faults"]
