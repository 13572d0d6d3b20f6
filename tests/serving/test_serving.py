"""Bundles as people write them, served by the real server."""

import json
import os
import pickle
import signal
import socket
import threading
import time

import psutil
import pytest

from shared.adapters.local.process_serving import SOON, ProcessServing
from shared.domain.errors import Permanent
from shared.domain.manifest import Compute
from shared.ports import NotYet

pytestmark = pytest.mark.slow

LOAD = """
import json, os, pickle

def init():
    global model
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as file:
        model = pickle.load(file)
"""
GOOD = (
    LOAD
    + """
def run(data):
    return [model["factor"] * row[0] for row in json.loads(data)["data"]]
"""
)
ROWS = {"data": [[1], [4]]}


def script(init="pass", run="return 1", head="import json, os"):
    return f"{head}\n\ndef init():\n    {init}\n\ndef run(data):\n    {run}\n"


# what works


def test_a_model_is_served(laptop, ask):
    served = laptop.serve({"score.py": GOOD})
    assert ask(served.endpoint.url, ROWS) == (200, [2, 8])


def test_the_time_to_the_first_answer_is_told(laptop):
    served = laptop.serve({"score.py": script(init="import time; time.sleep(0.5)")})
    assert 0.5 < served.endpoint.start_seconds < 30


def test_asking_again_gives_the_same_endpoint_and_starts_nothing(laptop):
    served = laptop.serve({"score.py": GOOD})
    before = laptop.serving.server_pid(served.release)
    assert laptop.serving.deploy(served.release) == served.endpoint
    assert laptop.serving.server_pid(served.release) == before


