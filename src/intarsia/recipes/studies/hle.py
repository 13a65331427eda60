"""What each decision of our reading of the hierarchical embedding is worth: a change each, and a guess."""

from __future__ import annotations

from intarsia.recipes.study import Claim, DataName, Relation, Row, Study

_GROUPS = {"all": "PQ", "things": "PQth", "stuff": "PQst"}


def ablations(on: DataName) -> Study:
    """Ten questions about the hierarchical embedding, on a short schedule."""
    rows, claims = [Row(name="base", recipe=f"hle-{on}", run="base")], []
    for name, note, changes, group, relation in CHANGES:
        rows.append(Row(name=name, note=note, recipe=f"hle-{on}", run=name, overrides=changes))
        claims.append(Claim("base", relation, name, _GROUPS[group]))
    for name, note, change in DECODINGS:
        decoding = (f"method.decoding.{change}",)
        rows.append(Row(name=name, note=note, recipe=f"hle-{on}", run="base", decoding=decoding))
        claims.append(Claim("base", "=", name, "PQth"))
    return Study(
        title="The hierarchical embedding: "
        + "; ".join(f"{row[0]} {row[1]}" for row in (*CHANGES, *DECODINGS)),
        columns=("PQ", "PQth", "PQst"),
        rows=tuple(rows),
        claims=tuple(claims),
        overrides=("schedule.steps=600", "schedule.evaluate_every=600"),
        seeds=1,
        margin=1.0,
    )


def _levels(kind: str) -> tuple[str, ...]:
    return f"method.loss.instance_loss={kind}", f"method.loss.category_loss={kind}"


def _fixed_radius(radius_px: int) -> tuple[str, ...]:
    return "method.embedding.sigma=fixed", f"method.embedding.start_radius_px={radius_px}"


_Change = tuple[str, str, tuple[str, ...], str, Relation]

CHANGES: tuple[_Change, ...] = (
    ("H1", "two branches, linear softmax", ("method.embedding.branches=two",), "all", ">="),
    ("H2", "no instance level", ("method.loss.instance_weight=0",), "things", ">"),
    ("H3a", "binary cross-entropy", _levels("bce"), "things", ">"),
    ("H3b", "hinges of the discriminative loss", _levels("hinge"), "things", ">"),
    ("H3c", "focal loss", _levels("focal"), "things", ">"),
    ("H4a", "margin fixed at 4 px", _fixed_radius(4), "things", ">"),
    ("H4b", "margin fixed at 16 px", _fixed_radius(16), "things", ">"),
    ("H5-2", "2 features", ("method.embedding.features=2",), "all", ">"),
    ("H5-4", "4 features", ("method.embedding.features=4",), "all", ">="),
    ("H5-8", "8 features", ("method.embedding.features=8",), "all", "="),
    ("H5-32", "32 features", ("method.embedding.features=32",), "all", "="),
    ("H6a", "no coordinates", ("method.embedding.coordinates=none",), "things", ">"),
    ("H6b", "coordinates at the input", ("method.embedding.coordinates=input",), "things", "="),
    ("H7a", "learned class means", ("method.loss.mean_source=learned",), "all", "="),
    ("H7b", "averaged class means", ("method.loss.mean_source=ema",), "all", ">="),
    ("H7c", "class means of all pixels", ("method.loss.mean_source=online",), "all", ">="),
    ("H8", "categories see coordinates", ("method.embedding.category_dims=all",), "all", "="),
    ("H10a", "cross-entropy of the distances", ("method.loss.category_weight=0",), "stuff", "="),
    ("H10b", "no cross-entropy", ("method.loss.cross_entropy_weight=0",), "stuff", "="),
)
"""Name, change in words, leaves, the group of PQ, and how the unchanged recipe should compare."""

DECODINGS = (
    ("H9-s3", "seeds from 0.3", "seed_threshold=0.3"),
    ("H9-s7", "seeds from 0.7", "seed_threshold=0.7"),
    ("H9-s9", "seeds from 0.9", "seed_threshold=0.9"),
    ("H9-n4", "at least 4 points", "min_seed_points=4"),
    ("H9-n16", "at least 16 points", "min_seed_points=16"),
    ("H9-r1", "1 refinement", "refinements=1"),
    ("H9-r3", "3 refinements", "refinements=3"),
)
"""Changes of decoding alone, of the unchanged recipe's network."""
