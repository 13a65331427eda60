"""Batches for training and evaluation, the same whatever the number of workers and wherever a run resumes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import DataLoader

from intarsia._check import check_least, fail
from intarsia.data.reads import PlainSamples, ReadAttempt, Steps, VariedSamples
from intarsia.data.sample import SampleSource
from intarsia.data.targets import Batch, collate, stacked_images
from intarsia.errors import InputError
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.input_size import InputSize

AnyBatch = TypeVar("AnyBatch")


@dataclass(frozen=True, eq=False)
class EvaluationBatch:
    """Images as in a training batch, each with its whole truth, which keeps its own size.

    Attributes:
        images: As the network sees them.
        truths: In the size of the image on disk.
        sizes: Height and width of each image in `images`, where the rest is padding.
        names: File names of the images.
        broken: What was wrong with files on the way, a sentence each.
    """

    images: Float[Tensor, "b 3 h w"]
    truths: list[PanopticMap]
    sizes: list[tuple[int, int]]
    names: list[str]
    broken: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def pin_memory(self) -> EvaluationBatch:
        """The same batch with its images in page-locked memory; torch's loader calls this."""
        return replace(self, images=self.images.pin_memory())


class TrainingLoader:
    """Training batches without end, or up to `num_steps`; iterate it once.

    Attributes:
        broken: What was wrong with the files passed over so far, a sentence each (with `skip_broken`).
    """

    def __init__(self, batches: Iterable[Batch | _Failure]) -> None:
        self._batches = batches
        self.broken: list[str] = []

    def __iter__(self) -> Iterator[Batch]:
        for batch in map(_unless_failed, self._batches):
            self.broken += [sentence for sentence in batch.broken if sentence not in self.broken]
            yield batch


class EvaluationLoader:
    """Every image once, in order, as far as it is this process's share.

    Attributes:
        broken: What was wrong with the files left out so far, a sentence each (with `skip_broken`).
    """

    def __init__(self, batches: Iterable[EvaluationBatch | _Failure], num_batches: int) -> None:
        self._batches = batches
        self._num_batches = num_batches
        self.broken: list[str] = []

    def __len__(self) -> int:
        return self._num_batches

    def __iter__(self) -> Iterator[EvaluationBatch]:
        self.broken = []
        for batch in map(_unless_failed, self._batches):
            self.broken += batch.broken
            if batch.names:
                yield batch


def training_loader(
    dataset: SampleSource,
    *,
    batch_size: int,
    seed: int,
    num_workers: int = 0,
    start_step: int = 0,
    num_steps: int | None = None,
    rank: int = 0,
    world_size: int = 1,
    skip_broken: bool = False,
    start_method: str | None = None,
) -> TrainingLoader:
    """Batches in which each image comes once per epoch, in an order and with variations that the seed fixes.

    Sample number p of the whole sequence depends on the seed and p alone. So a continued run sees the batches
    of an unbroken one, nothing is decoded to get there, and workers and processes only share out the work.

    Args:
        dataset: With the transform that varies its samples; the transform draws from torch's generator.
        batch_size: Samples in one batch of one process.
        seed: Fixes the order and the variations.
        num_workers: Processes that read ahead; 0 reads in this one.
        start_step: Steps that were done before; the first batch is that of this step.
        num_steps: The step to end before, counted from the beginning of the run; None never ends.
        rank: Of this process among `world_size` that train together; 0 for one that trains alone.
        world_size: How many processes train together; 1 for one alone.
        skip_broken: Take the next image instead of a broken one and report it in `.broken`.
        start_method: How workers start: "fork", "spawn" or "forkserver"; None is Python's default.

    Raises:
        ValueError: `batch_size` or `rank` is out of range. While iterating: a file is broken.
    """
    _check_shares(batch_size, rank, world_size)
    steps = Steps(len(dataset), batch_size, seed, start_step, num_steps, rank, world_size)
    batches = DataLoader(
        VariedSamples(dataset, seed, skip_broken),
        batch_sampler=steps,
        collate_fn=partial(_training_batch, categories=dataset.categories),
        num_workers=num_workers,
        pin_memory=torch.cuda.is_available(),
        multiprocessing_context=start_method if num_workers else None,
    )
    return TrainingLoader(cast(Iterable[Batch | _Failure], batches))