def test_the_server_listens_on_loopback_only(laptop):
    served = laptop.serve({"score.py": GOOD})
    family = psutil.Process(laptop.serving.server_pid(served.release))
    listening = {c.laddr.ip for p in [family, *family.children(recursive=True)] for c in p.net_connections() if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


def test_the_first_request_after_the_start_does_not_wait_for_the_probe(laptop, ask):
    served = laptop.serve({"score.py": GOOD})
    began = time.monotonic()
    ask(served.endpoint.url, ROWS)
    assert time.monotonic() - began < 1


def test_no_control_socket_is_left_in_a_shared_place(laptop):
    served = laptop.serve({"score.py": GOOD})
    family = psutil.Process(laptop.serving.server_pid(served.release))
    unix = [c.laddr for p in [family, *family.children(recursive=True)] for c in p.net_connections("unix") if str(c.laddr).endswith(".ctl")]
    assert unix == []


def test_run_may_ask_for_the_headers(laptop, ask):
    served = laptop.serve({"score.py": "def init(): pass\ndef run(data, request_headers):\n    return request_headers['X-Who']\n"})
    assert ask(served.endpoint.url, ROWS, **{"X-Who": "ana"}) == (200, "ana")


def test_a_run_with_a_schema_gets_its_parameters(laptop, ask):
    text = """
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

def init(): pass

@input_schema("samples", NumpyParameterType(np.array([[1, 2]])))
@output_schema(NumpyParameterType(np.array([3])))
def run(samples):
    return samples.sum(axis=1).tolist()
"""
    served = laptop.serve({"score.py": text})
    assert ask(served.endpoint.url, {"samples": [[1, 2], [3, 4]]}) == (200, [3, 7])
    assert ask(served.endpoint.url, {"rows": [[1, 2]]})[0] == 400


def test_a_raw_request_reaches_the_script(laptop, ask):
    text = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init(): pass

@rawhttp
def run(request):
    return AMLResponse(len(request.get_data()), 200, json_str=True)
"""
    served = laptop.serve({"score.py": text})
    assert ask(served.endpoint.url, b"[1, 2]") == (200, 6)


def test_a_left_over_import_of_sdk_v1_is_served(laptop, ask):
    head = "import json, os\nfrom azureml.core import Workspace, Run\nfrom azureml.core.model import Model\nimport azureml.core.webservice"
    served = laptop.serve({"score.py": script(head=head, run="return 5")}, v1_imports=True)
    assert ask(served.endpoint.url, ROWS) == (200, 5)


@pytest.mark.parametrize("call", ['"m"', '"m", version=7', '"a-name-from-long-ago"'])
def test_get_model_path_finds_the_model(laptop, ask, call):
    text = script(
        head="import os\nfrom azureml.core.model import Model",
        init=f"global path; path = Model.get_model_path({call})",
        run="return os.path.relpath(path, os.environ['AZUREML_MODEL_DIR']), os.path.exists(path)",
    )
    assert ask(laptop.serve({"score.py": text}).endpoint.url, ROWS) == (200, ["model.pkl", True])


def test_figures_logged_by_the_script_are_collected(laptop, ask):
    text = script(
        head="import mlflow",
        init="mlflow.log_param('a', 1); mlflow.log_metrics({'auc': 0.5, 'loss': 2})",
        run="\n    with mlflow.start_run(): mlflow.log_metric('auc', 0.75)\n    return 1",
    )
    served = laptop.serve({"score.py": text})
    ask(served.endpoint.url, ROWS)
    assert json.loads(laptop.serving.reported_file(served.release).read_text()) == {"auc": 0.75, "loss": 2.0}


def test_figures_logged_to_a_run_of_sdk_v1_are_collected(laptop):
    text = script(head="from azureml.core import Run", init="Run.get_context().log('auc', 0.5)")
    served = laptop.serve({"score.py": text})
    assert json.loads(laptop.serving.reported_file(served.release).read_text()) == {"auc": 0.5}


def test_the_script_gets_the_real_telemetry_package_which_the_server_was_spared(laptop, ask):
    text = script(head="from azure.monitor.opentelemetry import exporter", run="return exporter.__file__.endswith('__init__.py')")
    assert ask(laptop.serve({"score.py": text}).endpoint.url, ROWS) == (200, True)


def test_a_helper_beside_a_script_in_a_sub_folder_is_found(laptop, ask):
    files = {
        "src/my score-v2.py": script(head="import helper, top", run="return helper.N + top.N"),
        "src/helper.py": "N = 1",
        "top.py": "N = 2",
    }
    assert ask(laptop.serve(files, scoring="src/my score-v2.py").endpoint.url, ROWS) == (200, 3)


@pytest.mark.parametrize("name", ["utils", "entry", "loader", "config", "serve"])
def test_a_helper_may_have_a_name_that_the_server_or_we_use(laptop, ask, name):
    files = {"score.py": script(head=f"import {name}", run=f"return {name}.MINE"), f"{name}.py": "MINE = 'mine'"}
    assert ask(laptop.serve(files).endpoint.url, ROWS) == (200, "mine")


def test_none_of_our_files_can_be_imported_by_the_script(laptop):
    fault = laptop.fault({"score.py": script(head="import sandbox")})
    assert fault.code == "MG303"


def test_a_model_folder_lies_under_its_own_name(laptop, ask):
    files = {
        "score.py": script(run="return sorted(os.listdir(os.environ['AZUREML_MODEL_DIR'] + '/model'))"),
        "model/a.bin": "a",
        "model/b/c.bin": "c",
    }
    assert ask(laptop.serve(files, model="model").endpoint.url, ROWS) == (200, ["a.bin", "b"])


def test_a_model_file_in_a_folder_lies_directly_in_the_model_folder(laptop, ask):
    files = {"score.py": script(run="return os.listdir(os.environ['AZUREML_MODEL_DIR'])"), "outputs/m.pkl": "a"}
    assert ask(laptop.serve(files, model="outputs/m.pkl").endpoint.url, ROWS) == (200, ["m.pkl"])


def test_the_model_folder_tells_name_and_version(laptop, ask):
    served = laptop.serve({"score.py": script(run="return os.environ['AZUREML_MODEL_DIR'].split('/')[-3:]")})
    assert ask(served.endpoint.url, ROWS) == (200, ["azureml-models", "m", "7"])


def test_a_config_file_of_the_bundle_is_not_taken_for_the_servers(laptop, ask):
    assert ask(laptop.serve({"score.py": GOOD, "config.json": "[1, 2]"}).endpoint.url, ROWS) == (200, [2, 8])


# what the bundle does not see


def test_the_verification_data_is_not_in_the_folder_that_the_script_sees(laptop, ask):
    files = {"score.py": script(run="return sorted(n for _, _, names in os.walk('.') for n in names if n.endswith('.csv'))")}
    served = laptop.serve(files | {"data/holdout.csv": "y\n1\n", "data/other.csv": "x\n1\n"}, data="data/holdout.csv")
    assert ask(served.endpoint.url, ROWS) == (200, ["other.csv"])


def test_variables_of_the_host_are_not_inherited(laptop, ask, monkeypatch):
    monkeypatch.setenv("MODELGATE_SECRET", "s3cret")
    served = laptop.serve({"score.py": script(run="return sorted(os.environ)")})
    assert "MODELGATE_SECRET" not in ask(served.endpoint.url, ROWS)[1]


def test_the_frozen_bundle_is_not_changed_by_a_script_that_writes_into_its_folder(laptop, ask):
    text = script(run="open('model.pkl', 'w').write('x'); open(os.environ['AZUREML_MODEL_DIR'] + '/model.pkl', 'w').write('y'); return 1")
    served = laptop.serve({"score.py": text})
    ask(served.endpoint.url, ROWS)
    assert pickle.loads((laptop.home.bundle(served.release.bundle.digest) / "model.pkl").read_bytes()) == {"factor": 2}  # noqa: S301


# what goes wrong


def test_an_init_that_raises_is_told_with_the_users_line(laptop):
    fault = laptop.fault({"score.py": script(init="json.loads('{')")})
    assert (fault.code, fault.file, fault.line) == ("MG301", "score.py", 4)
    assert "JSONDecodeError: Expecting property name" in fault.message
    assert fault.message.splitlines()[1:] == ["  score.py:4 init  json.loads('{')"]


def test_a_wrong_model_path_is_told_with_the_file_that_is_there(laptop):
    fault = laptop.fault({"score.py": GOOD.replace('"model.pkl"', '"models/modle.pkl"')})
    assert (fault.code, fault.line) == ("MG302", 6)
    assert 'os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl")' in fault.fix


def test_a_missing_module_is_told_with_the_line_to_add(laptop):
    fault = laptop.fault({"score.py": script(head="import cv2")})
    assert (fault.code, fault.line) == ("MG303", 1)
    assert "opencv-python-headless` to conda.yml" in fault.fix


def test_mlflow_that_is_not_there_is_told_when_it_is_needed(laptop):
    fault = laptop.fault({"score.py": script(head="import mlflow", init="mlflow.pyfunc.load_model('m')")})
    assert (fault.code, fault.line) == ("MG303", 4)
    assert "`mlflow`" in fault.fix


def test_a_class_that_lived_in_the_training_script_is_told(laptop):
    fault = laptop.fault({"score.py": GOOD, "model.pkl": b"c__main__\nScaler\n."})
    assert fault.code == "MG304"
    assert "training script" in fault.message


def test_a_model_of_other_versions_is_told(laptop):
    fault = laptop.fault({"score.py": GOOD, "model.pkl": b"csklearn.linear_model\nNoSuchThing\n."})
    assert fault.code == "MG304"
    assert "conda.yml" in fault.fix


def test_a_script_that_raises_when_imported_is_told(laptop):
    fault = laptop.fault({"score.py": script(head="import os\n1 / 0")})
    assert (fault.code, fault.file, fault.line) == ("MG305", "score.py", 2)


def test_a_script_that_is_not_python_is_told_with_its_line(laptop):
    fault = laptop.fault({"score.py": "def init():\n    pass\ndef run(data)\n    return 1\n"})
    assert (fault.code, fault.file, fault.line) == ("MG305", "score.py", 3)


def test_a_run_that_the_server_does_not_take_is_told(laptop):
    fault = laptop.fault({"score.py": "def init(): pass\ndef run(*args): return 1\n"})
    assert fault.code == "MG306"
    assert "*args" in fault.message


def test_a_use_of_the_workspace_is_told_with_what_to_use_instead(laptop):
    fault = laptop.fault({"score.py": script(head="from azureml.core import Workspace", init="Workspace.from_config()")})
    assert (fault.code, fault.line) == ("MG310", 4)
    assert "AZUREML_MODEL_DIR" in fault.fix


def test_a_script_that_asks_the_network_is_told(laptop):
    fault = laptop.fault({"score.py": script(head="import urllib.request", init="urllib.request.urlopen('http://127.0.0.1:9/x')")})
    assert fault.code == "MG312"


def test_what_could_not_be_served_leaves_no_copy_of_its_model(laptop):
    release = laptop.release({"score.py": script(init="1 / 0")})
    laptop.fault_of(release)
    assert list(laptop.home.work.rglob("model.pkl")) == []


def test_a_process_that_dies_in_init_is_told_and_not_started_for_ever(laptop):
    fault = laptop.fault({"score.py": script(init="os.kill(os.getpid(), 11)")})
    assert fault.code == "MG309"


def test_a_script_that_ends_the_process_is_told(laptop):
    assert laptop.fault({"score.py": script(init="os._exit(0)")}).code == "MG309"


def test_an_init_that_takes_too_long_is_ended(laptop):
    laptop.serving = ProcessServing(laptop.home, laptop.signals, laptop.processes, code=laptop.code, init_seconds=2)
    release = laptop.release({"score.py": script(init="import time; time.sleep(60)")})
    fault = laptop.fault_of(release)
    assert fault.code == "MG307"
    assert "2 s" in fault.message
    assert laptop.serving.server_pid(release) is None


def test_a_model_that_needs_more_memory_than_it_asked_for_is_told_the_limit(laptop):
    text = script(init="import time; x = bytearray(700 << 20); time.sleep(60)")
    fault = laptop.fault({"score.py": text}, compute=Compute(memory_gb=0.5))
    assert fault.code == "MG308"
    assert "0.5 GB" in fault.message


def test_a_server_that_outgrows_its_memory_later_says_why(laptop, ask):
    text = script(run="import time; x = bytearray(700 << 20); time.sleep(60)")
    served = laptop.serve({"score.py": text}, compute=Compute(memory_gb=0.5))
    with pytest.raises(OSError):  # noqa: PT011 - cut off, in one of several ways
        ask(served.endpoint.url, ROWS)
    with laptop.signals.changed:
        assert laptop.signals.changed.wait_for(lambda: laptop.serving.server_fault(served.release), 10)
    assert laptop.serving.server_fault(served.release).code == "MG308"


def test_what_run_raises_is_kept_though_the_answer_hides_it(laptop, ask):
    served = laptop.serve({"score.py": script(run="raise ValueError('a column is missing')")})
    status, answer = ask(served.endpoint.url, ROWS)
    assert (status, "column" in str(answer)) == (500, False)
    assert laptop.serving.run_errors(served.release) == ("score.py:7 ValueError: a column is missing",)


def test_what_the_script_prints_is_in_the_log_of_the_release(laptop):
    served = laptop.serve({"score.py": script(init="print('loaded', 3, 'trees')")})
    assert "loaded 3 trees" in (laptop.home.release(served.release.id) / "logs" / "serve.log").read_text()


def test_a_release_whose_environment_is_gone_is_the_operators_affair(laptop):
    release = laptop.release({"score.py": GOOD}, image="environments/gone")
    with pytest.raises(Permanent, match="gone"):
        laptop.serving.deploy(release)


# starting, ending, starting again


def test_taking_down_leaves_nothing_of_it(laptop):
    served = laptop.serve({"score.py": script(init="import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)")})
    family = psutil.Process(laptop.serving.server_pid(served.release))
    people = [family, *family.children(recursive=True)]
    assert laptop.serving.take_down(served.release) is None
    assert psutil.wait_procs(people, timeout=5)[1] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(served.endpoint.url.split(":")[2].split("/")[0])))


def test_taking_down_what_does_not_run_is_no_error(laptop):
    assert laptop.serving.take_down(laptop.release({"score.py": GOOD})) is None


def test_a_server_that_was_killed_is_started_anew(laptop, ask):
    served = laptop.serve({"score.py": GOOD})
    os.kill(laptop.serving.server_pid(served.release), signal.SIGKILL)
    with laptop.signals.changed:
        assert laptop.signals.changed.wait_for(lambda: laptop.serving.server_pid(served.release) is None, 10)
    assert ask(laptop.endpoint(served.release).url, ROWS) == (200, [2, 8])


def test_another_host_serves_the_same_release_anew(laptop, ask):
    served = laptop.serve({"score.py": GOOD})
    laptop.processes.stop_all(patience=0)
    laptop.serving = ProcessServing(laptop.home, laptop.signals, laptop.processes, code=laptop.code)
    assert ask(laptop.endpoint(served.release).url, ROWS) == (200, [2, 8])


def test_more_servers_than_allowed_wait_for_a_place(laptop, ask):
    laptop.serving = ProcessServing(laptop.home, laptop.signals, laptop.processes, code=laptop.code, most=1)
    first = laptop.serve({"score.py": GOOD})
    second = laptop.release({"score.py": GOOD})
    assert isinstance(laptop.serving.deploy(second), NotYet)
    assert laptop.serving.server_pid(second) is None
    laptop.serving.take_down(first.release)
    assert laptop.signals.woken[-1] == second.id
    assert ask(laptop.endpoint(second).url, ROWS) == (200, [2, 8])


def test_a_server_that_fails_gives_its_place_to_one_that_waits(laptop):
    laptop.serving = ProcessServing(laptop.home, laptop.signals, laptop.processes, code=laptop.code, most=1)
    first, second = laptop.release({"score.py": script(init="1 / 0")}), laptop.release({"score.py": GOOD})
    assert [laptop.serving.deploy(first), laptop.serving.deploy(second)] == [SOON, SOON]
    with laptop.signals.changed:
        assert laptop.signals.changed.wait_for(lambda: laptop.signals.woken == [first.id, second.id], 30)
    laptop.endpoint(second)


def test_a_release_with_its_verdict_gives_its_place_to_one_that_waits(laptop):
    laptop.serving = ProcessServing(laptop.home, laptop.signals, laptop.processes, code=laptop.code, most=1)
    first = laptop.serve({"score.py": GOOD})
    (laptop.home.release(first.release.id) / "verdict.json").write_text("{}")
    second = laptop.release({"score.py": GOOD})
    laptop.endpoint(second)
    assert laptop.serving.server_pid(first.release) is None


def test_two_threads_that_deploy_at_once_start_one_server(laptop):
    release = laptop.release({"score.py": GOOD})
    threads = [threading.Thread(target=laptop.serving.deploy, args=(release,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    laptop.endpoint(release)
    running = [p for p in psutil.process_iter() if str(laptop.home.root) in " ".join(_line(p)) and "serve.py" in " ".join(_line(p))]
    assert len({p.pid for p in running if psutil.pid_exists(p.ppid()) and "serve.py" not in " ".join(_line(psutil.Process(p.ppid())))}) == 1


def _line(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


# MLflow in the environment: a package of that name in the bundle's folder stands for the large one, which a template's test uses

TRACKING = """
def log_metric(key, value, step=None):
    raise ConnectionError("this would ask a tracking server")

log_metrics = log_param = set_experiment = start_run = log_metric
__version__ = "3.0"
"""
PYFUNC = """
class Schema:
    def input_names(self): return ["a", "b"]
    def input_types(self): return ["double", "long"]

class Model:
    metadata = type("Metadata", (), {"get_input_schema": lambda self: Schema()})()
    def __init__(self, path): self.factor = int(open(path + "/factor").read())
    def predict(self, frame): return (frame["a"] * self.factor + frame["b"]).to_numpy()

load_model = Model
"""


def test_an_installed_mlflow_is_used_but_asks_no_tracking_server(laptop, ask):
    text = script(
        head="import mlflow\nfrom mlflow import log_metric",
        init="log_metric('auc', 0.5); mlflow.log_metrics({'loss': 2}); mlflow.set_experiment('x')",
        run="return mlflow.__version__",
    )
    served = laptop.serve({"score.py": text, "mlflow/__init__.py": TRACKING})
    assert ask(served.endpoint.url, ROWS) == (200, "3.0")
    assert json.loads(laptop.serving.reported_file(served.release).read_text()) == {"auc": 0.5, "loss": 2.0}


def test_an_mlflow_model_without_a_script_takes_every_shape_of_request(laptop, ask):
    files = {"mlflow/__init__.py": TRACKING, "mlflow/pyfunc.py": PYFUNC, "mine/MLmodel": "", "mine/factor": "10"}
    url = laptop.serve(files, model="mine", scoring=None, mlflow=True).endpoint.url
    named = {"columns": ["b", "a"], "index": [0], "data": [[1, 2]]}
    bodies = [
        {"input_data": named},
        {"dataframe_split": named},
        {"input_data": [[2, 1]]},
        {"inputs": {"a": [2], "b": [1]}},
        {"inputs": [[2, 1]]},
    ]
    bodies += [
        {"data": [[2, 1]]},
        [[2, 1]],
        [{"b": 1, "a": 2}],
        {"dataframe_records": [{"b": 1, "a": 2}]},
        {"b": 1, "a": 2},
        json.dumps([[2, 1]]),
    ]
    assert [ask(url, body) for body in bodies] == [(200, [21])] * len(bodies)
