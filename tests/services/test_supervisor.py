"""One attempt of a step under its supervisor, with real processes: how it ends, what is kept, what it gets."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attempts import Bench, alive

import livewall
from livewall.tasks.attempt import Spec
from livewall.tasks.supervisor.truncation import STEP, truncation


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.close()


# How it ends.


@pytest.mark.parametrize("status", [0, 3, 255])
def test_the_exit_status_is_the_commands(bench, status):
    end, _ = bench.run("sh", "-c", f"exit {status}")
    assert (end.why, end.status, end.signal, end.message) == ("exit", status, None, "")
    assert 0 <= end.seconds < 10
    assert abs(end.at - time.time()) < 60


def test_a_command_that_a_signal_ends_says_which(bench):
    end, _ = bench.run("sh", "-c", "kill -KILL $$")
    assert (end.why, end.status, end.signal) == ("signal", None, 9)


def test_a_command_that_takes_too_long_is_ended(bench):
    end, output = bench.run("sh", "-c", "echo begun; exec sleep 60", timeout=0.2)
    assert (end.why, end.signal, end.message) == ("timeout", 15, "not finished after 0.2 s")
    assert output == b"begun\n"


def test_one_that_ignores_sigterm_is_killed_after_the_grace(bench):
    end, _ = bench.run("sh", "-c", "trap '' TERM; while :; do sleep 0.01; done", timeout=0.2, grace=0.3)
    assert (end.why, end.signal) == ("timeout", 9)
    assert 0.5 <= end.seconds < 10


def test_one_that_tidies_up_has_its_grace(bench):
    script = "trap 'sleep 0.1; echo tidy; exit 4' TERM; while :; do sleep 0.01; done"
    end, output = bench.run("sh", "-c", script, timeout=0.2, grace=10.0)
    assert (end.why, end.status) == ("timeout", 4)
    assert output.endswith(b"tidy\n")  # a shell may say "Terminated" before


def refused(bench, *argv, **more):
    end, output = bench.run(*argv, **more)
    assert (end.why, end.status, end.signal, output) == ("error", None, None, b"")
    return end.message


def test_what_cannot_be_started_says_why(bench):
    for name, text, mode in (("plain", "x", 0o644), ("lost", "#!/no/interpreter\n", 0o755), ("noise", "\1\2", 0o755)):
        (bench.work / name).write_text(text)
        (bench.work / name).chmod(mode)
    assert refused(bench, "no-such-make") == "no such program: no-such-make"
    assert refused(bench, "./absent") == "no such program: ./absent"
    assert refused(bench, "./plain") == "not allowed to run: ./plain"
    assert refused(bench, "./plain/below") == "no such program: ./plain/below"
    assert refused(bench, "./lost") == "the interpreter that ./lost names does not exist"
    assert refused(bench, "./noise").startswith("not a program of this machine")
    assert refused(bench, "plain", env={"PATH": str(bench.work)}) == "not allowed to run: plain"
    assert refused(bench, "true", cwd="/no/folder") == "the working folder does not exist: /no/folder"
    assert "Not a directory" in refused(bench, "true", cwd=str(bench.work / "plain"))
    assert "too long" in refused(bench, "echo", "x" * (1 << 20))
    assert "NUL" in refused(bench, "echo", "a\0b")
    assert refused(bench, "") == "no command is given"


def test_a_message_has_its_secrets_replaced(bench):
    assert refused(bench, "run-hunter2", secrets=["hunter2"]) == "no such program: run-***"


def test_arguments_are_passed_on_as_they_are(bench):
    odd = ["; rm -rf /", "-n", "a\nb", "{x}", "$(id)", "", "ü", "x" * 100_000]
    script = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    end, output = bench.python(script, *odd)
    assert end.status == 0
    assert output.split(b"\0") == [text.encode() for text in odd]


def test_what_is_not_utf_8_is_passed_on_and_masked_too(bench):
    env = {"PATH": os.environ["PATH"], "KEY": os.fsdecode(b"hunter\xff\xfe")}
    end, output = bench.run("sh", "-c", 'printf "%s %s" "$1" "$KEY"', "-", "a\udcffb", env=env, secrets=[env["KEY"]])
    assert (end.status, output) == (0, b"a\xffb ***")
    assert "cannot be passed on" in refused(bench, "echo", "\ud800")


# What is kept.


def test_the_output_is_kept_to_the_byte(bench):
    data = random.Random(3).randbytes(5_000_000)
    (bench.work / "data").write_bytes(data)
    end, output = bench.run("cat", "data")
    assert (end.status, end.bytes) == (0, len(data))
    assert output == data


def test_stdout_and_stderr_keep_their_order(bench):
    end, output = bench.run("sh", "-c", "for i in $(seq 500); do echo out $i; echo err $i >&2; done")
    assert end.status == 0
    assert output.decode().split("\n") == [f"{to} {i}" for i in range(1, 501) for to in ("out", "err")] + [""]


def test_a_secret_never_reaches_the_disk_however_it_is_printed(bench):
    script = """
