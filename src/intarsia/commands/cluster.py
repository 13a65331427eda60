"""The same work for each of many items, on the machines of a Ray cluster; results come back in order.

A worker that is killed loses nothing: Ray Data starts another and gives it the items that were not finished.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from intarsia._check import fail
from intarsia.errors import InputError

__all__ = ["Cluster", "ClusterAddress"]

T = TypeVar("T")
R = TypeVar("R")

MAX_ATTEMPTS = 5
"""How often a piece of work may lose its worker; more, and the work is what kills it."""
MAX_BLOCKS = 4000
"""Pieces into which Ray Data divides the items: what it keeps books about."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anyone
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_raylet_start_wait_time_s": "120",  # a busy machine needs more than 30
}
"""Told to Ray before it is imported."""
CHATTER = b"Set ray log level from environment variable"
"""What Ray says of `QUIET` before it heeds it."""
HINT = "`local` starts one on this machine, `auto` takes the one that this machine is part of."


def _address(words: list[str]) -> str | None:
    if words == ["None"]:
        return None
    return words[0] if len(words) == 1 else "auto" if not words else fail("cluster", "one address", words)


ClusterAddress = Annotated[
    str | None,
    tyro.conf.arg(metavar="[ADDRESS]"),
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="[ADDRESS]",
        instance_from_str=_address,
        is_instance=lambda value: value is None or isinstance(value, str),
        str_from_instance=lambda value: [str(value)],
    ),
]
"""An option that may stand alone: then the cluster that this machine is part of, or else one of its own."""


@dataclass(frozen=True)
class Cluster:
    """Which cluster of Ray does the work, and how much of it.

    Attributes:
        address: HOST:PORT of a Ray cluster; "auto" for the one that this machine is part of, and where there
            is none a new one on this machine; "local" for a new one.
        workers: Processes at once; None for one each GPU, and where there are none one each `num_cpus`.
        num_cpus: Cores that a worker computes with; 1 lets a machine have as many workers as cores.
        wants_gpu: Whether a worker takes a GPU, where there are any.

    Raises:
        ValueError: The address is none, or a number is below 1.
    """

    address: str
    workers: int | None = None
    num_cpus: int = 1
    wants_gpu: bool = False

    def __post_init__(self) -> None:
        if self.address not in ("auto", "local") and ":" not in self.address:
            fail("cluster", "HOST:PORT of a Ray cluster", repr(self.address), hint=HINT)
        for name in ("workers", "num_cpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                fail(name, "at least 1", value)

    def in_order(
        self,
        function: Callable[[T], R],
        items: Sequence[T],
        *,
        description: str,
        size: Callable[[T], int] = lambda item: 1,
        group: int = 1,
    ) -> Iterator[tuple[T, R]]:
        """Each item with its result, in order.

        Args:
            function: Sent to each worker once, and kept by it from item to item.
            items: Sent in groups of neighbours.
            description: Of the bar.
            size: How far an item brings the bar.
            group: How many a worker is given at once: more for small ones.

        Raises:
            ValueError: No such cluster, Ray is not installed, or what the function raises.
        """
        from rich.console import Console
        from rich.progress import Progress

        if not items:
            return
        with _ray_cluster(self.address) as ray, Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(description, total=sum(map(size, items)))
            groups = [items[start : start + group] for start in range(0, len(items), group)]
            for group_items, (error, results) in zip(
                groups, self._results(ray, function, groups), strict=True
            ):
                if error is not None:
                    raise error
                bar.update(task, advance=sum(map(size, group_items)))
                yield from zip(group_items, results, strict=True)

    def _results(self, ray: Any, function: Callable[[T], R], items: Sequence[Sequence[T]]) -> Iterator[Any]:
        # as many workers as there are GPUs, or shares of CPUs
        resources = ray.cluster_resources()
        num_gpus = int(resources.get("GPU", 0)) if self.wants_gpu else 0
        places = num_gpus or max(int(resources.get("CPU", 1)) // self.num_cpus, 1)
        attempts = ray.remote(num_cpus=0, max_restarts=-1)(_AttemptCounts).remote()
        # items go to workers that keep what they loaded
        data = ray.data.from_items(
            [{"number": n, "item": _dumps(item)} for n, item in enumerate(items)],
            override_num_blocks=min(len(items), MAX_BLOCKS),
        )
        results = data.map(
            _Worker,
            fn_constructor_args=(_dumps(function), attempts),
            compute=ray.data.ActorPoolStrategy(size=min(self.workers or places, len(items))),
            num_cpus=self.num_cpus,
            num_gpus=1 if num_gpus else 0,
        )
        # as they come; a lost worker's items are done again
        try:
            for row in results.iter_rows():
                yield pickle.loads(row["result"])
        except ray.exceptions.RayError as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise InputError(f"The cluster could not finish the work: {reason}") from error


class _AttemptCounts:
    """Counts how often each item was begun: a worker that is killed cannot say so itself."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def add(self, number: int) -> int:
        self.counts[number] = self.counts.get(number, 0) + 1
        return self.counts[number]


class _Worker:
    """What a process of the cluster holds: the function, with all that it has loaded."""

    def __init__(self, function: bytes, attempts: Any) -> None:
        self.function = pickle.loads(function)
        self.attempts = attempts

    def __call__(self, row: dict[str, Any]) -> dict[str, bytes]:
        ray: Any = importlib.import_module("ray")
        number = int(row["number"])
        outcome: tuple[InputError | None, Any]
        try:
            if ray.get(self.attempts.add.remote(number)) > MAX_ATTEMPTS:
                raise InputError(f"Part {number + 1} of the work killed its worker {MAX_ATTEMPTS} times.")
            outcome = None, [self.function(item) for item in pickle.loads(row["item"])]
        except InputError as error:
            outcome = error, None
        return {"result": _dumps(outcome)}


@contextlib.contextmanager
def _errors_without(chatter: bytes) -> Iterator[None]:
    """What this process writes to the terminal as errors comes at the end, but for lines with these words.

    Native code writes past `sys.stderr`, so that it is the file behind it that is put aside.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            aside.seek(0)
            for line in aside:
                if chatter not in line:
                    os.write(2, line)


def _dumps(value: object) -> bytes:
    """What `pickle.loads` reads; functions that are no module's travel as their code."""
    return importlib.import_module("ray.cloudpickle").dumps(value)


@contextlib.contextmanager
def _ray_cluster(address: str) -> Iterator[Any]:
    """Ray, quiet; a cluster that was started for this is stopped at the end."""
    # Ray reads these when it is imported
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("ray", "pyarrow", "pandas"):
            raise
        fail("cluster", "used with its extra", f"no {error.name}", hint="pip install 'intarsia[cluster]'")
    # a cluster that runs already belongs to somebody else
    mine = not ray.is_initialized()
    if mine:
        try:
            with _errors_without(CHATTER):
                ray.init(
                    address=None if address == "auto" else address,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    configure_logging=True,
                )
        except Exception as error:  # Ray raises almost anything
            fail("cluster", "a Ray cluster that can be reached", f"{address} ({str(error).splitlines()[0]})")
    # nothing is printed but what the command says
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    try:
        yield ray
    finally:
        if mine:
            ray.shutdown()
