"""One command started many times, as `torchrun` and `srun` do: each process takes its share of the work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import fail

__all__ = ["Rank"]

POLL_S = 0.5


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

    def wait(
        self,
        num_left: Callable[[], int],
        *,
        tell: Callable[[int], object],
        pause: Callable[[], object] = lambda: time.sleep(POLL_S),
    ) -> None:
        """Wait until nothing is left of what the others do.

        Args:
            num_left: How much is left.
            tell: Is called with it when it changes.
            pause: Between one look and the next.
        """
        before = -1
        while left := num_left():
            if left != before:
                tell(left)
                before = left
            pause()
