"""The adapter: real tools processes, results that outlive hosts, events as Azure ML sends them."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.local.home import Home
from shared.adapters.local.process_jobs import AHEAD, ProcessJobs
from shared.adapters.local.process_serving import ProcessServing
from shared.adapters.local.processes import Processes, Running
from shared.domain.bundle import Bundle, Drop, EnvironmentSpec
from shared.domain.errors import BundleFault, Permanent, Temporary
from shared.domain.faults import Fault
from shared.domain.manifest import Compute, DataSpec, Manifest
from shared.domain.release import Endpoint, Image, Release, Stage
from shared.ports import NotYet, Smoke
from tests.jobs.asking import CODE, of_line

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LINE = "a,b,y\n" + "".join(f"{n},{n % 7},{20 * n + 10 * (n % 7)}\n" for n in range(40))
SCORE = "import json\ndef init(): pass\ndef run(raw): return [20 * a + 10 * b for a, b in json.loads(raw)['data']]\n"


class Recorder:
    """Signals that can be waited for."""

    def __init__(self):
        self.events = []
        self.woken = 0
        self.changed = threading.Condition()

    def publish(self, event_type, subject, data):
        with self.changed:
            self.events.append((event_type, subject, dict(data)))

    def wake(self, _release_id):
        with self.changed:
            self.woken += 1
            self.changed.notify_all()


class Served(ProcessServing):
    """Serving whose server is one of the test's own."""

    url = None
    fault = None

    def deploy(self, release):  # noqa: ARG002 - the port's own shape
        return Endpoint(self.url, 1.25) if self.url else NotYet(timedelta(seconds=2))

    def server_pid(self, release):  # noqa: ARG002
        return os.getpid()

    def server_fault(self, release):  # noqa: ARG002
        return self.fault


class Site:
    """One host with its adapter."""

    def __init__(self, root, tools):
        self.home = Home(root)
        self.home.make()
        environment = self.home.environments / "real"
        if not environment.exists():
            environment.symlink_to(tools.parent.parent)
        self.signals = Recorder()
        self.processes = Processes(self.home.work / "processes")
        self.serving = Served(self.home, self.signals, self.processes, code=CODE)
        self.tools = tools
        self.jobs = ProcessJobs(self.home, self.signals, self.processes, self.serving, lambda: self.tools, code=CODE)

    def release(self, files=(), **known):
        """A built release with y = 20 a + 10 b as data."""
        given = {
            "style": "online",
            "compute": Compute(),
            "reference": None,
            "data": "holdout.csv",
            "request": "auto",
            "metrics": None,
            "preprocess": None,
        } | known
        for path, content in ({"holdout.csv": LINE, "score.py": SCORE, "model.json": "{}"} | dict(files)).items():
            target = self.home.bundle("d1") / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        spec = DataSpec(given["reference"], "y", "regression")
        manifest = Manifest("m", data=spec, compute=given["compute"], request=given["request"])
        environment = EnvironmentSpec("conda.yml", None, None, ())
        bundle = Bundle("d1", manifest, 1, 3, "model.json", "score.py", environment, given["style"], data=given["data"])
        drop = Drop("https://laptop/model-drop/m.zip", "1", "m")
        image = Image("environments/real", "sha256:0")
        return Release("r1", drop, "m", Stage.SCORING, NOW, NOW, NOW, bundle=bundle, version=7, image=image, run="mg-r1-1")

    def done(self, ask, release, seconds=30):
        """Ask, and again whenever something happened, as the queue does."""
        for _ in range(10):
            before = self.signals.woken
            answer = ask(release)
            if not isinstance(answer, NotYet):
                return answer
            with self.signals.changed:
                assert self.signals.changed.wait_for(lambda: self.signals.woken > before, seconds), "nobody was woken"  # noqa: B023
        raise AssertionError("no answer after ten wakes")

    def tools_process(self, release):
        return self.processes.state(f"jobs {release.id}-{release.attempt}")


@pytest.fixture
def host(tmp_path, tools):
    """Start a host on the same home; one after the other, as after a crash."""
    sites = []

    def start():
        sites.append(Site(tmp_path / "home", tools))
        return sites[-1]

    yield start
    for site in sites:
        site.processes.stop_all(patience=0)


@pytest.fixture
def site(host):
    return host()


@pytest.fixture
def line(served):
    """A served model that is right."""
    return served(lambda body: of_line(body["input_data"]["data"]))


def test_smoke_finds_the_shape(site, line):
    site.serving.url = line.url
    assert site.done(site.jobs.smoke, site.release()) == Smoke("input_data")


def test_smoke_waits_for_the_endpoint(site):
    assert isinstance(site.jobs.smoke(site.release()), NotYet)


def test_smoke_waits_for_the_tools(site, line):
    site.serving.url, site.tools = line.url, NotYet(timedelta(seconds=2))
    assert isinstance(site.jobs.smoke(site.release()), NotYet)


def test_the_tools_process_is_there_before_the_endpoint(site):
    release = site.release()
    site.jobs.prepare(release)
    assert isinstance(site.tools_process(release), Running)


