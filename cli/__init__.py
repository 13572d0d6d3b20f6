"""The `modelgate` command: HTTP to a running system; `check` works offline, `up` and `demo` start the laptop."""

DEFAULT_URL = "http://127.0.0.1:7071"
