"""What stands in the drawn street, each figure drawn from its feet up; `depth` is their y in the picture."""

from __future__ import annotations

import numpy as np

from intarsia.data.canvas import Canvas, Color, Point, one_of, shade, tint

GROUND, CURB = 0.60, 0.74
"""Where houses meet the sidewalk and the sidewalk the road, as a part of the height."""


def size_at(depth: float) -> float:
    """How large things are whose feet stand at a height in the picture; 1 at the curb."""
    return 0.55 + 0.45 * (depth / 256 - 0.5) / (CURB - 0.5)


def draw_tree(canvas: Canvas, rng: np.random.Generator, depth: float, id: int) -> None:
    """A trunk and a crown of many lights."""
    x, size = rng.uniform(0, canvas.units_wide), size_at(depth) * rng.uniform(0.8, 1.25)
    canvas.shadow(x, depth, 16 * size, 2.5 * size)
    foot, crown = depth, depth - 74 * size
    canvas.polygon(
        [(x - 3.5 * size, foot), (x + 3.5 * size, foot), (x + 2 * size, crown), (x - 2 * size, crown)],
        tint((92, 68, 50), rng, 8),
        id,
    )
    green = tint((78, 128, 58), rng, 16)
    for layer in range(26):
        angle, radius = rng.uniform(0, 2 * np.pi), 24 * size * rng.random() ** 0.5
        light = 0.75 + 0.018 * layer
        cx, cy = x + radius * np.cos(angle) * 1.1, crown + radius * np.sin(angle)
        canvas.disc(cx, cy, 11 * size, 9 * size, shade(tint(green, rng, 6), light), id)


def draw_car(canvas: Canvas, rng: np.random.Generator, depth: float, id: int) -> None:
    """A car from the side, facing either way."""
    x, size = rng.uniform(-20, canvas.units_wide + 20), 1.15 * size_at(depth)
    facing = rng.choice([-1.0, 1.0]) * size
    roof = rng.uniform(25, 30) if rng.random() < 0.75 else rng.uniform(34, 42)
    paint = one_of(
        [(178, 40, 40), (40, 80, 150), (220, 220, 222), (46, 48, 54), (60, 120, 84), (214, 160, 40)], rng
    )
    paint = tint(paint, rng, 14)

    def at(*points: Point) -> list[Point]:
        return [(x + facing * along, depth - size * up) for along, up in points]

    # body, roof, windows, sill, lamps, wheels
    canvas.shadow(x, depth, 42 * size, 3 * size)
    canvas.polygon(at((-38, 5), (38, 5), (39, 12), (35, 17), (18, 19), (-36, 20), (-39, 14)), paint, id)
    canvas.polygon(at((-32, 18), (22, 18), (9, roof), (-24, roof)), shade(paint, 0.92), id)
    canvas.polygon(at((-27, 19), (-5, 19), (-5, roof - 2), (-22, roof - 2)), (56, 70, 86), id)
    canvas.polygon(at((-3, 19), (18, 19), (8, roof - 2), (-3, roof - 2)), (72, 90, 108), id)
    canvas.polygon(at((-38, 5), (38, 5), (38.5, 8), (-38.5, 8)), shade(paint, 0.6), id)
    canvas.polygon(at((34, 13), (38, 12), (37, 16), (34, 16)), (250, 240, 190), id)
    canvas.polygon(at((-39, 13), (-36, 13), (-36, 17), (-38, 17)), (200, 30, 30), id)
    for along in (-24, 23):
        ((wheel_x, wheel_y),) = at((along, 6))
        canvas.disc(wheel_x, wheel_y, 7 * size, 7 * size, (26, 26, 28), id)
        canvas.disc(wheel_x, wheel_y, 3.4 * size, 3.4 * size, (150, 152, 156), id)