import os
secret = os.environ["KEY"].encode()
for text in (b"byte by byte: " + secret, b"half: " + secret[:4] + b"\\n"):
    for byte in text:
        os.write(1, bytes([byte]))
for place in range(65526, 65546, 3):
    os.write(2, b"." * place + secret)
os.write(1, secret[:-1])
"""
    secret = "hunter2-hunter3"
    end, output = bench.python(script, env={"KEY": secret}, secrets=[secret])
    assert end.status == 0
    assert output.startswith(b"byte by byte: ***half: hunt\n.....")
    assert output.count(b"***") == 8
    assert output.endswith(b"***" + secret[:-1].encode())
    for path in bench.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_one_that_closes_its_output_is_waited_for(bench):
    end, output = bench.run("sh", "-c", "echo said; exec >&- 2>&-; sleep 0.2; exit 6")
    assert (end.why, end.status, output) == ("exit", 6, b"said\n")
    assert end.seconds >= 0.2


def test_another_program_that_holds_the_output_open_delays_no_end(bench):
    os.mkfifo(bench.work / "go")
    attempt = bench.start("sh", "-c", "touch $$; echo said; read line < go")
    (pid,) = bench.pids(1)
    with open(f"/proc/{pid}/fd/1", "wb"):
        (bench.work / "go").write_text("on\n")
        end, output = bench.end(attempt)
    assert (end.why, end.status, output) == ("exit", 0, b"said\n")


def test_times_say_when_the_bytes_came(bench):
    before = int(time.time() * 1000)
    attempt = bench.start("sh", "-c", "echo one; sleep 0.3; echo two; echo three; sleep 0.3; printf four")
    end, _ = bench.end(attempt)
    records = list(struct.iter_unpack("<QQ", attempt.times.read_bytes()))
    assert records[0][0] == 4
    assert records[-1][0] == end.bytes == 18
    assert 3 <= len(records) <= 5
    assert records == sorted(records)
    assert records[-1][1] - records[0][1] >= 500
    assert before <= records[0][1] <= records[-1][1] <= int(time.time() * 1000)


def test_beyond_the_cap_the_middle_is_left_out_and_offsets_stay_true(bench):
    cap, size = 4 << 20, 20_000_000
    script = f"import sys\nfor n in range(0, {size}, 16): sys.stdout.write('%15d\\n' % n)"
    attempt = bench.start(sys.executable, "-c", script, cap=cap)
    end, _ = bench.end(attempt)
    assert (end.why, end.bytes) == ("exit", size)
    found = truncation(size, cap)
    assert found is not None
    with attempt.output.open("rb") as output:
        for begin, stop in ((0, found[0]), (found[1], size)):
            output.seek(begin)
            text = output.read(stop - begin)
            assert text == b"".join(b"%15d\n" % n for n in range(begin, stop, 16))
        output.seek(found[0])
        assert not output.read(found[1] - found[0]).strip(b"\0")
    blocks = attempt.output.stat().st_blocks * 512
    if "left out" in end.message:
        pytest.skip("this file system cannot make holes")
    assert blocks <= cap + 2 * STEP + (1 << 16)


# What it gets.


def test_the_environment_is_exactly_the_given(bench, monkeypatch):
    monkeypatch.setenv("LIVEWALL_ADMIN_TOKEN", "planted")
    given = {"PATH": os.environ["PATH"], "ODD": "a=b\nc", "ÜBER": "ä"}
    _, output = bench.python("import json, os; print(json.dumps(dict(os.environ)))", env=given)
    got = json.loads(output)
    got.pop("LC_CTYPE", None)  # Python sets it for itself where no language is given
    assert got == given


def test_no_file_of_the_server_is_open_in_a_step(bench, tmp_path):
    script = """
