"""How the layers differentiate a cut: at which steps lambda it is solved again, and on how many threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from intarsia._check import check_least, fail
from intarsia._threads import map_in_threads
from intarsia.cut import GridProblem

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """Robust multi-scale perturbation: the mean over several steps lambda, drawn uniformly from an interval.

    Source: Abbas and Swoboda 2021 (COPS), eq. (4); the defaults are theirs.

    Args:
        num_samples: How many lambda for each image and backward pass; N in the paper.
        lowest: Least lambda. One sample moves a gradient by 1 / lambda a pixel, so that from 1 on it stays
            in [-1, 1].
        highest: Largest lambda. Larger is smoother and more biased.

    Raises:
        ValueError: If there is no sample, or the interval is empty or not above zero.

    Example:
        >>> Perturbation(lowest=2.0, highest=2.0).draw(torch.Generator().manual_seed(0), 1)
        array([[2., 2., 2., 2., 2.]])
    """

    num_samples: int = 5
    lowest: float = 1.0
    highest: float = 5000.0

    def __post_init__(self) -> None:
        check_least("num_samples", self.num_samples, 1)
        if not 0 < self.lowest <= self.highest < np.inf:
            fail(
                "lowest", "above 0 and at most `highest`, which is finite", f"[{self.lowest}, {self.highest}]"
            )

    def draw(self, generator: torch.Generator, num_images: int) -> Float64[np.ndarray, "b n"]:
        """Steps of their own for every image.

        Example:
            >>> Perturbation().draw(torch.Generator().manual_seed(0), 3).shape
            (3, 5)
        """
        uniform = torch.rand(num_images, self.num_samples, generator=generator, dtype=torch.float64)
        return self.lowest + (self.highest - self.lowest) * uniform.numpy()


@dataclass(frozen=True, eq=False)
class CutGrid:
    """What the problems of a layer share: pairs of pixels, kinds of classes, threads.

    Args:
        offsets: (rows, columns) from a pixel to its neighbour, one a plane of the affinity costs.
        splittable: One flag a class.
        threads: How many problems at a time; None for one a core.

    Raises:
        ValueError: If threads is below 1.

    Example:
        >>> grid = CutGrid([(0, 1)], [True])
        >>> [problem.shape for problem in grid.problems(torch.zeros(2, 1, 3, 4), torch.zeros(2, 1, 3, 4))]
        [(3, 4), (3, 4)]
    """

    offsets: Sequence[tuple[int, int]]
    splittable: Sequence[bool]
    threads: int | None = None
    flags: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            fail("threads", "at least 1", self.threads)
        object.__setattr__(self, "flags", np.array([bool(flag) for flag in self.splittable], bool))

    @property
    def flat_offsets(self) -> list[int]:
        """Rows and columns in turn.

        Example:
            >>> CutGrid([(0, 1), (2, -3)], [True]).flat_offsets
            [0, 1, 2, -3]
        """
        return [int(step) for offset in self.offsets for step in offset]

    @property
    def num_threads(self) -> int:
        """Threads to use.

        Example:
            >>> CutGrid([], [True], threads=3).num_threads
            3
        """
        return self.threads or os.cpu_count() or 1

    def problems(self, node_costs: Tensor, affinity_costs: Tensor) -> list[GridProblem]:
        """One problem an image, in float32 on the CPU, without a copy if the costs are that already.

        Args:
            node_costs: Shaped (b, k, h, w).
            affinity_costs: Shaped (b, o, h, w).

        Raises:
            ValueError: If the costs are not finite, or do not fit each other, the offsets or the classes.

        Example:
            >>> CutGrid([], [True]).problems(torch.zeros(1, 1, 2, 2), torch.zeros(1, 0, 2, 2))[0].shape
            (2, 2)
        """
        if len(node_costs) != len(affinity_costs):
            fail(
                "affinity_costs",
                f"of as many images as `node_costs` ({len(node_costs)})",
                len(affinity_costs),
            )
        if not len(node_costs):
            fail("node_costs", "of at least one image", "none")
        nodes, edges = as_float32(node_costs), as_float32(affinity_costs)
        return [GridProblem(n, e, self.offsets, self.flags) for n, e in zip(nodes, edges, strict=True)]

    def map(self, work: Callable[..., T], *items: Iterable[Any]) -> list[T]:
        """What `work` returns for each item, computed in threads that live as long as the call.

        Example:
            >>> CutGrid([], [True], threads=2).map(abs, [-1, 2])
            [1, 2]
        """
        return map_in_threads(work, *items, workers=self.num_threads)


def grid_of(offsets: Sequence[int], splittable: Sequence[bool], threads: int) -> CutGrid:
    """The grid of flat offsets, rows and columns in turn; 0 threads are one a core.

    Example:
        >>> grid_of([0, 1, 1, 0], [True], 2).offsets
        [(0, 1), (1, 0)]
    """
    return CutGrid(list(zip(offsets[::2], offsets[1::2], strict=True)), splittable, threads or None)


@torch.library.custom_op(
    "intarsia::draw_steps",
    mutates_args={"state"},
    schema="(Tensor(a!) state, SymInt num_images, int num_samples, float lowest, float highest) -> Tensor",
)
def draw_steps(state: Tensor, num_images: int, num_samples: int, lowest: float, highest: float) -> Tensor:
    """What `Perturbation.draw` does, by a generator whose state is a tensor, which moves on.

    Example:
        >>> state = torch.Generator().manual_seed(0).get_state()
        >>> first, second = (draw_steps(state, 1, 1, 1.0, 5.0).item() for _ in range(2))
        >>> first != second
        True
    """
    generator = torch.Generator()
    generator.set_state(state)
    perturbation = Perturbation(num_samples=num_samples, lowest=lowest, highest=highest)
    steps = torch.from_numpy(perturbation.draw(generator, num_images))
    state.copy_(generator.get_state())
    return steps


@draw_steps.register_fake
def _(state: Tensor, num_images: int, num_samples: int, lowest: float, highest: float) -> Tensor:
    return torch.empty(num_images, num_samples, dtype=torch.float64)


def as_float32(values: Tensor) -> np.ndarray:
    """The values as a contiguous array of float32, a view if that is what they are.

    Example:
        >>> as_float32(torch.ones(2, dtype=torch.bfloat16))
        array([1., 1.], dtype=float32)
    """
    return values.detach().to("cpu", torch.float32).contiguous().numpy()
