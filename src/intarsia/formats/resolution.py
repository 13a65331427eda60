"""How large a pixel is: the resolution that a picture file carries, to hand on and to measure with."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from intarsia._check import fail

__all__ = ["Resolution", "resolution_of"]

INCH, CENTIMETRE = 2, 3
"""Values of TIFF's tag ResolutionUnit; 1 is none."""
MICROMETRES = {
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometre", "\\u00B5m"), 1.0),
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25400.0,
}
"""How long the units are in which ImageJ and OME say the size of a pixel."""
LARGEST_INCH_PIXEL_UM = 25.0
"""Coarser than about 1,000 a inch, inches are for a printer: 72, 96 and 300 come with any photo."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The resolution tags of a picture, and the size of its pixels where they say it.

    Attributes:
        x: Pixels a unit along a row, as numerator and denominator.
        y: Pixels a unit along a column.
        unit: TIFF's number for the unit: 1 none, 2 inch, 3 centimetre.
        imagej_unit: The unit that ImageJ wrote into the description, where TIFF has no number for it; or "".
        pixel_size_um: Height and width of a pixel in micrometres; None if the file does not say it.
    """

    x: tuple[int, int]
    y: tuple[int, int]
    unit: int
    imagej_unit: str = ""
    pixel_size_um: tuple[float, float] | None = None

    @classmethod
    def of_pixel_size(cls, size_um: float | tuple[float, float]) -> Resolution:
        """The resolution of pixels of this many micrometres, square ones or (height, width).

        Raises:
            ValueError: A side is not finite, or not above 0.

        Example:
            >>> Resolution.of_pixel_size(0.5).x
            (20000, 1)
        """
        sides = size_um if isinstance(size_um, tuple) else (size_um, size_um)
        if len(sides) != 2 or not all(math.isfinite(side) and side > 0 for side in sides):
            fail("pixel_size", "one or two lengths above 0, in micrometres", size_um)
        y, x = (_ratio(1e4 / side) for side in sides)
        return cls(x, y, CENTIMETRE, pixel_size_um=(float(sides[0]), float(sides[1])))

    @property
    def description(self) -> str:
        """What ImageJ reads the unit from; empty where the tags say it."""
        return f"ImageJ=1.54f\nunit={self.imagej_unit}\n" if self.imagej_unit else ""

    def turned(self) -> Resolution:
        """That of the picture turned by a quarter."""
        size = self.pixel_size_um
        return Resolution(self.y, self.x, self.unit, self.imagej_unit, size and (size[1], size[0]))


def resolution_of(path: str | Path) -> Resolution | None:
    """The resolution that a picture file carries, of the upright picture; None if it has none.

    Micrometres come from what ImageJ, OME or Aperio wrote and from centimetres in a TIFF. Inches say nothing
    above 25 micrometres a pixel: photos carry 72, 96 or 300 of them for a printer.

    Args:
        path: A file that is known to be a picture; one that is none has no resolution.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp()) / "a.png"
        >>> Image.new("L", (2, 2)).save(path, dpi=(300, 300))
        >>> resolution_of(path).unit, resolution_of(path).pixel_size_um
        (2, None)
    """
    try:
        return _of_tiff(path) if Path(path).suffix.lower() in (".tif", ".tiff") else _of_photo(path)
    except Exception:  # a damaged file: whoever reads its pixels says what is wrong with it
        return None


def _of_tiff(path: str | Path) -> Resolution | None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        tags: Any = file.pages.first.tags
        x, y, unit = (tags.valueof(name) for name in ("XResolution", "YResolution", "ResolutionUnit"))
        imagej = str((file.imagej_metadata or {}).get("unit", ""))
        size = _size_in_text(file.ome_metadata or str(tags.valueof("ImageDescription") or ""))
        orientation = tags.valueof("Orientation")
    if not (_positive(x) and _positive(y)):
        return None if size is None else _turn(Resolution.of_pixel_size(size), orientation)
    unit = INCH if unit is None else int(unit)  # as the standard says where the tag is absent
    imagej = imagej if imagej in MICROMETRES else ""  # it holds against the tag, as in ImageJ itself
    um = MICROMETRES.get(imagej) or {INCH: 25400.0, CENTIMETRE: 1e4}.get(unit)
    if size is None and um is not None:
        size = um * y[1] / y[0], um * x[1] / x[0]
        size = None if um == 25400.0 and max(size) > LARGEST_INCH_PIXEL_UM else size
    return _turn(Resolution(x, y, unit, imagej, size), orientation)


def _of_photo(path: str | Path) -> Resolution | None:
    with Image.open(path) as image:
        dpi, orientation = image.info.get("dpi"), image.getexif().get(0x0112)
    if dpi is None or not all(math.isfinite(side) and side > 0 for side in dpi):
        return None
    return _turn(Resolution(_ratio(float(dpi[0])), _ratio(float(dpi[1])), INCH), orientation)


def _turn(resolution: Resolution, orientation: Any) -> Resolution:
    return resolution.turned() if orientation in (5, 6, 7, 8) else resolution


def _size_in_text(text: str) -> tuple[float, float] | None:
    """From OME's XML or Aperio's line. No XML parser: a stranger's file may hold entities without end."""
    sides = [_ome_side(text, side) for side in "YX"]
    if None in sides:
        aperio = re.search(r"\|\s*MPP\s*=\s*([\d.]+)", text) if text.startswith("Aperio") else None
        sides = [float(aperio[1])] * 2 if aperio else sides
    return None if None in sides or min(sides) <= 0 else (sides[0], sides[1])


def _ome_side(text: str, side: str) -> Any:
    value = re.search(rf'\bPhysicalSize{side}="([\d.eE+-]+)"', text)
    unit = re.search(rf'\bPhysicalSize{side}Unit="([^"]+)"', text)
    scale = MICROMETRES.get(unit[1] if unit else "um")
    return None if value is None or scale is None else float(value[1]) * scale


def _positive(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and min(value) > 0


def _ratio(value: float) -> tuple[int, int]:
    """The nearest ratio that fits into TIFF's two 32-bit numbers."""
    most = (1 << 32) - 1
    ratio = Fraction(min(value, most)).limit_denominator(max(1, min(1_000_000, int(most / value))))
    return max(ratio.numerator, 1), ratio.denominator
