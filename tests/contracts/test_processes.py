"""Children are started, limited, watched and never left behind: with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from shared.adapters.local.process_tree import MARK
from shared.adapters.local.processes import Command, Ended, Limits, Processes, Running, clean_environment
from shared.domain.errors import NotFound

ROOT = Path(__file__).resolve().parents[2]
SLEEP = "import time; time.sleep(60)"


class Yard:
    """Processes in a folder of their own, and short ways to start Python there."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.processes = Processes(folder / "state")

    def start(self, text, name="a", on_exit=None, **known):
        env = clean_environment(self.folder, **known.pop("more", {}))
        return self.processes.start(name, Command((sys.executable, "-c", text), self.folder, self.log, env, **known), on_exit)

    def run(self, text, **known):
        """Start, wait for the end, answer it."""
        self.start(text, **known)
        return self.processes.wait("a", 20)


@pytest.fixture
def yard(tmp_path):
    made = Yard(tmp_path)
    yield made
    made.processes.stop_all(patience=0)


def lines_of(yard, text, **known):
    """Start it; answer what it says, line by line, as a function that waits for the next."""
    said, more = [], threading.Condition()

    def hear(line):
        with more:
            said.append(line)
            more.notify()

    def following():
        with more:
            assert more.wait_for(lambda: said, 20), "it said nothing"
            return said.pop(0)

    yard.start(text, on_line=hear, **known)
    return following


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def gone_within(pids, seconds=5):
    people = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return psutil.wait_procs(people, timeout=seconds)[1] == []


# starting


def test_a_command_runs_and_its_end_is_known(yard):
    assert yard.run("raise SystemExit(5)") == Ended(5)


def test_what_it_writes_goes_to_its_log(yard):
    yard.run("import sys; print('out'); print('err', file=sys.stderr)")
    assert sorted(yard.log.read_text().split()) == ["err", "out"]


def test_a_second_start_adds_to_the_log(yard):
    yard.run("print(1)")
    yard.run("print(2)")
    assert yard.log.read_text().split() == ["1", "2"]


def test_nothing_of_the_hosts_environment_is_inherited(yard, monkeypatch):
    monkeypatch.setenv("HOSTS_SECRET", "x")
    yard.run("import os, json; print(json.dumps(sorted(os.environ)))", more={"GIVEN": "1"})
    names = set(json.loads(yard.log.read_text()))
    assert names - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {"PATH", "HOME", "TMPDIR", "LANG", "GIVEN", MARK}


def test_a_start_while_it_runs_changes_nothing(yard):
    first = yard.start(SLEEP)
    assert yard.start("raise SystemExit(1)") == first


def test_a_start_after_its_end_starts_anew(yard):
    yard.run("pass")
    assert yard.run("raise SystemExit(3)") == Ended(3)


