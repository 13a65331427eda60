"""The things of a map as a label image in a TIFF: what napari, ImageJ, QuPath and scikit-image measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Integer, UInt16, UInt32

from intarsia._check import fail, nearest
from intarsia._files import whole
from intarsia.formats.resolution import Resolution
from intarsia.panoptic import Categories, Category, PanopticMap

__all__ = ["labels_of", "things_of", "write_label_tiff", "write_labels"]

MAX_UINT16 = 65_535


def labels_of(
    panoptic_map: PanopticMap, categories: Categories, *, category: str | None = None
) -> UInt16[np.ndarray, "h w"] | UInt32[np.ndarray, "h w"]:
    """Things numbered 1 ... n in the order of their segments; 0 for stuff, crowds and void.

    Args:
        panoptic_map: Its category ids are those of `categories`.
        categories: What the category ids of the map mean.
        category: Number the things of this name only.

    Returns:
        16 bits a pixel, 32 where there are more things than 65,535.

    Raises:
        ValueError: No thing category has this name.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> panoptic_map = PanopticMap(np.array([[9, 4, 7]]), [Segment(7, 1), Segment(9, 1), Segment(4, 6)])
        >>> labels_of(panoptic_map, Categories.named("facades")).tolist()
        [[2, 0, 1]]
    """
    if category is not None:
        categories = Categories(things_of(categories, category))
    return _fewest_bits(panoptic_map.instances(categories))


def write_label_tiff(
    path: str | Path,
    panoptic_map: PanopticMap,
    categories: Categories,
    *,
    category: str | None = None,
    resolution: Resolution | None = None,
) -> Path:
    """Write the things of a map as one label image; it lies over the photo pixel for pixel.

    Args:
        path: The TIFF; its folder exists.
        panoptic_map: Its category ids are those of `categories`.
        categories: What the category ids of the map mean.
        category: Write the things of this name only.
        resolution: Of the photo (`resolution_of`), so that both are measured alike.

    Returns:
        The path.

    Raises:
        ValueError: No thing category has this name.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile; from intarsia.formats.label_image import read_labels
        >>> from intarsia.panoptic import Segment
        >>> panoptic_map = PanopticMap(np.array([[9, 0]]), [Segment(9, 1)])
        >>> path = write_label_tiff(f"{tempfile.mkdtemp()}/a.tif", panoptic_map, Categories.named("facades"))
        >>> read_labels(path)[0].tolist()
        [[1, 0]]
    """
    return write_labels(path, labels_of(panoptic_map, categories, category=category), resolution=resolution)


def write_labels(
    path: str | Path, labels: Integer[np.ndarray, "*d h w"], *, resolution: Resolution | None = None
) -> Path:
    """Write label images as one TIFF, each a page of it, 16 bits a pixel or 32 where labels need them.

    Args:
        path: The TIFF; its folder exists.
        labels: 0 for none; one image, or those of a stack.
        resolution: Of the photo.

    Returns:
        The path.

    Raises:
        OSError: The file cannot be written.

    Example:
        >>> import tempfile; from intarsia.formats.label_image import read_labels
        >>> path = write_labels(f"{tempfile.mkdtemp()}/a.tif", np.array([[[1, 0]], [[1, 2]]]))
        >>> [page.tolist() for page in read_labels(path)]
        [[[1, 0]], [[1, 2]]]
    """
    import tifffile

    tags = {}
    if resolution is not None:
        tags = {"resolution": (resolution.x, resolution.y), "resolutionunit": resolution.unit}
    narrow = _fewest_bits(labels)
    with whole(path) as partial:
        tifffile.imwrite(
            partial,
            narrow,
            photometric="minisblack",
            compression="zlib",
            description=(resolution and resolution.description) or None,
            metadata=None,  # else its own description says the shape, and ImageJ cannot read its unit
            bigtiff=narrow.nbytes >= 1 << 32,
            **tags,
        )
    return Path(path)


def things_of(categories: Categories, category: str | None = None) -> tuple[Category, ...]:
    """The thing categories, or the one of this name.

    Raises:
        ValueError: No thing category has this name.

    Example:
        >>> [row.id for row in things_of(Categories.named("facades"), "car")]
        [3]
    """
    rows = tuple(row for row in categories.things if category is None or row.name == category)
    if category is not None and not rows:
        names = [row.name for row in categories.things]
        fail("category", "the name of a thing category", repr(category), hint=nearest(category, names))
    return rows


def _fewest_bits(
    labels: Integer[np.ndarray, "*d h w"],
) -> UInt16[np.ndarray, "*d h w"] | UInt32[np.ndarray, "*d h w"]:
    return labels.astype(np.uint16 if int(labels.max()) <= MAX_UINT16 else np.uint32)
