"""Who does the work: one picture at a time, from a bounded queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from intarsia._check import fail
from intarsia.decoding.insight import PixelView, view_of_pixel
from intarsia.metrics import PanopticQuality
from intarsia.metrics.tally import or_null
from intarsia.panoptic import PanopticMap
from intarsia.serve.memory import SpareMemory
from intarsia.serve.models import ServedModel
from intarsia.serve.shelf import Shelf, Sight, Sitting
from intarsia.serve.takeaway import Takeaway, takeaway
from intarsia.serve.uploads import Limits, read_upload

__all__ = ["Agreement", "BusyError", "Desk"]

T = TypeVar("T")


class BusyError(Exception):
    """The queue is full; the text says so."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two models see the same: the PQ of one against the other, or why there is none."""

    pq: float | None
    remark: str


class Desk:
    """Models and sittings, and the turns in which they are worked on."""

    def __init__(
        self, models: Sequence[ServedModel], *, limits: Limits, max_bytes: int, max_waiting: int
    ) -> None:
        """One turn for models, two for reading and writing files; `max_waiting` may wait for each."""
        self.models = list(models)
        self.limits = limits
        self.shelf = Shelf(max_bytes=max_bytes)
        self.max_waiting = max_waiting
        self._turns = {"model": anyio.CapacityLimiter(1), "file": anyio.CapacityLimiter(2)}
        self._waiting = {"model": 0, "file": 0}
        self._spare = SpareMemory()

    @asynccontextmanager
    async def turn(self, kind: str) -> AsyncIterator[None]:
        """A turn at the models, or at reading and writing files.

        Raises:
            BusyError: Too many wait for it.
        """
        if self._waiting[kind] >= self.max_waiting:
            raise BusyError(f"{self.max_waiting} others are waiting here; try again in a moment.")
        self._waiting[kind] += 1
        try:
            async with self._turns[kind]:
                yield
        finally:
            self._waiting[kind] -= 1

    async def receive(self, content: bytes, name: str) -> tuple[str, Sitting]:
        """Read an upload, in a turn that the caller has; returns its token.

        Raises:
            ValueError: It is no picture.
        """
        picture = await self._do(lambda: read_upload(content, name, limits=self.limits))
        token = self.shelf.put(picture)
        return token, self.shelf.of(token)

    async def segment(self, token: str, sight: Sight) -> PanopticMap:
        """The map that a model makes of a picture; made once.

        Raises:
            ValueError: The picture is gone, there is no such model, or the diameter is not for it.
            BusyError: Too many wait.
        """
        sitting, model = self.shelf.of(token), self.model(sight)
        seen = sitting.maps.get(sight)
        if seen is not None:
            return seen
        return await self._once("model", lambda: self._segment(sitting, model, sight))

    async def look(self, token: str, sight: Sight, pixel: tuple[int, int]) -> PixelView:
        """What a pixel is to all others.

        Raises:
            ValueError: As `segment`, or the pixel is outside.
            BusyError: Too many wait.
        """
        sitting, model = self.shelf.of(token), self.model(sight)
        height, width = sitting.picture.pixels.shape[:2]
        if not (0 <= pixel[0] < height and 0 <= pixel[1] < width):
            fail("pixel", f"a row below {height} and a column below {width}", f"{pixel[0]},{pixel[1]}")

        def work() -> PixelView:
            panoptic_map = self._segment(sitting, model, sight)
            inside = sitting.insides.get(sight)
            if inside is None:
                inside = model.look_inside(sitting.picture.pixels, panoptic_map, sight.diameter)
                sitting.insides[sight] = inside
                self.shelf.settle()
            return view_of_pixel(inside, panoptic_map, model.categories, pixel=pixel)

        return await self._once("model", work)

    async def agreement(self, token: str, first: Sight, second: Sight) -> Agreement:
        """How far two models agree on a picture.

        Raises:
            ValueError: As `segment`.
            BusyError: Too many wait.
        """
        prediction, other = await self.segment(token, first), await self.segment(token, second)
        categories = self.model(first).categories
        if categories.names != self.model(second).categories.names:
            return Agreement(None, "They know different categories.")
        quality = PanopticQuality(categories)
        quality.update(prediction, other)
        pq = or_null(quality.compute().all.pq)
        return Agreement(pq, "" if pq is not None else "Neither sees a segment.")

    async def take(self, token: str, sight: Sight, kind: str) -> Takeaway:
        """A file to download.

        Raises:
            ValueError: As `segment`, or there is no such kind.
            BusyError: Too many wait.
        """
        panoptic_map = await self.segment(token, sight)
        picture, categories = self.shelf.of(token).picture, self.model(sight).categories
        return await self._once("file", lambda: takeaway(picture, panoptic_map, categories, kind=kind))

    async def _once(self, kind: str, work: Callable[[], T]) -> T:
        async with self.turn(kind):
            return await self._do(work)

    async def _do(self, work: Callable[[], T]) -> T:
        def work_and_tidy() -> T:
            try:
                return work()
            finally:
                self._spare.give_back()

        return await run_sync(work_and_tidy)

    def model(self, sight: Sight) -> ServedModel:
        """The model that looks.

        Raises:
            ValueError: There is none of its number.
        """
        if not 0 <= sight.model < len(self.models):
            fail("model", f"a number below {len(self.models)}", sight.model)
        return self.models[sight.model]

    def _segment(self, sitting: Sitting, model: ServedModel, sight: Sight) -> PanopticMap:
        """In a turn, so that nobody does the same meanwhile."""
        panoptic_map = sitting.maps.get(sight)
        if panoptic_map is None:
            panoptic_map = model.segment(sitting.picture.pixels, sight.diameter)
            sitting.maps[sight] = panoptic_map
            self.shelf.settle()
        return panoptic_map
