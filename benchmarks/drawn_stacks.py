"""Stacks of pages with known truth in three dimensions, drawn from real pictures of nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8
from scipy import ndimage

from intarsia.panoptic import Categories, PanopticMap

PAGES_OF_A_RADIUS = 4.0  # of the median nucleus
TRIES = 8


@dataclass(frozen=True, eq=False)
class DrawnStack:
    """Pages as a microscope would see them, and which nucleus each voxel belongs to, 0 for none."""

    pages: UInt8[np.ndarray, "d h w 3"]
    truth: Int32[np.ndarray, "d h w"]


@dataclass(frozen=True, eq=False)
class Nucleus:
    """One nucleus of a picture: where it is, its pixels, and their brightness above the ground around it."""

    corner: tuple[int, int]
    mask: Bool[np.ndarray, "h w"]
    light: Float[np.ndarray, "h w 3"]

    @property
    def radius(self) -> float:
        """Of the disc of its area, in pixels."""
        return float(np.sqrt(self.mask.sum() / np.pi))


def drawn_stack(
    picture: UInt8[np.ndarray, "h w 3"],
    panoptic_map: PanopticMap,
    categories: Categories,
    *,
    num_pages: int,
    seed: int,
) -> DrawnStack:
    """A stack whose sections are the nuclei of a picture and, at other depths, of its mirror image.

    A nucleus becomes a ball as high as it is wide, with a centre at random: at a height of u radii its
    section is the picture of it, smaller by sqrt(1 - u^2) and dimmer as it ends. Two nuclei that touch in
    the picture mostly touch on some of the pages; what would lie in another nucleus is left out. Between
    pages lies a quarter of the radius of the median nucleus. The ground is the picture's without its nuclei,
    with new noise on every page.

    Args:
        picture: 8-bit RGB.
        panoptic_map: Its truth.
        categories: What the map's category ids mean.
        num_pages: Of the stack.
        seed: Of centres and noise.
    """
    random = np.random.default_rng(seed)
    image = picture.astype(np.float64)
    number = panoptic_map.instances(categories)
    ground = _ground(image, number > 0)
    noise = max(1.0, float(np.std((image - ndimage.gaussian_filter(image, (1, 1, 0)))[number == 0])))
    nuclei = _nuclei(image - ground, number)
    mirrored = _nuclei((image - ground)[:, ::-1], number[:, ::-1])
    spacing = float(np.median([nucleus.radius for nucleus in nuclei])) / PAGES_OF_A_RADIUS
    pages = np.repeat(ground[None], num_pages, axis=0)
    truth = np.zeros((num_pages, *number.shape), np.int32)
    for nucleus in [*nuclei, *mirrored]:
        for _ in range(TRIES):
            sections = _sections(nucleus, random.uniform(0, num_pages - 1), spacing, num_pages)
            if sections and _place(sections, pages, truth, 1 + int(truth.max())):
                break
    pages += random.normal(0, noise, size=pages.shape[:3])[..., None]
    return DrawnStack(pages.clip(0, 255).round().astype(np.uint8), truth)


def _ground(image: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """The picture with its nuclei painted over by the nearest ground, smoothed."""
    wide = ndimage.binary_dilation(covered, iterations=2)
    if wide.all():
        wide = covered
    nearest = np.asarray(ndimage.distance_transform_edt(wide, return_distances=False, return_indices=True))
    filled = image[nearest[0], nearest[1]]
    return np.where(wide[..., None], ndimage.gaussian_filter(filled, (6, 6, 0)), filled)


def _nuclei(light: np.ndarray, number: np.ndarray) -> list[Nucleus]:
    result = []
    for n, box in enumerate(ndimage.find_objects(number), start=1):
        if box is None:
            continue
        mask = number[box] == n
        if mask.sum() >= 30:
            result.append(Nucleus((box[0].start, box[1].start), mask, light[box] * mask[..., None]))
    return result


Section = tuple[int, tuple[slice, slice], np.ndarray, np.ndarray]
"""Page, place, mask and light."""


def _sections(nucleus: Nucleus, center: float, spacing: float, num_pages: int) -> list[Section]:
    sections: list[Section] = []
    height, width = nucleus.mask.shape
    for page in range(num_pages):
        height_in_radii = abs(page - center) * spacing / nucleus.radius
        if height_in_radii >= 1:
            continue
        scale = np.sqrt(1 - height_in_radii**2)
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        at = np.ix_(
            ((np.arange(rows) + 0.5) * height / rows).astype(int),
            ((np.arange(columns) + 0.5) * width / columns).astype(int),
        )
        top = nucleus.corner[0] + (height - rows) // 2
        left = nucleus.corner[1] + (width - columns) // 2
        place = slice(top, top + rows), slice(left, left + columns)
        sections.append((page, place, nucleus.mask[at], nucleus.light[at] * (0.5 + 0.5 * scale)))
    return sections


def _place(sections: list[Section], pages: np.ndarray, truth: np.ndarray, number: int) -> bool:
    """Whether the nucleus had room; then it is drawn."""
    if any((truth[page][place][mask] > 0).any() for page, place, mask, _ in sections):
        return False
    for page, place, mask, light in sections:
        truth[page][place][mask] = number
        pages[page][place] += light
    return True
