"""A command that is killed while it works."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

CODE = "import sys; from intarsia.cli import main; sys.exit(main(sys.argv[1:]))"


def kill_at(moment_s: float, command: list[str], begun: Path) -> bool:
    """Start a command and kill it so long after it began to write; whether it was still running."""
    process = subprocess.Popen([sys.executable, "-c", CODE, *command], stdout=subprocess.DEVNULL)
    while process.poll() is None and not begun.exists():
        time.sleep(0.005)
    time.sleep(moment_s)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running
