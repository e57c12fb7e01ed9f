"""A Python that lacks what Livewall needs says so, and what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("start", [["server.py"], ["-m", "livewall"]], ids=" ".join)
def test_outside_its_environment_it_says_which_module_is_missing(start):
    # -S leaves out the folder in which this environment has its packages.
    done = subprocess.run([sys.executable, "-S", *start], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "which Livewall needs" in done.stderr and "make demo" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("package", ["h11", "wsproto"])
def test_a_rehearsal_says_which_package_an_older_environment_lacks(package):
    start = f"import sys; sys.modules[{package!r}] = None; from livewall.cli import main; main(['rehearse', '--clean'])"
    done = subprocess.run([sys.executable, "-c", start], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"does not have {package}, which Livewall needs" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_without_celery_the_command_and_the_step_say_what_to_install():
    hide = "import sys; sys.modules['celery'] = None; "
    watch = hide + "from livewall.cli import main; main(['celery', 'watch', '--broker', 'redis://127.0.0.1:1/0'])"
    given = "{'broker': 'CELERY_BROKER_URL', 'backend': 'CELERY_BROKER_URL'}"
    step = hide + f"from livewall.tasks.programs import celery_task; celery_task.Workers({given})"
    for start in (watch, step):
        done = subprocess.run([sys.executable, "-c", start], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "pip install '.[celery]'" in done.stderr.splitlines()[-1]


def test_only_what_needs_celery_imports_it():
    start = (
        "import sys, server, livewall.app, livewall.celery, livewall.cli.celery\n"
        "from livewall.tasks.kinds import kinds; kinds()\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('celery', 'kombu', 'redis')])"
    )
    done = subprocess.run([sys.executable, "-c", start], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
