"""Objects of any size: images are rescaled until their things are as large as those of the training."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from intarsia._check import fail
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.image_like import in_unit_range

__all__ = [
    "Diameter",
    "factor_of_picture",
    "predict_at_diameter",
    "rescale",
    "scale_factor",
    "second_look_holds",
    "typical_diameter_px",
]

Diameter: TypeAlias = float | Literal["auto"]
"""How large the things of an image are, in pixels; "auto" looks at the image first."""

Picture = UInt8[np.ndarray, "_ _ 3"] | Float32[np.ndarray, "_ _ 3"]
Predict = Callable[[Iterable[Picture]], Iterator[PanopticMap]]

MOST_TIMES = 8.0
"""How much larger or smaller an image becomes at most: further away a network sees only blur or nothing."""

ALIKE = 1.5
"""With "auto", things that differ from trained ones by less than this factor need no further look.

Two looks of nearly one scale see nearly the same. Where nobody asks for it a model has a factor of its own,
and a look its price: docs/decisions/0015-two-scales.md.
"""

HARDLY_LESS = 0.005
"""By how much the mean score of a second look may be lower: docs/decisions/0015-two-scales.md."""

MOST_ENLARGED_PX = 2**26
"""Where a look is to find the scale, no image is enlarged beyond this: 2 GB of the answers of `nuclei`."""


def typical_diameter_px(maps: Iterable[PanopticMap], categories: Categories) -> float | None:
    """Median over images of the median diameter of their things; None where no image shows a thing.

    The diameter of a thing is that of a disc of its area. The median of an image first, so that one crowded
    image does not speak for all.

    Args:
        maps: Of the images.
        categories: What the maps' categories mean.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> square = PanopticMap(np.ones((10, 10), np.int32), [Segment(1, category_id=1)])
        >>> round(typical_diameter_px([square], Categories.named("facades")), 2)
        11.28
    """
    of_images = []
    for panoptic_map in maps:
        things = [
            s.id for s in panoptic_map.segments if categories.is_thing[categories.index_of(s.category_id)]
        ]
        if things:
            areas = [panoptic_map.area(id) for id in things]
            of_images.append(2 * math.sqrt(float(np.median(areas)) / math.pi))
    return float(np.median(of_images)) if of_images else None


def scale_factor(diameter_px: float, trained_px: float | None) -> float:
    """By what an image is multiplied, so that things of `diameter_px` become as large as trained ones.

    Raises:
        ValueError: The model does not know how large its things were, or the factor is out of range.
    """
    if trained_px is None:
        hint = "Train it again, or leave `diameter` out."
        fail("diameter", "left to models that know how large their things were in training", "one", hint=hint)
    factor = trained_px / diameter_px if diameter_px > 0 else math.inf
    if not 1 / MOST_TIMES <= factor <= MOST_TIMES:
        least, most = trained_px / MOST_TIMES, trained_px * MOST_TIMES
        fail("diameter", f"from {least:.3g} to {most:.3g} pixels for this model", diameter_px)
    return factor


def rescale(picture: Picture, factor: float) -> Float32[np.ndarray, "_ _ 3"]:
    """The picture with height and width multiplied by a factor, antialiased, in [0, 1]."""
    height, width = (max(round(side * factor), 1) for side in picture.shape[:2])
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC))
        for plane in np.moveaxis(in_unit_range(picture), 2, 0)
    ]
    return np.ascontiguousarray(np.stack(planes, axis=2).clip(0, 1))


def factor_of_picture(
    predict: Predict,
    picture: Picture,
    diameter: Diameter,
    *,
    trained_px: float | None,
    categories: Categories,
    alike: float = ALIKE,
) -> float:
    """By what a picture is multiplied before the model sees it; 1 where "auto" finds it best as it is.

    Args:
        predict: The model on pictures as they are; for "auto".
        picture: As it is.
        diameter: Of its things.
        trained_px: The diameter that the model was trained on.
        categories: Those of the model.
        alike: By which factor found things may differ from trained ones without a second look, with "auto".

    Raises:
        ValueError: As `scale_factor`.
    """
    if diameter != "auto":
        return scale_factor(diameter, trained_px)
    known_px = _trained_diameter(trained_px)
    first = next(predict([picture]))
    return _climb(predict, picture, first, known_px, categories, alike)[1]


def predict_at_diameter(
    predict: Predict,
    pictures: Iterable[Picture],
    diameter: Diameter,
    *,
    trained_px: float | None,
    categories: Categories,
    alike: float = ALIKE,
) -> Iterator[PanopticMap]:
    """The maps of pictures, each in its own size, as the model sees them rescaled.

    Args:
        predict: The model on pictures as they are.
        pictures: As they are.
        diameter: Of the things in all of them. "auto" predicts a picture as it is, takes the median diameter
            of what it shows, and where that is far from the trained one looks at twice or half the scale, as
            long as what it sees then is as much, and hardly less sure.
        trained_px: The diameter that the model was trained on.
        categories: Those of the model.
        alike: By which factor found things may differ from trained ones without a second look, with "auto".

    Raises:
        ValueError: As `scale_factor`.
    """
    if diameter != "auto":
        yield from _at_factor(predict, pictures, scale_factor(diameter, trained_px))
        return
    known_px = _trained_diameter(trained_px)
    waiting: deque[Picture] = deque()

    def first_looks() -> Iterator[Picture]:
        for picture in pictures:
            waiting.append(picture)
            yield picture

    # the network goes on with the next picture while one is decoded, unless it is to look again
    for first in predict(first_looks()):
        picture = waiting.popleft()
        yield _climb(predict, picture, first, known_px, categories, alike)[0]


def second_look_holds(second: PanopticMap, first: PanopticMap, categories: Categories) -> bool:
    """Whether it finds as much as the first look and is hardly less sure: sum and mean of the things' scores.

    The sum alone speaks for things in pieces, the mean alone for the two or three that nobody doubts. Where
    both looks are about as good the scale of the training is trusted.

    Args:
        second: What the second look has found, in the size of the picture.
        first: What the first one has found in the same picture.
        categories: What the categories of both mean.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> whole = PanopticMap(np.array([[1, 1]]), [Segment(1, 1, score=0.9)])
        >>> pieces = PanopticMap(np.array([[1, 2]]), [Segment(1, 1, score=0.6), Segment(2, 1, score=0.6)])
        >>> facades = Categories.named("facades")
        >>> second_look_holds(whole, whole, facades), second_look_holds(pieces, whole, facades)
        (True, False)
    """
    things = categories.is_thing
    new, old = (
        [s.score for s in look.segments if things[categories.index_of(s.category_id)]]
        for look in (second, first)
    )
    if not old:
        return True
    if not new or sum(new) < sum(old):
        return False
    return statistics.fmean(new) >= statistics.fmean(old) - HARDLY_LESS


def _trained_diameter(trained_px: float | None) -> float:
    """The diameter that a model was trained on; refuses one that does not know."""
    scale_factor(trained_px or math.nan, trained_px)
    assert trained_px is not None
    return trained_px


def _climb(
    predict: Predict,
    picture: Picture,
    first: PanopticMap,
    trained_px: float,
    categories: Categories,
    alike: float,
) -> tuple[PanopticMap, float]:
    """The answer that holds after looks at twice or half the scale, again and again, and its factor.

    By octaves, since what is far from its training is measured badly, and seen best somewhat nearer to its
    own size than the median of the training says.
    """
    height, width = first.size
    most = min(MOST_TIMES, max(math.sqrt(MOST_ENLARGED_PX / (height * width)), 1.0))
    best, factor, step = first, 1.0, 0.0
    while True:
        seen_px = typical_diameter_px([best], categories)
        missing = 1.0 if seen_px is None else trained_px / (seen_px * factor)
        direction = 2.0 if missing > 1 else 0.5
        if 1 / alike < missing < alike or direction * step == 1:  # near enough, or back to where it was
            return best, factor
        step = direction
        if not 1 / MOST_TIMES <= factor * step <= most:
            return best, factor
        again = next(_at_factor(predict, [picture], factor * step))
        if not second_look_holds(again, best, categories):
            return best, factor
        best, factor = again, factor * step


def _at_factor(predict: Predict, pictures: Iterable[Picture], factor: float) -> Iterator[PanopticMap]:
    sizes: deque[tuple[int, int]] = deque()

    def rescaled_pictures() -> Iterator[Picture]:
        for picture in pictures:
            sizes.append((picture.shape[0], picture.shape[1]))
            yield rescale(picture, factor)

    for panoptic_map in predict(rescaled_pictures()):
        yield panoptic_map.resized(*sizes.popleft())
