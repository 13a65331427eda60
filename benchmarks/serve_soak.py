"""Does the web page bear strangers? Uploads of pictures and of rubbish from several clients at once.

    python benchmarks/serve_soak.py [--uploads 2000] [--clients 4]

Starts `intarsia serve` as a user does, and prints how many uploads were seen, refused and put off, how many
answers were faults of ours, how long an upload took, and the memory of the server as it went on: after each
eighth, the median and the most of what was seen when its uploads ended, while others were being worked on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.serve.uploads import HOSTILE, encoded, photo

KINDS = sorted(HOSTILE)
SIZES = ((64, 96), (120, 160), (1, 300), (240, 320))


def upload(client: httpx.Client, number: int) -> tuple[str, float]:
    """One upload and what a person would do with it: segments, a click, a file."""
    begin = time.perf_counter()
    good = number % 2 == 0
    size = SIZES[number // 2 % len(SIZES)]
    content = encoded(photo(size, seed=number)) if good else HOSTILE[KINDS[number // 2 % len(KINDS)]]()
    answer = client.post("/api/pictures", params={"name": f"{number}.png"}, content=content)
    if answer.status_code == 200 and good:
        base = f"/api/pictures/{answer.json()['token']}/maps/{number // 2 % 2}"
        for verb, path in (
            ("POST", base),
            ("GET", f"{base}/pixel?row=0&column=0"),
            ("GET", f"{base}/files/labels"),
        ):
            answer = client.request(verb, path)
            if answer.status_code != 200:
                break
    kind = {200: "seen", 400: "refused", 404: "made room", 503: "put off"}.get(answer.status_code, "FAULT")
    if (answer.status_code == 400 and good) or (answer.status_code == 200 and not good):
        kind = "WRONG"
    return kind, time.perf_counter() - begin


def memory_mb(process: int) -> float:
    """Resident memory; Linux only."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--uploads", type=int, default=2000)
    options.add_argument("--clients", type=int, default=4)
    wanted = options.parse_args()
    command = [
        sys.executable,
        "-c",
        "from intarsia.cli import main; main()",
        "serve",
        "facades",
        "facades-embedding",
    ]
    with subprocess.Popen(
        [*command, "--port", "0", "--memory-mb", "64"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[3]
        counts: dict[str, int] = {}
        seconds: list[float] = []
        memory: list[float] = []
        step = max(wanted.uploads // 8, 1)
        client = httpx.Client(base_url=address, timeout=120, trust_env=False)
        with client, ThreadPoolExecutor(wanted.clients) as pool:
            work = pool.map(lambda number: upload(client, number), range(wanted.uploads))
            for number, (kind, took) in enumerate(work, start=1):
                counts[kind] = counts.get(kind, 0) + 1
                seconds.append(took)
                memory.append(memory_mb(server.pid))
                if number % step == 0:
                    last = memory[-step:]
                    middle, most = np.median(last), max(last)
                    print(f"{number:6} uploads  {middle:5.0f} MB, at most {most:5.0f} MB", flush=True)
        server.terminate()
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    print(f"median {1e3 * np.median(seconds):.0f} ms, slowest {max(seconds):.1f} s, {wanted.clients} clients")
    sys.exit(bool(counts.get("FAULT", 0) + counts.get("WRONG", 0)))


if __name__ == "__main__":
    main()
