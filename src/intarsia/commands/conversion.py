"""Converting one part of a data set: map by map, from where an earlier run stopped, checked at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from intarsia._check import fail, sentence
from intarsia._files import remove_partials
from intarsia.commands.conversion_count import ConversionCount, facts_of
from intarsia.commands.journal import Journal
from intarsia.errors import InputError
from intarsia.formats.fingerprint import fingerprint
from intarsia.formats.lesson import nothing_to_learn
from intarsia.formats.photo_fit import check_photo
from intarsia.formats.source import SourceMap, SourcePart, Target
from intarsia.panoptic import Categories, Segment

__all__ = ["Outcome", "check_names", "convert_part", "refuse_losses", "with_name"]


Each: TypeAlias = Callable[..., Iterator[tuple[Any, Any]]]
"""As `intarsia._threads.in_order` with its workers: each item with its result, in order."""

_KEYS = frozenset({"row", "fingerprint", "facts", "lesson"})
"""What the journal has of a map that is finished."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one part: the count, and a sentence for each image that could not be converted."""

    count: ConversionCount
    broken: list[str]
    lesson: str


def refuse_losses(parts: Sequence[SourcePart], *, each: Each) -> None:
    """Read every map before anything is written, and refuse if one cannot be converted whole."""
    problems: list[str] = []
    for part in parts:
        count = ConversionCount(part)
        for source, facts in each(_facts, part.maps, description="reading"):
            if isinstance(facts, str):
                problems.append(facts)
            else:
                count.add(source, facts)
        problems += count.losses()
    if problems:
        more = (
            f" There are {len(problems) - 1} more such sentences without `--strict`." if problems[1:] else ""
        )
        raise InputError(problems[0] + more)


def _facts(source: SourceMap) -> dict[str, int] | str:
    try:
        panoptic_map = source.read()
        check_photo(source, panoptic_map.size)
        return facts_of(source, panoptic_map)
    except InputError as error:
        return with_name(source, error)


def convert_part(
    part: SourcePart, out: Path, *, target: Target, conversion: list[str], each: Each
) -> Outcome:
    """Convert one part; what an earlier run finished stays.

    Args:
        part: What to convert.
        out: The folder to write.
        target: The format that is written.
        conversion: What tells this conversion from another into the same folder.
        each: Calls a function with each map, here or in other processes, and gives the results in order.

    Raises:
        ValueError: An earlier run into this folder was another conversion.
    """
    out.mkdir(parents=True, exist_ok=True)
    name = part.name or "all"
    journal = Journal(out / f"{name}.unfinished", conversion)
    journal.done = {
        id: entry for id, entry in journal.done.items() if entry.keys() >= _KEYS
    }  # of this version
    remaining = [source for source in part.maps if str(source.image_id) not in journal.done]
    broken: list[str] = []
    # what an earlier run has not done, written down image by image
    with journal:
        remove_partials(out)
        convert_one = partial(
            _convert_one, out, replace(part, maps=(), unlabelled=(), left_out=()), target=target
        )
        for source, outcome in each(convert_one, remaining, description=name):
            if isinstance(outcome, str):
                broken.append(outcome)
            else:
                journal.add(str(source.image_id), outcome)
    # the file that lists all of them, and what is read back from it
    sources = [source for source in part.maps if str(source.image_id) in journal.done]
    target.finish(out, part, [journal.done[str(source.image_id)]["row"] for source in sources])
    broken += _read_again(part, sources, out, target, journal, each=each)
    # what the part has, and whether anything can be learned from it
    count = ConversionCount(part)
    for source in sources:
        count.add(source, journal.done[str(source.image_id)]["facts"])
    lesson = nothing_to_learn(
        [Segment(*row) for row in journal.done[str(source.image_id)]["lesson"]] for source in sources
    )
    journal.remove()
    return Outcome(count, broken, lesson)


def _convert_one(out: Path, part: SourcePart, source: SourceMap, *, target: Target) -> dict[str, Any] | str:
    try:
        panoptic_map = source.read()
        check_photo(source, panoptic_map.size)
        row = target.write(out, part, source, panoptic_map)
    except InputError as error:
        return with_name(source, error)
    except OSError as error:
        name = error.filename or source.name
        return f"`{name}` must be readable and the output writable, got {error.strerror}."
    kinds = {(segment.category_id, segment.is_crowd) for segment in panoptic_map.segments}
    return {
        "row": row,
        "fingerprint": fingerprint(panoptic_map, part.categories),
        "facts": facts_of(source, panoptic_map),
        "lesson": [
            [n, category_id, 1.0, crowd] for n, (category_id, crowd) in enumerate(sorted(kinds), start=1)
        ],
    }


def with_name(source: SourceMap, error: InputError) -> str:
    """The text of an error with the image's name in it."""
    return str(error) if str(source.name) in str(error) else f"{source.name}: {error}"


def _read_again(
    part: SourcePart,
    sources: Sequence[SourceMap],
    out: Path,
    target: Target,
    journal: Journal,
    *,
    each: Each,
) -> list[str]:
    """Read what is on disk now, and return a sentence for each image that is not what it was."""
    parts = target.read(out) if sources else []
    parts = [back for back in parts if back.name == part.name] or parts  # some formats name every part

    def key(source: SourceMap) -> str:
        return str(source.image_id) if target.keeps_file_names else source.name

    written_now = {key(source): (back.categories, source) for back in parts for source in back.maps}
    pairs = [
        (journal.done[str(source.image_id)]["fingerprint"], written_now.get(key(source)))
        for source in sources
    ]
    checked = each(_difference, pairs, description="reading again")
    expected = f"in {out} as it was in the source"
    problems = zip(sources, (problem for _, problem in checked), strict=True)
    return [sentence(source.name, expected, problem) for source, problem in problems if problem]


def _difference(pair: tuple[Any, tuple[Categories, SourceMap] | None]) -> str:
    """What is wrong with a map that was written, given its fingerprint in the source; empty if nothing is."""
    before, now = pair
    if now is None:
        return "no map of this name"
    try:
        return "" if fingerprint(now[1].read(), now[0]) == before else "other segments"
    except InputError as error:
        return str(error).rstrip(".")


def check_names(part: SourcePart, target: Target) -> None:
    """Refuse names that lead out of the folder, and two images that would be written to one file."""
    for source in part.maps:
        for name in (source.name, source.image_file, source.map_file):
            if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
                fail("file_name", "a name inside the data set's folder", repr(name))
    count = Counter(source.map_file if target.keeps_file_names else source.name for source in part.maps)
    twice = [name for name, number in count.items() if number > 1]
    if twice:
        fail("source", "a data set whose images have names of their own", f"two named {twice[0]!r}")
    photos = {(source.image_file, source.image_path) for source in part.maps if source.image_path}
    shared = [name for name, number in Counter(name for name, _ in photos).items() if number > 1]
    if shared and target.keeps_file_names:
        fail("source", "a data set whose photos have names of their own", f"two to be called {shared[0]!r}")
