"""The tables of Li, Qi and Torr 2020: what each row trains, how it decodes, what the paper has."""

from __future__ import annotations

from intarsia.recipes.find import find_recipe
from intarsia.recipes.study import Claim, DataName, Row, Study, known_numbers
from intarsia.recipes.unified import MODELS, ModelName


def table_1(on: DataName) -> Study:
    """Table 1: masks, affinities with the panoptic loss, and how the map is made."""
    columns = ("PQ", "PQth", "PQst", "SQ", "RQ", "IoU", "APmask", "APbox")
    paper = {
        "A": (54.6, 46.0, 60.9, 77.9, 68.4, 75.0, None, 36.9),
        "B": (59.0, 50.2, 65.3, 80.1, 72.4, 77.8, None, 38.1),
        "C1": (59.3, 51.4, 65.0, 79.8, 73.2, 78.1, 33.8, 38.1),
        "C2": (59.6, 52.4, 64.8, 80.4, 72.9, 78.1, 33.8, 38.1),
        "D1": (60.6, 52.4, 66.5, 80.4, 74.2, 79.5, 33.7, 38.8),
        "D2": (61.4, 54.7, 66.3, 81.1, 74.7, 79.5, 33.7, 38.8),
    }
    if on == "coco":
        paper = {"D2": (43.4, 48.6, 35.5, 79.6, 53.0, 53.7, 36.4, 40.5)}
    # models of one letter share their network; the number is how it decodes
    rows = tuple(
        Row(
            name=name,
            recipe=f"unified-{on}",
            run=name[0],
            overrides=tuple(change for change in changes if "inference" not in change),
            decoding=tuple(change for change in changes if "inference" in change),
            paper=known_numbers(columns, paper.get(name, ())),
        )
        for name, changes in MODELS.items()
    )
    claims = (Claim("B", ">", "A"), Claim("D1", ">", "C1"), Claim("D2", ">", "D1"), Claim("D2", ">", "C2"))
    return Study(title="Table 1: masks, affinities, decoding", columns=columns, rows=rows, claims=claims)


def table_f(on: DataName) -> Study:
    """Table F: semantics times mask, or their sum."""
    columns = ("PQ", "SQ", "RQ")
    numbers = {"B": (61.4, 81.8, 74.7), "C": (60.3, 80.8, 73.5)}
    if on == "coco":
        numbers = {"B": (42.7, 79.4, 52.2), "C": (43.4, 79.6, 53.0)}
    usual = find_recipe(f"unified-{on}").method.potential.variant
    rows = tuple(
        Row(
            name=f"variant {variant}",
            recipe=f"unified-{on}",
            run="D" if variant == usual else f"D-variant-{variant}",
            overrides=() if variant == usual else (f"method.potential.variant={variant}",),
            paper=known_numbers(columns, numbers[variant]),
        )
        for variant in ("B", "C")
    )
    better, worse = ("C", "B") if on == "coco" else ("B", "C")
    claim = Claim(f"variant {better}", ">", f"variant {worse}")
    return Study(
        title="Table F: variants of the dynamic potential", columns=columns, rows=rows, claims=(claim,)
    )


def table_g(on: DataName) -> Study:
    """Table G: how often the semantic branch takes things for stuff, and stuff for things."""
    columns = ("th as st", "st as th", "IoU")
    paper = (9.9, 4.8) if on == "coco" else (4.9, 0.0)
    row = Row(name="D2", recipe=f"unified-{on}", run="D", paper=known_numbers(columns, paper))
    return Study(title="Table G: things taken for stuff by the semantic branch", columns=columns, rows=(row,))


def table_h(on: DataName) -> Study:
    """Table H: the panoptic loss on true or on predicted boxes, without masks."""
    columns = ("PQ", "SQ", "RQ", "IoU", "APbox")
    # model B twice: training alone differs
    boxes_alone = MODELS["B"]
    rows = (
        Row(
            name="true boxes",
            recipe=f"unified-{on}",
            run="B-true-boxes",
            overrides=(*boxes_alone, "method.matching.detections=true"),
            paper=known_numbers(columns, (58.6, 80.0, 72.0, 77.8, 36.8)),
        ),
        # the row that table 1 has, too
        Row(
            name="predicted boxes",
            recipe=f"unified-{on}",
            run="B",
            overrides=boxes_alone,
            paper=known_numbers(columns, (59.0, 80.1, 72.4, 77.8, 38.1)),
        ),
    )
    # as the paper finds
    claims = tuple(Claim("predicted boxes", ">", "true boxes", column) for column in ("PQ", "APbox"))
    return Study(
        title="Table H: boxes that the panoptic loss sees", columns=columns, rows=rows, claims=claims
    )


def table_i(on: DataName) -> Study:
    """Table I: small stuff as it is or as void."""
    columns = ("PQst", "SQst", "RQst", "IoUst")
    paper = {
        "Panoptic FPN": (59.9, 79.3, 72.9, 74.7),
        "Panoptic FPN, trimmed": (62.0, 79.6, 75.5, 74.5),
        "D2": (64.2, 81.4, 77.1, 78.3),
        "D2, trimmed": (66.3, 81.8, 79.4, 78.2),
    }
    # the recipe's own least area, against keeping every pixel
    least = max(find_recipe(f"unified-{on}").method.inference.min_stuff_px, 2)
    rows = tuple(
        Row(
            name=name + suffix,
            recipe=f"{recipe}-{on}",
            run=run,
            decoding=(f"method.{group}.min_stuff_px={pixels}",),
            paper=known_numbers(columns, paper[name + suffix]),
        )
        for name, run, recipe, group in (
            ("Panoptic FPN", "base", "fpn", "merge"),
            ("D2", "D", "unified", "inference"),
        )
        for suffix, pixels in (("", 1), (", trimmed", least))
    )
    # trimming helps both, as the paper finds
    claims = tuple(
        Claim(f"{name}, trimmed", ">", name, column)
        for name in ("Panoptic FPN", "D2")
        for column in ("PQst", "RQst")
    )
    title = f"Table I: stuff of fewer than {least} px becomes void"
    return Study(title=title, columns=columns, rows=rows, claims=claims)


def table_j(on: DataName) -> Study:
    """Table J: every number of the model without and with masks."""
    # every group of PQ, then the branches
    groups = [f"{part}{suffix}" for part in ("PQ", "SQ", "RQ") for suffix in ("", "th", "st")]
    columns = (*groups, "IoU", "APmask", "APbox")
    paper = {
        "B": (59.0, 50.2, 65.3, 80.1, 78.4, 81.2, 72.4, 63.9, 78.6, 77.8, None, 38.1),
        "D2": (61.4, 54.7, 66.3, 81.1, 80.0, 81.8, 74.7, 68.2, 79.4, 79.5, 33.7, 38.8),
    }
    # with the boxes alone, and with masks
    models: tuple[tuple[ModelName, str], ...] = (("B", "without masks"), ("D2", "with masks"))
    if on == "coco":
        paper = {"D2": (43.4, 48.6, 35.5, 79.6, 80.0, 78.9, 53.0, 59.2, 43.8, 53.7, 36.4, 40.5)}
    rows = tuple(
        Row(
            name=f"{name}, {text}",
            recipe=f"unified-{on}",
            run=name[0],
            overrides=MODELS[name],
            paper=known_numbers(columns, paper.get(name, ())),
        )
        for name, text in models
    )
    claim = Claim("D2, with masks", ">", "B, without masks")
    return Study(title="Table J: all numbers", columns=columns, rows=rows, claims=(claim,))
