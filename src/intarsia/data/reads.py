"""Which samples training sees in which order, and how they are read: a broken file is an answer, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from intarsia.data.sample import Sample, SampleSource
from intarsia.errors import InputError

__all__ = ["Place", "PlainSamples", "ReadAttempt", "Steps", "VariedSamples"]


class Place(NamedTuple):
    """Where a sample stands in the endless sequence of training, and which image that is."""

    position: int
    image_index: int


class ReadAttempt(NamedTuple):
    """A sample, or None, and what was wrong with files on the way to it."""

    sample: Sample | None
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Steps:
    """The places of the samples of each step, as a batch sampler."""

    num_images: int
    batch_size: int
    seed: int
    start_step: int
    num_steps: int | None
    rank: int
    world_size: int

    def __iter__(self) -> Iterator[list[Place]]:
        epoch, order = -1, np.empty(0, np.int64)
        step = self.start_step
        while self.num_steps is None or step < self.num_steps:
            first = (step * self.world_size + self.rank) * self.batch_size
            places = []
            for position in range(first, first + self.batch_size):
                if position // self.num_images != epoch:
                    epoch = position // self.num_images
                    order = np.random.default_rng((self.seed, epoch)).permutation(self.num_images)
                places.append(Place(position, int(order[position % self.num_images])))
            yield places
            step += 1


@dataclass(frozen=True)
class VariedSamples(Dataset[ReadAttempt]):
    """The sample at a place, varied by what torch's generator gives after a seed made from the place."""

    dataset: SampleSource
    seed: int
    skip_broken: bool

    def __getitem__(self, place: Place) -> ReadAttempt:
        generator = torch.default_generator
        state = generator.get_state()
        broken: list[str] = []
        for attempt in range(len(self.dataset) if self.skip_broken else 1):
            generator.manual_seed(_seed_at(self.seed, place.position))
            try:
                sample = self.dataset[(place.image_index + attempt) % len(self.dataset)]
                return ReadAttempt(sample, tuple(broken))
            except InputError as error:
                broken.append(str(error))
            finally:
                generator.set_state(state)
        return ReadAttempt(None, tuple(broken))


@dataclass(frozen=True)
class PlainSamples(Dataset[ReadAttempt]):
    """The sample at an index, or what is wrong with it."""

    dataset: SampleSource

    def __getitem__(self, index: int) -> ReadAttempt:
        try:
            return ReadAttempt(self.dataset[index], ())
        except InputError as error:
            return ReadAttempt(None, (str(error),))


def _seed_at(seed: int, position: int) -> int:
    return int(np.random.SeedSequence((seed, position, 1)).generate_state(1, np.uint64)[0])
