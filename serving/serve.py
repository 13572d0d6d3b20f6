"""Serve a bundle with the real `azureml-inference-server-http`, on loopback only: `python serve.py SPEC.json`.

SPEC: {"bundle": folder, "model": path, "scoring": path or null, "name", "version", "port", "hidden": [paths taken out],
"sandbox": empty folder, "out": folder, "host": "127.0.0.1" unless given, "listener": number of an inherited listening socket, if the
caller has one}. Exit codes: 98 the port is taken, 3 the user's code failed (`<out>/fault.json` says why); others are the server's own.
"""
# ruff: noqa: PLC0415 - the server's package is imported when all is prepared

import os
import socket
import sys

from modelgate_serving import HERE, preparing, standins

PORT_TAKEN = 98
PASSED = 3  # the number at which gunicorn looks for a listening socket that was passed to it (systemd's rule)


def main():
    """Listen first, so that a request waits for the server instead of being refused; then become the server."""
    spec = preparing.read()
    pass_on(spec.get("listener") or listen(spec.get("host", "127.0.0.1"), spec["port"]))
    preparing.prepare(spec)
    set_up_server(spec)
    try:
        run_server(spec)
    except Exception as error:
        preparing.reporter.failed("server", error)
        raise


def listen(host, port):
    """Bind and listen; answers the socket's number."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        sys.stderr.write("port {}: {}\n".format(port, error))
        sys.exit(PORT_TAKEN)
    listener.listen(128)
    return listener.detach()


def pass_on(number):
    """Leave the socket where gunicorn takes it. What address the server would choose by itself plays no part."""
    if number != PASSED:
        os.dup2(number, PASSED)
        os.close(number)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))


def set_up_server(spec):
    """What the server reads from the environment: our entry script, no settings from files of the bundle, no telemetry."""
    neutral = os.path.join(spec["out"], "server.json")
    with open(neutral, "w") as file:
        file.write("{}")
    os.environ["AZUREML_CONFIG_FILE"] = neutral  # else a config.json of the bundle would be taken for the server's
    os.environ.setdefault("WORKER_TIMEOUT", str(spec.get("timeout", 600)))
    if not os.environ.get("AML_APP_INSIGHTS_KEY"):
        os.environ["AML_APP_INSIGHTS_ENABLED"] = "false"
        standins.silence_telemetry()


def run_server(spec):
    """Run the server's own command in this process."""
    from azureml_inference_server_http import amlserver

    os.environ["GUNICORN_CMD_ARGS"] = without_control_socket()
    sys.argv = ["azmlinfsrv", "--entry_script", os.path.join(HERE, "entry.py"), "--port", str(spec["port"])]
    amlserver.DEFAULT_HOST = spec.get("host", "127.0.0.1")
    amlserver.run()


def without_control_socket():
    """New gunicorns open a socket under the home folder that all servers of a user would share."""
    from gunicorn import config

    return "--no-control-socket" if "control_socket_disable" in config.make_settings() else ""


if __name__ == "__main__":
    main()