def test_threads_that_start_one_name_at_once_start_one_process(yard):
    found = []
    threads = [threading.Thread(target=lambda: found.append(yard.start(SLEEP))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_a_name_never_started_has_no_state(yard):
    assert yard.processes.state("nobody") is None


def test_a_name_may_hold_anything(yard):
    yard.start("pass", name="serve r1/2: ä " + "x" * 300)
    assert yard.processes.wait("serve r1/2: ä " + "x" * 300, 20) == Ended(0)


def test_a_program_that_is_not_there_ends_with_127_and_says_so(yard):
    yard.processes.start("a", Command(("/no/such/program",), yard.folder, yard.log, {}))
    assert yard.processes.wait("a", 20) == Ended(127)
    assert "/no/such/program" in yard.log.read_text()


def test_a_working_folder_that_is_not_there_is_told_at_once(yard):
    with pytest.raises(FileNotFoundError):
        yard.processes.start("a", Command((sys.executable,), yard.folder / "gone", yard.log, {}))
    assert yard.processes.state("a") is None


def test_a_passed_descriptor_has_the_same_number_in_the_child(yard):
    reads, writes = os.pipe()
    try:
        yard.run(f"import os; os.write({writes}, b'through')", fds=(writes,))
    finally:
        os.close(writes)
    with os.fdopen(reads, "rb") as file:
        assert file.read() == b"through"


# talking


def test_lines_of_its_output_are_told_as_they_come_and_not_logged(yard):
    following = lines_of(yard, f"print('one', flush=True); print('two', flush=True); {SLEEP}")
    assert [following(), following()] == ["one", "two"]
    assert yard.log.read_text() == ""


def test_lines_written_to_it_are_read_by_it(yard):
    following = lines_of(yard, "import sys\nfor line in sys.stdin: print('heard', line.strip(), flush=True)", stdin=True)
    yard.processes.write_line("a", "smoke")
    assert following() == "heard smoke"
    yard.processes.close_input("a")
    assert yard.processes.wait("a", 20) == Ended(0)


def test_writing_to_what_has_ended_is_refused(yard):
    yard.run("pass", stdin=True)
    with pytest.raises(NotFound):
        yard.processes.write_line("a", "smoke")


def test_its_last_lines_are_told_before_its_end(yard):
    order, done = [], threading.Event()

    def on_exit(code):
        order.append(code)
        done.set()

    def slowly(line):
        done.wait(0.002)
        order.append(line)

    yard.start("for n in range(200): print(n)", on_line=slowly, on_exit=on_exit)
    assert done.wait(20)
    assert (len(order), order[-1]) == (201, 0)


# ending


def test_its_end_is_told_once_when_its_state_already_says_so(yard):
    told, done = [], threading.Event()

    def on_exit(code):
        told.append((code, yard.processes.state("a")))
        done.set()

    yard.start("raise SystemExit(4)", on_exit=on_exit)
    assert done.wait(20)
    assert told == [(4, Ended(4))]


def test_a_child_may_be_started_again_from_the_telling_of_its_end(yard):
    done = threading.Event()

    def again(_code):
        yard.start("raise SystemExit(9)", on_exit=lambda _: done.set())

    yard.start("pass", on_exit=again)
    assert done.wait(20)
    assert yard.processes.state("a") == Ended(9)


def test_stopping_lets_it_clean_up(yard):
    text = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint('ready', flush=True)\ntime.sleep(60)"
    assert lines_of(yard, text)() == "ready"
    assert yard.processes.stop("a", patience=10) == Ended(7, "stopped")


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
same = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"])
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(os.getpid(), same.pid, other.pid, flush=True)
time.sleep(60)
"""


def test_a_stubborn_process_is_killed_with_its_children(yard):
    pids = [int(word) for word in lines_of(yard, STUBBORN, limits=Limits(open_files=100))().split()]
    began = time.monotonic()
    assert yard.processes.stop("a", patience=0.5) == Ended(-signal.SIGKILL, "stopped")
    assert time.monotonic() - began < 5
    assert gone_within(pids)


def test_children_that_outlive_their_parent_are_ended(yard):
    following = lines_of(
        yard, "import subprocess; p = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL); print(p.pid, flush=True)"
    )
    pid = int(following())
    assert yard.processes.wait("a", 20) == Ended(0)
    assert gone_within([pid])


def test_all_are_stopped_together(yard):
    for n in range(4):
        yard.start("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)", name=f"n{n}")
    began = time.monotonic()
    yard.processes.stop_all(patience=0.5)
    assert time.monotonic() - began < 4
    assert all(isinstance(yard.processes.state(f"n{n}"), Ended) for n in range(4))


def test_stopping_what_is_not_known_or_has_ended_is_no_error(yard):
    yard.run("pass")
    assert (yard.processes.stop("nobody"), yard.processes.stop("a")) == (None, Ended(0))


# limits


def test_more_memory_than_allowed_ends_it(yard):
    assert yard.run("x = bytearray(300 << 20); " + SLEEP, limits=Limits(memory_bytes=100 << 20)) == Ended(-signal.SIGKILL, "memory")


def test_memory_is_counted_over_the_whole_tree(yard):
    text = "import os, time\nfor _ in range(3): os.fork()\nx = bytearray(40 << 20)\ntime.sleep(60)"
    assert yard.run(text, limits=Limits(memory_bytes=200 << 20)) == Ended(-signal.SIGKILL, "memory")


def test_memory_that_is_only_reserved_does_not_count(yard):
    text = "import mmap, time; m = mmap.mmap(-1, 1 << 30); time.sleep(0.7)"
    assert yard.run(text, limits=Limits(memory_bytes=100 << 20)) == Ended(0)


def test_memory_that_is_shared_with_children_counts_once(yard):
    text = "import os, time\nx = b'x' * (60 << 20)\nfor _ in range(2): os.fork()\ntime.sleep(0.7)"
    assert yard.run(text, limits=Limits(memory_bytes=150 << 20)) == Ended(0)


def test_more_processes_than_allowed_end_it(yard):
    assert yard.run("import os\nwhile True: os.fork() or __import__('time').sleep(60)", limits=Limits(processes=5)).reason == "processes"


def test_more_wall_time_than_allowed_ends_it(yard):
    assert yard.run(SLEEP, limits=Limits(wall_seconds=0.5)) == Ended(-signal.SIGKILL, "wall")


def test_more_cpu_time_than_allowed_ends_it(yard):
    assert yard.run("while True: pass", limits=Limits(cpu_seconds=1)).reason == "cpu"


def test_more_open_files_than_allowed_are_refused(yard):
    assert yard.run("[open('/dev/null') for _ in range(100)]; x", limits=Limits(open_files=50)) == Ended(1)
    assert "Too many open files" in yard.log.read_text()


def test_a_larger_file_than_allowed_is_cut_off(yard):
    yard.run("open('big', 'wb').write(bytes(5 << 20))", limits=Limits(file_bytes=1 << 20))
    assert (yard.folder / "big").stat().st_size == 1 << 20


def test_a_command_within_its_limits_ends_by_itself(yard):
    limits = Limits(memory_bytes=1 << 30, cpu_seconds=60, open_files=100, processes=10, file_bytes=1 << 20, wall_seconds=60)
    assert yard.run("import time; time.sleep(0.5)", limits=limits) == Ended(0)


# a host that was killed

HOST = """
import sys, time
from pathlib import Path
from shared.adapters.local.processes import *
folder = Path(sys.argv[1])
child = '''
import os, subprocess, time
other = subprocess.Popen(["sleep", "60"], start_new_session=True)
print(os.getpid(), other.pid, flush=True)
time.sleep(60)
'''
tell = lambda line: print(line, flush=True)
command = Command((sys.executable, "-c", child), folder, folder / "log", clean_environment(folder), on_line=tell)
Processes(folder / "state").start("a", command)
time.sleep(60)
"""


@pytest.fixture
def orphans(yard):
    """Pids that a killed host left: its child, and a descendant that left the group."""
    host = subprocess.Popen([sys.executable, "-c", HOST, yard.folder], cwd=ROOT, stdout=subprocess.PIPE)
    with host.stdout:
        pids = [int(word) for word in host.stdout.readline().split()]
    host.kill()
    host.wait()
    yield pids
    for pid in pids:
        if psutil.pid_exists(pid):
            psutil.Process(pid).kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_killed_host_takes_its_children_with_it(orphans):
    assert gone_within(orphans[:1])


def test_the_next_host_ends_what_a_killed_one_left(yard, orphans):
    assert alive(orphans[1])
    assert yard.processes.reap_orphans() == 1
    assert gone_within(orphans)
    assert list((yard.folder / "state").iterdir()) == []


def test_a_pid_that_is_now_somebody_elses_is_not_touched(yard):
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        began = psutil.Process(stranger.pid).create_time() - 100
        (yard.folder / "state" / "a.json").write_text(json.dumps({"pid": stranger.pid, "began": began, "mark": "m"}))
        assert yard.processes.reap_orphans() == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 0, "began": 0, "mark": "m"}', '{"pid": 4}'])
def test_a_record_that_cannot_be_used_is_put_away(yard, content):
    (yard.folder / "state" / "a.json").write_text(content)
    yard.processes.reap_orphans()
    assert list((yard.folder / "state").iterdir()) == []


def test_a_child_that_has_ended_leaves_no_record(yard):
    yard.run("pass")
    assert list((yard.folder / "state").iterdir()) == []


def test_a_running_child_has_a_record_with_its_pid(yard):
    running = yard.start(SLEEP)
    (record,) = (yard.folder / "state").glob("*.json")
    assert (json.loads(record.read_text())["pid"], running) == (running.pid, Running(running.pid))
