"""Categories of two data sets that mean the same: by name, or because label images know objects only."""

from __future__ import annotations

from collections.abc import Mapping

from intarsia._check import fail
from intarsia.formats.category_map import BACKGROUND, OBJECT
from intarsia.panoptic import Categories, Category

__all__ = ["ids_of_same_meaning", "is_of_label_images", "renamed_categories"]


def is_of_label_images(categories: Categories) -> bool:
    """Whether these are what label images have whose labels nobody named: objects, perhaps a background.

    Example:
        >>> is_of_label_images(Categories([OBJECT, BACKGROUND])), is_of_label_images(Categories.named("coco"))
        (True, False)
    """
    return categories.names in ((OBJECT.name, BACKGROUND.name), (OBJECT.name,))


def ids_of_same_meaning(categories: Categories, truth: Categories) -> Mapping[int, int | None]:
    """For each category the id of the truth's category that means the same; `None` for void.

    Names decide where all are the truth's, else ids. Where one of the two are label images, whose labels
    nobody named, their object is the other's only thing, and their background its only stuff, or void where
    that has none.

    Args:
        categories: Of a prediction.
        truth: Of the truth.

    Raises:
        ValueError: Label images are compared with several kinds of things, or of stuff.

    Example:
        >>> ids_of_same_meaning(Categories([OBJECT, BACKGROUND]), Categories.named("nuclei"))
        {1: 1, 2: 2}
    """
    by_name = {row.name.casefold(): row.id for row in truth}
    if all(row.name.casefold() in by_name for row in categories):
        return {row.id: by_name[row.name.casefold()] for row in categories}
    if not is_of_label_images(categories) and not is_of_label_images(truth):
        return {row.id: row.id for row in categories}
    return {
        **_pair("thing", categories.things, truth.things),
        **_pair("stuff", categories.stuff, truth.stuff),
    }


def renamed_categories(categories: Categories, truth: Categories) -> list[str]:
    """Categories of one id and two names, each as "1 'car' (truth: 'person')".

    Example:
        >>> renamed_categories(Categories([OBJECT]), Categories.named("nuclei"))
        ["1 'object' (truth: 'nucleus')"]
    """
    names = {row.id: row.name for row in truth}
    return [
        f"{row.id} {row.name!r} (truth: {names[row.id]!r})"
        for row in categories
        if row.id in names and row.name.casefold() != names[row.id].casefold()
    ]


def _pair(kind: str, rows: tuple[Category, ...], truth: tuple[Category, ...]) -> dict[int, int | None]:
    several = next((each for each in (rows, truth) if len(each) > 1), ())
    if rows and truth and several:
        hint = "A `category_map.json` beside the label images says what each label is."
        got = f"several ({', '.join(row.name for row in several)})"
        fail("categories", f"one kind of {kind} where label images do not say which", got, hint=hint)
    same = truth[0].id if truth else None
    return dict.fromkeys((row.id for row in rows), same)