import os
for number in range(1000):
    try:
        print(number, os.readlink(f"/proc/self/fd/{number}"))
    except FileNotFoundError:
        pass
"""
    with (tmp_path / "server's").open("w") as planted:
        os.set_inheritable(planted.fileno(), True)
        _, output = bench.python(script)
    found = dict(line.split(" ", 1) for line in output.decode().splitlines())
    assert set(found) == {"0", "1", "2"}
    assert found["0"] == "/dev/null"
    assert found["1"] == found["2"] and found["1"].startswith("pipe:")


def test_its_input_is_empty(bench):
    end, output = bench.run("cat", timeout=10.0)
    assert (end.why, end.status, output) == ("exit", 0, b"")


def test_it_has_a_session_of_its_own_and_default_signals(bench):
    _, output = bench.python("import os; print(os.getsid(0) == os.getpid()); print(open('/proc/self/status').read())")
    said = dict(line.split(":", 1) for line in output.decode().splitlines() if ":" in line)
    assert output.startswith(b"True\n")
    assert int(said["SigBlk"], 16) == 0
    python = 1 << 12 | 1 << 24  # SIGPIPE and SIGXFSZ, which Python itself ignores
    threads = 1 << 31 | 1 << 32  # the C library's own: whoever inherits them ignored cannot change that
    assert int(said["SigIgn"], 16) & ~(python | threads) == 0


def test_the_supervisor_shows_no_secret(bench, monkeypatch):
    monkeypatch.setenv("LIVEWALL_ADMIN_TOKEN", "planted")
    attempt = bench.start("sleep", "60", env={"PATH": os.environ["PATH"], "KEY": "hunter2"}, secrets=["hunter2"])
    process = Path(f"/proc/{bench.running(attempt)}")
    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert b"supervisor" in seen
    assert b"hunter2" not in seen and b"planted" not in seen and b"sleep" not in seen
    assert "hunter2" not in repr(Spec(argv=["x"], cwd="/", env={"KEY": "hunter2"}))
    attempt.cancel()


def test_the_supervisor_is_small(bench):
    attempt = bench.start("sleep", "60")
    # What it has for itself: the rest it shares with the spawner and with all other supervisors.
    memory = Path(f"/proc/{bench.running(attempt)}/smaps_rollup").read_text()
    own = sum(int(line.split()[1]) for line in memory.splitlines() if line.startswith("Private_"))
    assert own <= 6 << 10
    attempt.cancel()


def test_the_supervisor_needs_the_standard_library_only():
    script = """
import sys
sys.path.append(sys.argv[1])
import livewall.tasks.supervisor.run
print(*{name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__"})
"""
    root = Path(livewall.__file__).parents[1]
    command = [sys.executable, "-E", "-S", "-c", script, root]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.split() == ["livewall"]


def test_what_a_command_leaves_behind_is_ended_and_its_last_words_are_kept(bench):
    script = """
(trap 'echo last words; exit' TERM; touch $(sh -c 'echo $PPID'); while :; do sleep 0.01; done) &
while [ -z "$(ls)" ]; do sleep 0.01; done
echo done
"""
    end, output = bench.run("sh", "-c", script)
    assert (end.why, end.status) == ("exit", 0)
    assert output.startswith(b"done\n") and output.endswith(b"last words\n")  # a shell may say "Terminated" between
    assert not alive(bench.pids(1)[0])
