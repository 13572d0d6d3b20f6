"""Started as a file: resolves one set of requirements and builds the environment of its lock. Standard library only.

    python build_environment.py SPEC.json

Writes the spec's `result` whole, in the end, whatever happens (and says `finished` when it may be used):
{"outcome": "finished", "hash", "server"} or {"outcome": "failed", "step", "text", …}.
A lock file (flock) lets one build an environment while others wait; a killed builder frees it, since uv inherits it and is killed too.
An environment counts only with its `finished.json`, which is written last; what has none is thrown away by the next builder.
Until all of it is known to be on the disk (`synced`), it counts only as long as the machine is not started anew.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FINISHED = "finished.json"
SYNCED = "synced"
SUGGEST_FOR = 20  # seconds that may go into finding a version that would do
USERINFO = re.compile(r"(\w+://)[^/\s@]+@")


class Failed(Exception):
    """The environment cannot be built. `step`: resolve | conflict | install | check | time | size | disk | platform."""

    def __init__(self, step: str, text: str, **more: Any) -> None:
        super().__init__(text)
        self.told = {"outcome": "failed", "step": step, "text": text, **more}


class Builder:
    """One run of this script."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.environments = Path(spec["environments"])
        self.work = Path(spec["work"])
        self.seconds = float(spec["seconds"])
        self.held: int | None = None

    def run(self) -> dict[str, Any]:
        """Resolve, build, and say so."""
        lock, server = (self.spec["lock"], True) if self.spec["lock"] is not None else self.resolved()
        name = lock_hash(lock, self.spec["python_version"])
        with self.alone(self.environments / f"{name}.lock"):
            if is_finished(self.environments / name):
                say(f"Environment {name} is there already.")
            else:
                self.build(self.environments / name, lock)
        return {"outcome": "finished", "hash": name, "server": server}

    @contextlib.contextmanager
    def alone(self, path: Path) -> Iterator[None]:
        """Hold the lock of `path`; waiting for others does not count as our time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.held = file.fileno()
            try:
                with self.timed():
                    yield
            finally:
                self.held = None

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Let the time limit run; what is used is taken from what is left."""
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(0.001, self.seconds))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.seconds -= time.monotonic() - began

    def uv(self, *arguments: str) -> tuple[int, str, str]:
        """Run uv; its words go to our log as they come. Answers exit code, output and words."""
        fds = (self.held,) if self.held is not None else ()
        with tempfile.TemporaryFile("w+", dir=self.work) as output:
            argv = [self.spec["uv"], *arguments]
            with subprocess.Popen(
                argv, cwd=self.work, stdout=output, stderr=subprocess.PIPE, text=True, errors="replace", pass_fds=fds
            ) as process:
                try:
                    words = [self.tell(line) for line in process.stderr or ()]
                except BaseException:
                    process.kill()
                    raise
            output.seek(0)
            return process.returncode, output.read(), "".join(words)

    def tell(self, line: str) -> str:
        """Log a line of uv without what must not be stored: passwords, and the site's own indexes."""
        line = USERINFO.sub(r"\1", line).replace(os.environ.get("UV_CACHE_DIR", "\n"), "<cache>")
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
            for address in re.split(r"[\s,]+", os.environ.get(name, "")):
                if address:
                    line = line.replace(USERINFO.sub(r"\1", address).rstrip("/"), "<index>")
        sys.stderr.write(line)
        return line

    # Resolving

    def resolved(self) -> tuple[str, bool]:
        """The lock, and whether the scoring server is in it: kept from the last time, or resolved now."""
        kept = self.environments / ".resolved" / f"{self.spec['key']}.json"
        with self.alone(kept.with_suffix(".lock")):
            known = fresh(kept, self.spec["ttl"])
            if known is None:
                lock, server = self.resolve()
                known = {"at": time.time(), "lock": lock, "server": server, "hash": lock_hash(lock, self.spec["python_version"])}
                write_whole(kept, known)
            return known["lock"], known["server"]

    def resolve(self) -> tuple[str, bool]:
        """With the scoring server; when that fails, without it, to know who is to blame."""
        own, server = self.spec["requirements"], self.spec["server"]
        code, lock, words = self.compile([*own, server] if server else own)
        if code == 0:
            return lock, bool(server)
        if not server or "No solution found" not in words:
            raise Failed("resolve", words, newest=self.newest(words))
        say("Once more without the scoring server:")
        code, lock, alone = self.compile(own)
        if code != 0:
            raise Failed("resolve", alone, newest=self.newest(alone))
        if self.spec["server_needed"]:
            raise Failed("conflict", words)
        return lock, False

    def compile(self, requirements: list[str]) -> tuple[int, str, str]:
        """`uv pip compile` for the interpreter. The lock that comes out names no index."""
        (self.work / "requirements.in").write_text("\n".join(requirements) + "\n", encoding="utf-8")
        flags = ["--no-header", "--annotation-style=line", "--no-emit-index-url", "--python", self.spec["python"], *self.limits()]
        code, lock, words = self.uv("pip", "compile", *flags, "requirements.in")
        return code, "".join(line for line in lock.splitlines(keepends=True) if "://" not in line and not line.startswith("-")), words

    def limits(self) -> list[str]:
        """Old servers and source packages need `pkg_resources`, which new setuptools do not bring; the submitter's own pin wins."""
        file = self.work / "constraints.txt"
        file.write_text("\n".join(self.spec["constraints"]) + "\n", encoding="utf-8")
        return ["-c", file.name, "-b", file.name] if self.spec["constraints"] else []

    def newest(self, words: str) -> dict[str, str]:
        """For the package that could not be had as pinned: the newest version that this Python can have."""
        found = re.search(r"you require ([A-Za-z0-9][\w.-]*)", words)
        if not found or "not found in the package registry" in words or self.seconds < SUGGEST_FOR:
            return {}
        code, lock, _ = self.compile([found[1]])
        version = re.search(rf"^{re.escape(found[1])}==(\S+)", lock, re.MULTILINE)
        return {found[1]: version[1]} if code == 0 and version else {}

    # Building

    def build(self, folder: Path, lock: str) -> None:
        """Build in place, since an environment does not like to be moved; the marker comes last."""
        shutil.rmtree(folder, ignore_errors=True)
        try:
            self.install(folder, lock)
            size = self.measured(folder)
            self.check(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        marker = {"lock": lock, "python": self.spec["python_version"], "platform": machine(), "bytes": size, "at": time.time()}
        write_whole(folder / FINISHED, marker | {"boot": boot()})

    def install(self, folder: Path, lock: str) -> None:
        """An empty environment, and exactly the lock in it, compiled to bytecode."""
        (self.work / "lock.txt").write_text(lock, encoding="utf-8")
        python = str(folder / "bin" / "python")
        sync = ("pip", "sync", "--python", python, "--compile-bytecode", "--allow-empty-requirements", *self.limits()[2:], "lock.txt")
        for step in (("venv", "--no-project", "--python", self.spec["python"], str(folder)), sync):
            code, _, words = self.uv(*step)
            if code != 0:
                raise Failed("install", words)

    def measured(self, folder: Path) -> int:
        """Its size in bytes, if that is allowed."""
        size = size_of(folder)
        if size > self.spec["bytes"]:
            raise Failed("size", largest(folder), size=size)
        return size

    def check(self, folder: Path) -> None:
        """Pins that resolve beside the scoring server may still break it; importing it tells."""
        if self.spec["check"]:
            done = subprocess.run(
                [folder / "bin" / "python", "-I", "-c", self.spec["check"]],
                cwd=self.work,
                env={"PATH": os.defpath, "HOME": str(self.work)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if done.returncode != 0:
                sys.stderr.write(done.stderr)
                raise Failed("check", re.sub(rf"{re.escape(str(folder))}/lib\S*?/site-packages/", "", done.stderr))


def lock_hash(lock: str, python: str) -> str:
    """The environment's name: SHA-256 of its pins, Python and platform. Remarks do not count."""
    pins = sorted(line.split("#")[0].strip() for line in lock.splitlines() if line.split("#")[0].strip())
    return hashlib.sha256(json.dumps([pins, python, machine()]).encode()).hexdigest()


def machine() -> str:
    """System, processor and C library."""
    return "-".join([sys.platform, platform.machine(), *platform.libc_ver()])


def is_finished(folder: Path) -> bool:
    """Whether it was built whole, outlived what happened since, and its interpreter is still there."""
    try:
        marker = json.loads((folder / FINISHED).read_bytes())
    except (OSError, ValueError):
        return False
    return (folder / "bin" / "python").exists() and ((folder / SYNCED).exists() or marker.get("boot") == boot() != "")


def boot() -> str:
    """Changes when the machine starts; "" where that cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def settle(folder: Path) -> None:
    """Put all of it on the disk. May take long while others write much, so nobody waits for it where `boot` can be told."""
    if not (folder / SYNCED).exists():
        os.sync()
        write_whole(folder / SYNCED, {})


def fresh(kept: Path, ttl: float) -> dict[str, Any] | None:
    """What was resolved at most `ttl` seconds ago."""
    try:
        known: dict[str, Any] = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        return None
    return known if 0 <= time.time() - known["at"] < ttl else None


def size_of(folder: Path) -> int:
    """Bytes of all files; a file with several names counts once."""
    seen = {(stat.st_dev, stat.st_ino): stat.st_size for stat in (file.lstat() for file in folder.rglob("*"))}
    return sum(seen.values())


def largest(folder: Path) -> str:
    """The largest packages, one a line."""
    parts = [part for site in folder.glob("lib*/python*/site-packages") for part in site.iterdir()]
    sizes = sorted(((size_of(part) if part.is_dir() else part.lstat().st_size, part.name) for part in parts), reverse=True)
    return "\n".join(f"{size / 1e6:8.0f} MB  {name}" for size, name in sizes[:8])


def write_whole(path: Path, value: Any) -> None:
    """JSON, whole or not at all, and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
        json.dump(value, part)
        part.flush()
        os.fsync(part.fileno())
    Path(part.name).replace(path)


def say(text: str) -> None:
    """One line of log."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def outcome(spec: dict[str, Any]) -> dict[str, Any]:
    """How it went; every failure as a value."""
    try:
        return Builder(spec).run()
    except Failed as failed:
        return failed.told
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return Failed("disk" if full else "platform", str(error)).told


def _late(_signal: int, _frame: object) -> None:
    raise Failed("time", "")


def main() -> None:
    """Do what the spec says. uv may still run after the time limit: whoever started us ends our whole group with us."""
    spec = json.loads(Path(sys.argv[1]).read_bytes())
    signal.signal(signal.SIGALRM, _late)
    told = outcome(spec)
    finished = Path(spec["environments"]) / told["hash"] if told["outcome"] == "finished" else None
    if finished and not boot():
        settle(finished)
    say(f"{told['outcome']}: {told.get('hash') or told.get('step')}")
    write_whole(Path(spec["result"]), told)
    if finished:
        sys.stdout.write("finished\n")
        sys.stdout.flush()
        settle(finished)
    os._exit(0)  # nothing is left to do, and a thread or pipe of uv must not keep us


if __name__ == "__main__":
    main()
