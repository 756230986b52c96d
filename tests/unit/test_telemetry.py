"""The page of several workers together: of one that was killed, what it counted stays, and what it was is gone."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from service.telemetry import MULTIPROCESS_VARIABLE

_KILLED = """
import os, signal
from service.telemetry import Telemetry
here = Telemetry()
here.timer_holder.set(1)
here.database_away.set(1)
here.timer_measured.inc(2)
os.kill(os.getpid(), signal.SIGKILL)
"""
_ALIVE = """
from service.telemetry import Telemetry
here = Telemetry()
here.timer_holder.set(1)
here.timer_measured.inc(3)
print(here.render().decode())
"""


def worker(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {MULTIPROCESS_VARIABLE: str(folder)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_a_killed_worker_leaves_its_counts_and_no_state(tmp_path: Path) -> None:
    assert worker(tmp_path, _KILLED).returncode == -signal.SIGKILL
    page = worker(tmp_path, _ALIVE).stdout
    assert re.findall(r"^frontline_timer_measured_total (\S+)$", page, re.MULTILINE) == ["5.0"]
    assert re.findall(r"^frontline_timer_holder (\S+)$", page, re.MULTILINE) == ["1.0"]
    assert re.findall(r"^frontline_database_away (\S+)$", page, re.MULTILINE) == ["0.0"]
