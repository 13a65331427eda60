"""One command started many times, as `torchrun` and `srun` do: each process takes its share of the work."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import fail

__all__ = ["Rank"]

POLL_S = 0.5
BEAT_S = 5.0
PATIENCE_S = 300.0
"""How long a rank may show no life: more than a folder of several machines takes to show what one wrote."""


@dataclass(frozen=True)
class Rank:
    """Which of the processes this is.

    Attributes:
        number: From 0; the first joins what all made.
        count: How many there are.
        local_number: Among those of this machine.
        local_count: How many there are on this machine.
    """

    number: int
    count: int
    local_number: int = 0
    local_count: int = 1

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Rank | None:
        """As `RANK` and `WORLD_SIZE` say; None for a process that was started alone.

        Raises:
            ValueError: They contradict each other.

        Example:
            >>> Rank.of({"RANK": "1", "WORLD_SIZE": "4"})
            Rank(number=1, count=4, local_number=0, local_count=1)
            >>> Rank.of({}) is None
            True
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        words = [environment.get(name, default) for name, default in zip(names, "0101", strict=True)]
        if not all(word.isdecimal() for word in words):
            fail("RANK", "a whole number, as WORLD_SIZE", ", ".join(words))
        rank = cls(*map(int, words))
        if rank.number >= max(rank.count, 1):
            fail("RANK", f"below WORLD_SIZE, {rank.count}", rank.number)
        return rank if rank.count > 1 else None

    @property
    def threads(self) -> int:
        """Its share of the cores of this machine."""
        return max((os.cpu_count() or 1) // self.local_count, 1)

    def take_gpu(self) -> None:
        """See one GPU of this machine only, each process another, unless that was settled before."""
        num_gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
        if num_gpus > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(self.local_number % num_gpus)

    def share(self, num_parts: int) -> range:
        """The numbers of the parts that this rank does.

        Example:
            >>> list(Rank(1, 3).share(8))
            [1, 4, 7]
        """
        return range(self.number, num_parts, self.count)

    @contextlib.contextmanager
    def showing_life(self, folder: Path) -> Iterator[None]:
        """Touch a file of this rank in a folder that all see, again and again, as long as there is work.

        Raises:
            OSError: It cannot be written.
        """
        sign, stop = self._sign(folder, self.number), threading.Event()
        sign.touch()

        def beat() -> None:
            while not stop.wait(BEAT_S):
                with contextlib.suppress(OSError):
                    sign.touch()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            sign.unlink(missing_ok=True)

    def wait(
        self,
        parts_left: Callable[[], Collection[int]],
        folder: Path,
        *,
        tell: Callable[[int], object],
        pause: Callable[[], object] = lambda: time.sleep(POLL_S),
    ) -> None:
        """Wait until nothing is left of what the others do.

        The clocks of machines differ: a sign of life is that a file changes while it is looked at.

        Args:
            parts_left: The parts that are left.
            folder: Where the others show that they live.
            tell: Is called with the number of parts that are left when it changes.
            pause: Between one look and the next.

        Raises:
            ValueError: A rank that has parts left has ended, or shows no life for `PATIENCE_S` seconds.
        """
        before, signs = -1, dict[int, _Sign]()
        while remaining := parts_left():
            if len(remaining) != before:
                tell(len(remaining))
                before = len(remaining)
            for number in sorted({part % self.count for part in remaining}):
                sign = _Sign.at(self._sign(folder, number), signs.get(number))
                signs[number] = sign
                if sign.is_over and any(part % self.count == number for part in parts_left()):
                    hint = "The same command goes on with what is left."
                    got = f"rank {number} ended, with parts left to do: {len(remaining)}"
                    fail("RANK", "that of processes which all work to the end", got, hint=hint)
            pause()

    def _sign(self, folder: Path, number: int) -> Path:
        return folder / f"rank-{number}.alive"


@dataclass(frozen=True)
class _Sign:
    """The file of another rank: when it was written, and when that was first seen here."""

    written_ns: int | None
    first_seen_s: float
    is_over: bool = False

    @classmethod
    def at(cls, path: Path, before: _Sign | None) -> _Sign:
        try:
            written_ns = path.stat().st_mtime_ns
        except FileNotFoundError:
            written_ns = None
        now_s = time.monotonic()
        if before is None:
            return cls(written_ns, now_s)
        if written_ns != before.written_ns:
            return cls(written_ns, now_s, is_over=written_ns is None)
        return cls(written_ns, before.first_seen_s, is_over=now_s - before.first_seen_s > PATIENCE_S)
