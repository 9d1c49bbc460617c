import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import tree, usage

# A parent that has waited for one child which burned 0.2 s, and has one that holds 50 MB and burned 0.2 s.
PARENT = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < 0.2: pass\\n"
subprocess.run([sys.executable, "-c", burn], check=True)
hold = burn + "data = b'.' * 50_000_000\\nprint(flush=True)\\nimport sys\\nsys.stdin.read()\\n"
with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
    child.stdout.readline()
    print(child.pid, flush=True)
    sys.stdin.read()
    child.stdin.close()
"""


def test_usage_is_of_the_process_its_children_and_those_that_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        child = int(process.stdout.readline())

        used = usage(process.pid)

        assert set(tree(process.pid)) == {process.pid, child}
        assert used.cpu_seconds >= 0.36  # counted in ticks of 10 ms
        assert used.peak_bytes >= used.resident_bytes >= 50_000_000
        process.stdin.close()


def test_usage_of_a_process_that_is_gone_is_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert usage(gone.pid).cpu_seconds == 0


def test_the_name_of_a_process_may_look_like_its_fields(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to(sys.executable)
    with subprocess.Popen(
        [program, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()

        assert process.pid in set(tree(os.getpid()))
        assert usage(process.pid).resident_bytes > 0
        process.communicate(b"\n")
