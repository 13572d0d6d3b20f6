"""What uv must know of this machine to reach the packages: only that, and only while it runs.

uv does not read pip's settings. Where pip was told of an index and uv was not, uv is told the same.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PASSED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_UV_KNOWS = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
    "UV_OFFLINE",
    "UV_CONFIG_FILE",
)
_NOT_PASSED = ("UV_PUBLISH", "UV_PROJECT", "UV_PYTHON", "UV_ENV_FILE", "UV_TOOL", "UV_LINK_MODE_")
_PIP = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS", "cert": "SSL_CERT_FILE"}


def uv_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that uv is started with, from `given` (the host's own) and pip's settings. They may hold secrets: never stored."""
    passed = {name: value for name, value in given.items() if name.startswith("UV_") and not name.startswith(_NOT_PASSED)}
    passed |= {name: value for name, value in given.items() if name.upper() in _PASSED}
    home = Path(given.get("HOME") or "~").expanduser()
    passed.setdefault("UV_CACHE_DIR", str(Path(given.get("XDG_CACHE_HOME") or home / ".cache") / "uv"))
    settings = Path(given.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml"
    if settings.is_file():
        passed.setdefault("UV_CONFIG_FILE", str(settings))
    if (home / ".netrc").is_file():
        passed.setdefault("NETRC", str(home / ".netrc"))
    return _as_pip(given, home, passed) | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


def _as_pip(given: Mapping[str, str], home: Path, passed: dict[str, str]) -> dict[str, str]:
    """`passed` and, unless uv has an index of its own, what pip uses. Several indexes are one to pip: every version of each counts."""
    if any(passed.get(name) for name in _UV_KNOWS):
        return passed
    pip = {ours: value for name, ours in _PIP.items() if (value := _pip_setting(name, given, home))}
    if "UV_INDEX" in pip:
        pip["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if "UV_FIND_LINKS" in pip:
        pip["UV_FIND_LINKS"] = ",".join(pip["UV_FIND_LINKS"].split())
    return pip | passed


def _pip_setting(name: str, given: Mapping[str, str], home: Path) -> str:
    """As pip finds it: its variable, else the last of its files that has it. Several values are parted by blanks."""
    value = given.get("PIP_" + name.upper().replace("-", "_"), "")
    for file in _pip_files(given, home) if not value else ():
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            value = parser.get(section, name, fallback=value)
    return " ".join(value.split())


def _pip_files(given: Mapping[str, str], home: Path) -> list[Path]:
    own = given.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    user = Path(given.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        user / "pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    return [*files, Path(own)] if own else files
