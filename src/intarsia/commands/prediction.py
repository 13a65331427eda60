"""What prediction gives back for each image, and what it says of all of them at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import counted, fail
from intarsia.commands.photo_run import PhotoSettings
from intarsia.formats.image_files import ImageRows
from intarsia.formats.png import read_ids
from intarsia.panoptic import Categories, PanopticMap, Segment

__all__ = ["Prediction", "shows_things", "summary_of"]


@dataclass(frozen=True)
class Prediction:
    """One image's name, as in the JSON, its segments, and the file of its map; any number fit in memory.

    The file is None where maps were not written.
    """

    name: str
    segments: Sequence[Segment]
    file: Path | None

    @classmethod
    def of(cls, rows: ImageRows, settings: PhotoSettings) -> Prediction:
        """Of an image whose files are written."""
        file = settings.out / "panoptic" / f"{rows.stem}.png" if "coco" in settings.write else None
        return cls(rows.name, rows.to_segments(), file)

    @property
    def map(self) -> PanopticMap:
        """The map, read from its file."""
        if self.file is None:
            fail("write", "with coco for maps to be read again", "others only")
        return PanopticMap(read_ids(self.file), self.segments)


def shows_things(predictions: Sequence[Prediction], categories: Categories) -> bool:
    """Whether any image shows any thing."""
    things = {category.id for category in categories.things}
    return any(segment.category_id in things for image in predictions for segment in image.segments)


def summary_of(predictions: Sequence[Prediction], categories: Categories, settings: PhotoSettings) -> str:
    """One line an image, for the first ten, and where everything is."""
    lines = []
    for prediction in predictions[:10]:
        counts: dict[str, int] = {}
        for segment in prediction.segments:
            name = categories[categories.index_of(segment.category_id)].name
            counts[name] = counts.get(name, 0) + 1
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda kv: -kv[1]))
        lines.append(f"{prediction.name}: {said or 'nothing found'}")
    if len(predictions) > 10:
        lines.append(f"... and {counted(len(predictions) - 10, 'image')} more")
    pictures = f", pictures in {settings.overlays.folder}" if settings.overlays else ""
    return "\n".join([*lines, f"Results in {settings.out}{pictures}"])
