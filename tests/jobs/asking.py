"""What the tests of jobs/ share: a way into the tools environment, served models, a release's job."""

from __future__ import annotations

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
CODE = HERE.parents[1]


class Raised(Exception):
    """A call in the tools environment raised: its type, message and fault codes."""

    def __init__(self, told):
        super().__init__(told["message"])
        self.type, self.codes = told["raised"], told["codes"]


class Inside:
    """Calls functions in one process of the tools environment."""

    def __init__(self, python):
        self._process = subprocess.Popen([python, HERE / "inside.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, name, *arguments):
        self._process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        if "raised" in told:
            raise Raised(told)
        return told["value"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def names(*values):
    return {"$": ["names", list(values)]}


def numbers(*values):
    return {"$": ["numbers", list(values)]}


class Model(ThreadingHTTPServer):
    """A served model: `answer(body)` gives what is sent back, as bytes, text or a (status, text). Keeps every body."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.bodies, self.at_once, self.most_at_once = answer, [], 0, 0
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/score"

    def handle_error(self, *_):
        """Tests that break connections say so themselves."""

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        model = self.server
        with model.lock:
            model.bodies.append(body)
            model.at_once += 1
            model.most_at_once = max(model.most_at_once, model.at_once)
        try:
            answer = model.answer(json.loads(body))
        except Exception as error:  # noqa: BLE001 - the server answers 500, as scoring servers do
            answer = (500, f"An unexpected error occurred in scoring script. {type(error).__name__}")
        finally:
            with model.lock:
                model.at_once -= 1
        if answer is HANG_UP:
            self.close_connection = True
            self.connection.close()
            return
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        content = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


HANG_UP = object()


class Job:
    """A release's data and folders, and one tools process's work on them."""

    def __init__(self, folder, inside):
        self.folder, self.inside, self.out = folder, inside, folder / "out"

    def data(self, text, name="holdout.csv"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def line(self, rows=40, name="holdout.csv"):
        """y = 2 a + b, ten times."""
        lines = [f"{n},{n % 7},{20 * n + 10 * (n % 7)}" for n in range(rows)]
        return self.data("\n".join(["a,b,y", *lines]), name)

    def spec(self, data, **more):
        base = {"data": str(data), "out": str(self.out), "work": str(self.folder / "work"), "attempt": 1, "digest": "d1"}
        return base | {"target": "y", "task": "regression", "request_seconds": 5.0} | more

    def do(self, spec, *commands):
        return self.inside("desk", spec, *commands)

    def smoke(self, model, **more):
        """The answer to `smoke`, and what smoke.json says."""
        data = more.pop("path", None) or self.line()
        told = self.do(self.spec(data, endpoint=model.url, **more), "smoke")["smoke"]
        return told, json.loads((self.out / "smoke.json").read_text())

    def score(self, model, **more):
        """What metrics.json says after scoring in the shape `data`."""
        data = more.pop("path", None) or self.line()
        told = self.do(self.spec(data, endpoint=model.url, **{"shape": "data"} | more), "score")["score"]
        return told, json.loads((self.out / "metrics.json").read_text()) if (self.out / "metrics.json").exists() else None

    def predictions(self):
        return self.inside("parquet", str(self.out / "predictions.parquet"))


def of_line(rows):
    """The right answers for `Job.line`."""
    return [20 * a + 10 * b for a, b in rows]
