"""A drawn street: houses, trees, cars, people and signs that stand in front of each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail
from intarsia.data.canvas import Canvas, develop, one_of, shade, tint
from intarsia.data.street_figures import (
    CURB,
    GROUND,
    draw_bin,
    draw_car,
    draw_person,
    draw_sign,
    draw_tree,
)
from intarsia.panoptic import VOID_ID, Categories, Category, PanopticMap

STREET_CATEGORIES = Categories(
    [
        Category(1, "road", False, (128, 64, 128)),
        Category(2, "sidewalk", False, (200, 130, 190)),
        Category(3, "building", False, (110, 110, 120)),
        Category(4, "vegetation", False, (107, 142, 35)),
        Category(5, "sky", False, (70, 130, 180)),
        Category(6, "car", True, (30, 60, 200)),
        Category(7, "person", True, (220, 20, 60)),
        Category(8, "traffic sign", True, (240, 210, 40)),
    ]
)
ROAD, SIDEWALK, BUILDING, VEGETATION, SKY, CAR, PERSON, SIGN = range(1, 9)
Figure = Callable[[Canvas, np.random.Generator, float, int], None]


def street_scene(
    seed: int, *, height: int = 256, width: int = 512
) -> tuple[UInt8[np.ndarray, "h w 3"], PanopticMap]:
    """A street seen from across it, with textures, shadows and occlusion.

    Nearer things are larger and cover farther ones; a bin that no category fits is void.

    Args:
        seed: Fixes the picture.
        height: In pixels, at least 32.
        width: In pixels, at least 32.

    Returns:
        The image and its map, categories of `STREET_CATEGORIES`.

    Raises:
        ValueError: The picture is too small.

    Example:
        >>> image, truth = street_scene(seed=0)
        >>> image.shape, sorted({segment.category_id for segment in truth.segments})
        ((256, 512, 3), [1, 2, 3, 4, 5, 6, 7, 8])
    """
    if min(height, width) < 32:
        fail("size", "at least 32x32", f"{height}x{width}")
    rng = np.random.default_rng(seed)
    canvas = Canvas(height, width)
    _draw_backdrop(canvas, rng)
    for depth, draw, category_id in _cast(canvas, rng):
        draw(canvas, rng, depth, _segment_id(canvas, category_id))
    ids = canvas.ids_at_pixels()
    image = develop(canvas.picture_at_pixels(), ids, rng)
    return image, PanopticMap.keeping_visible(ids, canvas.segments)


def _cast(canvas: Canvas, rng: np.random.Generator) -> list[tuple[float, Figure, int]]:
    """What stands in the street with the y of its feet, the farthest first."""
    per_width = canvas.units_wide / 512
    casting: list[tuple[Figure, int, float, float, float]] = [
        (draw_tree, VEGETATION, 3, GROUND + 0.01, CURB - 0.03),
        (draw_person, PERSON, 5, GROUND + 0.02, CURB),
        (draw_sign, SIGN, 2.5, GROUND + 0.05, CURB),
        (draw_bin, VOID_ID, 0.7, GROUND + 0.03, CURB - 0.02),
        (draw_car, CAR, 3.5, CURB + 0.04, 0.97),
        (draw_person, PERSON, 1.5, CURB, 0.99),
    ]
    cast = [
        (256 * rng.uniform(far, near), draw, category_id)
        for draw, category_id, mean, far, near in casting
        for _ in range(max(1, rng.poisson(mean * per_width)))
    ]
    return sorted(cast, key=lambda row: row[0])


def _segment_id(canvas: Canvas, category_id: int) -> int:
    """A new segment for a thing, the one there is for stuff, void for what has no category."""
    if category_id == VOID_ID:
        return VOID_ID
    if STREET_CATEGORIES[STREET_CATEGORIES.index_of(category_id)].is_thing:
        return canvas.new_segment(category_id)
    return next(segment.id for segment in canvas.segments if segment.category_id == category_id)


def _draw_backdrop(canvas: Canvas, rng: np.random.Generator) -> None:
    wide, ground, curb = canvas.units_wide, 256 * GROUND, 256 * CURB
    sky, building, vegetation, sidewalk, road = map(
        canvas.new_segment, (SKY, BUILDING, VEGETATION, SIDEWALK, ROAD)
    )
    # sky with clouds
    canvas.box(0, 0, wide, ground, tint((150, 190, 230), rng, 25), sky)
    for _ in range(rng.integers(2, 6)):
        x, y = rng.uniform(0, wide), rng.uniform(8, 60)
        for _ in range(6):
            canvas.disc(
                x + rng.normal(0, 22), y + rng.normal(0, 4), rng.uniform(10, 26), 6, (226, 232, 240), sky
            )
    # houses with gaps, and hedges before them
    left = -rng.uniform(0, 60)
    while left < wide:
        right = left + rng.uniform(60, 130)
        if rng.random() < 0.85:
            _draw_house(canvas, rng, left, right, building)
        left = right + (rng.uniform(8, 30) if rng.random() < 0.3 else 0)
    _draw_hedges(canvas, rng, vegetation)
    # sidewalk with its joints
    canvas.box(0, ground, wide, curb, tint((176, 168, 160), rng, 12), sidewalk)
    for x in np.arange(-rng.uniform(0, 24), wide, 24):
        canvas.polygon(
            [(x, ground), (x + 0.7, ground), (x - 5.3, curb), (x - 6.3, curb)], (140, 134, 128), sidewalk
        )
    # road with a curb and a broken line
    canvas.box(0, curb, wide, 256, tint((84, 84, 90), rng, 12), road)
    canvas.box(0, curb, wide, curb + 1.6, (205, 202, 196), sidewalk)
    for x in np.arange(-rng.uniform(0, 70), wide, 70):
        canvas.polygon([(x, 223), (x + 36, 223), (x + 34, 227), (x - 3, 227)], (214, 214, 206), road)


def _draw_house(canvas: Canvas, rng: np.random.Generator, left: float, right: float, id: int) -> None:
    top, ground = rng.uniform(20, 85), 256 * GROUND
    wall = tint(one_of([(196, 164, 128), (172, 92, 76), (206, 196, 172), (140, 150, 160)], rng), rng, 14)
    canvas.box(left, top, right, ground, wall, id)
    if rng.random() < 0.5:
        middle = (left + right) / 2
        canvas.polygon(
            [(left - 3, top), (right + 3, top), (middle, top - rng.uniform(14, 30))], (120, 70, 60), id
        )
    canvas.box(left - 1, top, right + 1, top + 3, shade(wall, 0.7), id)
    columns = max(2, int((right - left) / 26))
    pitch = (right - left) / columns
    for y in np.arange(top + 10, ground - 18, 24):
        for column in range(columns):
            x = left + (column + 0.28) * pitch
            glass = (250, 224, 150) if rng.random() < 0.12 else tint((74, 92, 116), rng, 14)
            canvas.box(x - 1, y - 1, x + 0.44 * pitch + 1, y + 15, shade(wall, 1.18), id)
            canvas.box(x, y, x + 0.44 * pitch, y + 14, glass, id)
            canvas.box(x + 0.21 * pitch, y, x + 0.23 * pitch, y + 14, shade(wall, 1.18), id)
    door = left + rng.uniform(0.2, 0.7) * (right - left)
    canvas.box(door, ground - 24, door + 12, ground, tint((90, 60, 50), rng, 20), id)


def _draw_hedges(canvas: Canvas, rng: np.random.Generator, id: int) -> None:
    for _ in range(rng.integers(1, 4)):
        left, ground = rng.uniform(-20, canvas.units_wide), 256 * GROUND
        for x in np.arange(left, left + rng.uniform(30, 90), 4):
            canvas.disc(x, ground - 6 + rng.normal(0, 1.5), 6, 9, tint((58, 104, 50), rng, 14), id)