def evaluation_loader(
    dataset: SampleSource,
    *,
    size: str = "",
    batch_size: int = 1,
    num_workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    skip_broken: bool = False,
    start_method: str | None = None,
) -> EvaluationLoader:
    """Each image once with its whole truth; of several processes each gets every `world_size`-th image.

    Args:
        dataset: Usually without a transform, so that the truth has its own size.
        size: In which the network sees the images, as in `InputSize`; "" is their own. Truths keep theirs.
        batch_size: Images in a batch; smaller ones are padded.
        num_workers: Processes that read ahead; 0 reads in this one.
        rank: Of this process among `world_size`; 0 for one alone.
        world_size: How many processes evaluate together; 1 for one alone.
        skip_broken: Leave broken files out and report them in `.broken`.
        start_method: How workers start: "fork", "spawn" or "forkserver"; None is Python's default.

    Raises:
        ValueError: `batch_size` or `rank` is out of range, or `size` is none. While iterating: a file is
            broken.
    """
    _check_shares(batch_size, rank, world_size)
    mine = list(range(rank, len(dataset), world_size))
    shares = [mine[start : start + batch_size] for start in range(0, len(mine), batch_size)]
    batches = DataLoader(
        PlainSamples(dataset),
        batch_sampler=shares,
        collate_fn=partial(_evaluation_batch, size=InputSize(size), skip_broken=skip_broken),
        num_workers=num_workers,
        pin_memory=torch.cuda.is_available(),
        multiprocessing_context=start_method if num_workers else None,
    )
    return EvaluationLoader(cast(Iterable[EvaluationBatch | _Failure], batches), len(shares))


class _Failure(NamedTuple):
    """What stops the loading; workers send it, because torch puts a traceback into what they raise."""

    sentence: str


def _unless_failed(batch: AnyBatch | _Failure) -> AnyBatch:
    if isinstance(batch, _Failure):
        raise InputError(batch.sentence)
    return batch


def _training_batch(attempts: Sequence[ReadAttempt], categories: Categories) -> Batch | _Failure:
    for attempt in attempts:
        if attempt.sample is None:
            return _Failure(attempt.broken[0])
    batch = collate([attempt.sample for attempt in attempts if attempt.sample is not None], categories)
    return replace(batch, broken=tuple(sentence for attempt in attempts for sentence in attempt.broken))


def _evaluation_batch(
    attempts: Sequence[ReadAttempt], size: InputSize, skip_broken: bool
) -> EvaluationBatch | _Failure:
    samples = [attempt.sample for attempt in attempts if attempt.sample is not None]
    if len(samples) < len(attempts) and not skip_broken:
        return _Failure(next(attempt.broken[0] for attempt in attempts if attempt.sample is None))
    images = [_resize(sample.image, size) for sample in samples]
    return EvaluationBatch(
        images=stacked_images(images) if images else torch.zeros(0, 3, 1, 1),
        truths=[sample.panoptic_map() for sample in samples],
        sizes=[(image.shape[1], image.shape[2]) for image in images],
        names=[sample.name for sample in samples],
        broken=tuple(sentence for attempt in attempts for sentence in attempt.broken),
    )


def _resize(image: UInt8[Tensor, "3 _ _"], size: InputSize) -> UInt8[Tensor, "3 _ _"]:
    if not size.text:
        return image
    resized = np.array(size.resized(image.movedim(0, 2).numpy()))  # h w 3
    return torch.from_numpy(resized).movedim(2, 0)


def _check_shares(batch_size: int, rank: int, world_size: int) -> None:
    check_least("batch_size", batch_size, 1)
    if not 0 <= rank < world_size:
        fail("rank", f"in [0, {world_size})", rank)
