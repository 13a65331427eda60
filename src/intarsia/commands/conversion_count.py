"""The count at the end of a conversion: what came along, and what was lost, a sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intarsia._check import counted, sentence
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import PanopticMap

__all__ = ["ConversionCount", "facts_of"]

NUM_NAMED = 5
"""Of many files that are lost, the first are named."""


def facts_of(source: SourceMap, panoptic_map: PanopticMap) -> dict[str, int]:
    """What the count needs to know of one map, as JSON values.

    Example:
        >>> source = SourceMap(1, "a.jpg", "a.png", None, lambda: PanopticMap.empty(1, 1), listed=2)
        >>> facts_of(source, source.read())
        {'segments': 0, 'crowds': 0, 'invisible': 2}
    """
    segments = [segment for segment in panoptic_map.segments if segment.id != source.implied]
    listed = len(segments) if source.listed is None else source.listed
    crowds = sum(segment.is_crowd for segment in segments)
    return {"segments": len(segments), "crowds": crowds, "invisible": max(listed - len(segments), 0)}


@dataclass
class ConversionCount:
    """What one part of a data set has, map by map, and what of it is lost.

    Example:
        >>> from intarsia.panoptic import Categories
        >>> source = SourceMap(1, "a.jpg", "a.png", None, lambda: PanopticMap.empty(1, 1), listed=2)
        >>> count = ConversionCount(SourcePart("val", Categories.named("facades"), (source,)))
        >>> count.add(source, facts_of(source, source.read()))
        >>> count.lines()
        ['val: 1 map (no photo), 0 segments.']
        >>> count.losses()
        ['`val` must be made of annotations that show pixels; without any: 2 of 2, got 2 of a.jpg.']
    """

    part: SourcePart
    sources: list[SourceMap] = field(default_factory=list)
    facts: list[Mapping[str, int]] = field(default_factory=list)

    def add(self, source: SourceMap, facts: Mapping[str, int]) -> None:
        """Count one map that came along."""
        self.sources.append(source)
        self.facts.append(facts)

    def lines(self) -> list[str]:
        """What came along, to print."""
        num_maps = len(self.sources)
        num_photos = sum(source.has_photo for source in self.sources)
        photos = "each with its photo" if num_photos == num_maps else f"{num_photos} with a photo"
        photos = photos if num_photos else "no photo"
        segments, crowds = (sum(row[key] for row in self.facts) for key in ("segments", "crowds"))
        of_crowds = f", {crowds} of them crowds" if crowds else ""
        name = f"{self.part.name}: " if self.part.name else ""
        total = f"{name}{counted(num_maps, 'map')} ({photos}), {counted(segments, 'segment')}{of_crowds}."
        # what a JSON lists without annotations may have nothing to show, or nobody looked at it yet
        bare = [source.image_file for source in self.sources if source.listed == 0]
        return (
            [total, f"{name}Without an annotation: {len(bare)} ({first_names(bare)})."] if bare else [total]
        )

    def losses(self) -> list[str]:
        """A sentence for each kind of thing that did not come along, with its number and the first names."""
        part = self.part
        place = str(part.photo_folder or part.name or "source")
        without = [source.image_file for source in part.maps if not source.has_photo]
        sentences = []
        if without and _has_photos(part):
            expected = f"a folder with the photo of each map; missing: {len(without)} of {len(part.maps)}"
            sentences.append(sentence(place, expected, "none of " + first_names(without)))
        if part.unlabelled:
            expected = f"a data set with a map of each photo; photos without one: {len(part.unlabelled)}"
            sentences.append(sentence(place, expected, "none of " + first_names(part.unlabelled)))
        sentences += [f"`{path}` was left out: {reason.rstrip('.')}." for path, reason in part.left_out]
        return sentences + self._invisible()

    def _invisible(self) -> list[str]:
        rows = [
            (row["invisible"], source.image_file)
            for source, row in zip(self.sources, self.facts, strict=True)
        ]
        missing = [(number, name) for number, name in rows if number]
        if not missing:
            return []
        total = sum(number for number, _ in missing)
        listed = total + sum(row["segments"] for row in self.facts)
        expected = f"made of annotations that show pixels; without any: {total} of {listed}"
        got = first_names(f"{number} of {name}" for number, name in missing)
        return [sentence(self.part.name or "source", expected, got)]


def first_names(names: Iterable[Any]) -> str:
    """The first names of many, and how many more there are.

    Example:
        >>> first_names(range(7))
        '0, 1, 2, 3, 4 and 2 more'
    """
    texts = [name.name if isinstance(name, Path) else str(name) for name in names]
    more = f" and {len(texts) - NUM_NAMED} more" if len(texts) > NUM_NAMED else ""
    return ", ".join(texts[:NUM_NAMED]) + more


def _has_photos(part: SourcePart) -> bool:
    """Whether a source brings photos at all: predictions and label images alone do not."""
    if any(source.has_photo for source in part.maps):
        return True
    folder = part.photo_folder
    if folder is None or all(source.listed is None for source in part.maps):
        return False  # no JSON says that there are photos
    return folder.is_dir() and any(path.is_file() for path in folder.iterdir())