def draw_person(canvas: Canvas, rng: np.random.Generator, depth: float, id: int) -> None:
    """Somebody walking."""
    x, size = rng.uniform(0, canvas.units_wide), size_at(depth) * rng.uniform(0.85, 1.1)
    coat = tint(
        one_of([(190, 60, 50), (60, 90, 160), (230, 200, 90), (90, 60, 110), (60, 130, 110)], rng), rng, 25
    )
    trousers = tint(one_of([(40, 44, 70), (60, 56, 52), (110, 100, 90)], rng), rng, 10)
    skin = one_of([(232, 190, 160), (196, 144, 110), (120, 82, 60)], rng)
    stride = rng.uniform(1.5, 6)

    def part(color: Color, *points: Point) -> None:
        canvas.polygon([(x + size * along, depth - size * up) for along, up in points], color, id)

    canvas.shadow(x, depth, 8 * size, 1.6 * size)
    part(shade(trousers, 0.8), (-3.5, 22), (1, 22), (-stride + 2, 0), (-stride - 2, 0))
    part(trousers, (-1, 22), (3.5, 22), (stride + 2, 0), (stride - 2, 0))
    part(shade(coat, 0.75), (-4, 38), (-1, 38), (-4.5 - stride / 2, 20), (-7 - stride / 2, 21))
    part(coat, (-5, 39), (5, 39), (4.5, 20), (-4.5, 20))
    part(shade(coat, 0.85), (2, 38), (5.5, 38), (7 + stride / 2, 21), (4.5 + stride / 2, 20))
    canvas.disc(x, depth - 44.5 * size, 3.9 * size, 4.8 * size, skin, id)
    canvas.disc(x, depth - 47 * size, 4 * size, 3 * size, tint((60, 44, 34), rng, 25), id)


def draw_sign(canvas: Canvas, rng: np.random.Generator, depth: float, id: int) -> None:
    """A post with a round, a triangular or a square sign, or a traffic light."""
    x, size = rng.uniform(0, canvas.units_wide), size_at(depth)
    top = depth - 66 * size
    canvas.shadow(x, depth, 4 * size, 1.2 * size)
    canvas.box(x - 1.6 * size, top, x + 1.6 * size, depth, (150, 152, 156), id)
    # no entry, a warning, parking, or a traffic light
    kind = rng.integers(4)
    if kind == 0:
        canvas.disc(x, top, 9 * size, 9 * size, (200, 30, 36), id)
        canvas.box(x - 6 * size, top - 1.8 * size, x + 6 * size, top + 1.8 * size, (245, 245, 245), id)
    elif kind == 1:
        for scale, color in ((11.0, (200, 30, 36)), (7.0, (245, 245, 240))):
            reach = scale * size
            canvas.polygon(
                [(x - reach, top + 0.6 * reach), (x + reach, top + 0.6 * reach), (x, top - reach)], color, id
            )
    # parking; else a traffic light
    elif kind == 2:
        canvas.box(x - 8 * size, top - 8 * size, x + 8 * size, top + 8 * size, (36, 84, 170), id)
        canvas.box(x - 2 * size, top - 5 * size, x + 2 * size, top + 5 * size, (245, 245, 245), id)
    else:
        canvas.box(x - 5 * size, top - 14 * size, x + 5 * size, top + 14 * size, (40, 44, 40), id)
        for up, color in ((9, (230, 50, 40)), (0, (120, 100, 30)), (-9, (40, 110, 60))):
            canvas.disc(x, top - up * size, 3.4 * size, 3.4 * size, color, id)


def draw_bin(canvas: Canvas, rng: np.random.Generator, depth: float, id: int) -> None:
    """A bin."""
    x, size = rng.uniform(0, canvas.units_wide), size_at(depth)
    canvas.shadow(x, depth, 9 * size, 1.5 * size)
    canvas.box(x - 7 * size, depth - 22 * size, x + 7 * size, depth, (70, 80, 74), id)
    canvas.box(x - 8 * size, depth - 24 * size, x + 8 * size, depth - 20 * size, (50, 58, 54), id)