def test_while_the_image_is_built_only_the_tools_are_made(site):
    asked = []
    site.tools = NotYet(timedelta(seconds=2))
    release = replace(site.release(), image=None)
    jobs = ProcessJobs(site.home, site.signals, site.processes, site.serving, lambda: asked.append(1) or site.tools, code=CODE)
    jobs.prepare(release)
    assert (asked, site.tools_process(release)) == ([1], None)


def test_of_many_releases_only_a_few_get_ready_ahead(site):
    release = site.release()
    many = [replace(release, id=f"r{n}") for n in range(AHEAD + 1)]
    for one in many:
        site.jobs.prepare(one)
    assert [isinstance(site.tools_process(one), Running) for one in many] == [True] * AHEAD + [False]


def test_one_process_serves_smoke_and_score(site, line):
    site.serving.url = line.url
    release = site.release()
    site.jobs.prepare(release)
    first = site.tools_process(release)
    smoke = site.done(site.jobs.smoke, release)
    assert site.tools_process(release) == first
    assert site.done(site.jobs.score, replace(release, request=smoke.request)) is True


def test_scores_are_those_of_the_run(site, line):
    site.serving.url = line.url
    release = replace(site.release(), request="input_data")
    site.done(site.jobs.score, release)
    scores = site.jobs.scores(release)
    assert (scores.metrics["r2"], scores.metrics["start_seconds"], scores.rows, scores.failed_rows) == (1.0, 1.25, 40, 0)


def test_a_run_that_ends_well_is_told_as_azure_ml_tells_it(site, line):
    site.serving.url = line.url
    site.done(site.jobs.score, replace(site.release(), request="input_data"))
    data = {
        "experimentId": "modelgate",
        "experimentName": "modelgate",
        "runId": "mg-r1-1",
        "runType": "azureml.scriptrun",
        "runTags": {"modelgate_release": "r1"},
        "runProperties": {},
    }
    assert site.signals.events == [("Microsoft.MachineLearningServices.RunCompleted", "experiments/modelgate/runs/mg-r1-1", data)]


def test_a_run_that_fails_is_told_as_a_status(site, served):
    site.serving.url = served(lambda _: (500, "no")).url
    assert site.done(site.jobs.score, replace(site.release(), request="data")) is False
    ((kind, _, data),) = site.signals.events
    assert (kind, data["runStatus"]) == ("Microsoft.MachineLearningServices.RunStatusChanged", "Failed")


def test_a_failed_run_says_why(site, served):
    site.serving.url = served(lambda _: (500, "no")).url
    release = replace(site.release(), request="data")
    site.done(site.jobs.score, release)
    with pytest.raises(BundleFault, match="MG507"):
        site.jobs.scores(release)


def test_a_bad_answer_is_the_bundles_fault(site, served):
    site.serving.url = served(lambda body: [5.0] * len(body["data"])).url
    with pytest.raises(BundleFault, match="MG405"):
        site.done(site.jobs.smoke, site.release())


def test_the_tools_process_ends_with_the_run(site, line):
    site.serving.url = line.url
    release = replace(site.release(), request="input_data")
    site.done(site.jobs.score, release)
    assert not isinstance(site.tools_process(release), Running)


def test_a_next_host_finds_finished_work(host, line):
    first = host()
    first.serving.url = line.url
    release = first.release()
    first.done(first.jobs.smoke, release)
    first.processes.stop_all(patience=0)
    assert host().jobs.smoke(release) == Smoke("input_data")


def test_a_next_host_tells_the_end_of_the_run_again(host, line):
    first = host()
    first.serving.url = line.url
    release = replace(first.release(), request="input_data")
    first.done(first.jobs.score, release)
    second = host()
    assert second.jobs.score(release) is True
    assert len(second.signals.events) == 1


def test_a_next_host_does_again_what_was_not_finished(host, line):
    first = host()
    release = first.release()
    first.jobs.prepare(release)
    first.processes.stop_all(patience=0)
    second = host()
    second.serving.url = line.url
    assert second.done(second.jobs.smoke, release) == Smoke("input_data")


@pytest.mark.parametrize("other", [{"attempt": 2}, {"run": "mg-r1-2"}])
def test_results_of_another_attempt_are_never_believed(site, line, other):
    site.serving.url = line.url
    release = replace(site.release(), request="input_data")
    site.done(site.jobs.score, release)
    with pytest.raises(Temporary):
        site.jobs.scores(replace(release, **other))


def test_results_of_another_bundle_are_never_believed(site, line):
    site.serving.url = line.url
    release = replace(site.release(), request="input_data")
    site.done(site.jobs.score, release)
    with pytest.raises(Temporary):
        site.jobs.scores(replace(release, bundle=replace(release.bundle, digest="d2")))


def test_half_a_result_is_no_result(site):
    release = site.release()
    (site.home.release("r1") / "metrics.json").write_text('{"attempt": 1, "bundle": "d1", "run": "mg-r1-1", "ok": tr')
    with pytest.raises(Temporary):
        site.jobs.scores(release)


