"""Adding up what the processes of one run have measured."""

from __future__ import annotations

from typing import TypeVar

import torch.distributed as processes

from intarsia.metrics.tally import AbstractTally

Tally = TypeVar("Tally", bound=AbstractTally)


def merge_tallies(tally: Tally) -> Tally:
    """The tallies of all processes as one, the same on every process; alone, the tally itself.

    Every process of the default group has to call it. Each image has to be on one process only: a sampler
    that repeats images so that all processes get equally many counts them twice
    (`intarsia.data.loader.evaluation_loader` does not).

    Args:
        tally: Of this process; it stays as it is.

    Example:
        >>> from intarsia.metrics import PanopticQuality
        >>> from intarsia.panoptic import Categories
        >>> merge_tallies(PanopticQuality(Categories.named("facades"))).compute().all.n
        0
    """
    if not processes.is_available() or not processes.is_initialized():
        return tally
    tallies: list[Tally] = [tally] * processes.get_world_size()
    processes.all_gather_object(tallies, tally)  # pickled and back: none of them is `tally`
    first, *rest = tallies
    for other in rest:
        first.merge(other)
    return first