def test_a_process_that_is_killed_is_started_anew(site, line):
    release = site.release()
    site.jobs.prepare(release)
    os.kill(site.tools_process(release).pid, signal.SIGKILL)
    site.processes.wait("jobs r1-1", 10)
    site.serving.url = line.url
    assert site.done(site.jobs.smoke, release) == Smoke("input_data")


def test_a_process_that_dies_again_and_again_is_an_operators_matter(site, line):
    site.serving.url = line.url
    site.tools = Path("/bin/false")
    with pytest.raises(Permanent, match="ended 2 times"):
        site.done(site.jobs.smoke, site.release())


def test_a_server_that_went_away_is_asked_again_later(site, line):
    site.serving.url = line.url
    line.close()
    with pytest.raises(Temporary):
        site.done(site.jobs.smoke, site.release())


def test_a_server_that_the_bundle_killed_is_the_bundles_fault(site, line):
    site.serving.url, site.serving.fault = line.url, Fault("MG308", "too much memory")
    line.close()
    with pytest.raises(BundleFault, match="MG308"):
        site.done(site.jobs.smoke, site.release())


def test_after_a_lost_server_the_new_one_is_asked(site, line, served):
    gone = served(of_line)
    site.serving.url = gone.url
    gone.close()
    with pytest.raises(Temporary):
        site.done(site.jobs.smoke, site.release())
    site.serving.url = line.url
    assert site.done(site.jobs.smoke, site.release()) == Smoke("input_data")


def test_a_cluster_needs_no_endpoint(site):
    release = site.release(compute=Compute("cluster"))
    assert site.done(site.jobs.score, release) is True
    assert site.jobs.scores(release).metrics["r2"] == 1.0


def test_a_batch_script_needs_no_endpoint(site):
    total = "    f = pd.concat(map(pd.read_csv, paths))\n    return (20 * f.a + 10 * f.b).tolist()\n"
    batch = f"import pandas as pd\ndef init(): pass\ndef run(paths):\n{total}"
    release = site.release({"score.py": batch}, style="batch")
    assert site.done(site.jobs.score, release) is True


def test_an_init_that_fails_in_a_job_is_told_in_servings_words(site):
    release = site.release(
        {"score.py": "def init(): raise RuntimeError('no licence')\ndef run(raw): return raw\n"}, compute=Compute("cluster")
    )
    assert site.done(site.jobs.score, release) is False
    with pytest.raises(BundleFault, match=r"MG301: init\(\) raised RuntimeError: no licence"):
        site.jobs.scores(release)


def test_the_bundles_code_never_sees_the_data_in_its_bundle(site):
    script = "import json, os\ndef init(): assert not os.path.exists('holdout.csv')\n" + SCORE.removeprefix(
        "import json\ndef init(): pass\n"
    )
    assert site.done(site.jobs.score, site.release({"score.py": script}, compute=Compute("cluster"))) is True


def test_data_may_lie_in_verification_data(site, line):
    site.serving.url = line.url
    (site.home.verification / "line.csv").write_text(LINE)
    assert site.done(site.jobs.smoke, site.release(data=None, reference="line.csv")) == Smoke("input_data")


def test_data_may_be_a_registered_version(site, line):
    site.serving.url = line.url
    folder = site.home.verification / "line" / "3"
    folder.mkdir(parents=True)
    (folder / "part.csv").write_text(LINE)
    assert site.done(site.jobs.smoke, site.release(data=None, reference="line:3")) == Smoke("input_data")


@pytest.mark.parametrize("reference", ["none.csv", "../home/bundles/d1/holdout.csv", "/etc/hostname", "line:4", "", ".", None])
def test_data_that_is_not_there_is_a_coded_fault(site, line, reference):
    site.serving.url = line.url
    with pytest.raises(BundleFault, match="MG501"):
        site.done(site.jobs.smoke, site.release(data=None, reference=reference))


def test_data_that_is_not_there_is_told_what_is(site):
    (site.home.verification / "line.csv").write_text(LINE)
    with pytest.raises(BundleFault, match=r"There is: line\.csv") as raised:
        site.jobs.smoke(site.release(data=None, reference="lime.csv"))
    assert "Did you mean 'line.csv'?" in raised.value.faults[0].fix


def test_prepare_never_raises(site):
    site.jobs.prepare(site.release(data=None, reference="none.csv"))


def test_a_new_attempt_ends_the_old_process(site):
    release = site.release()
    site.jobs.prepare(release)
    site.jobs.prepare(replace(release, attempt=2))
    assert not isinstance(site.tools_process(release), Running)


def test_an_ended_release_leaves_no_process(site):
    release = site.release()
    site.jobs.prepare(release)
    site.jobs.end(release)
    assert not isinstance(site.tools_process(release), Running)


def test_the_labels_lie_in_no_file_that_a_child_is_given(site):
    """Only the tools process's own spec names the data."""
    release = site.release(compute=Compute("cluster"))
    site.done(site.jobs.score, release)
    given = [json.loads(path.read_text()) for path in site.home.work.rglob("score_batch.json")]
    assert given
    assert not any("holdout.csv" in json.dumps(spec | {"hidden": []}) for spec in given)
