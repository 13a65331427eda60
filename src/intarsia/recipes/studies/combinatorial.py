"""The tables of Abbas and Swoboda 2021 (COPS): what training through the cut brings, and why."""

from __future__ import annotations

from dataclasses import replace

from intarsia.recipes.find import find_recipe
from intarsia.recipes.study import Claim, DataName, Row, Study, known_numbers

_MEASURES = ("PQ", "PQth", "PQst", "AP", "mIoU")
_BASELINE, _TUNED = "baseline", "end to end"


def table_1(on: DataName) -> Study:
    """Table 1: the second run, through the cut, after the first."""
    paper = {_BASELINE: (58.5, 48.3, 66.0), _TUNED: (62.2, 55.5, 67.1)}
    if on == "coco":
        paper = {_BASELINE: (34.3, 34.9, 33.4), _TUNED: (36.3, 39.3, 31.7)}
    rows = (_first(on, paper[_BASELINE]), _second(on, _TUNED, paper=paper[_TUNED]))
    claims = (Claim(_TUNED, ">", _BASELINE), Claim(_TUNED, ">", _BASELINE, "PQth"))
    return Study(title="Table 1: training through the cut", columns=_MEASURES, rows=rows, claims=claims)


def table_4(on: DataName) -> Study:
    """Table 4: separate losses on classes and cut pairs in the place of the surrogate."""
    rows = (
        _first(on),
        _second(
            on,
            "separate losses",
            ("method.end_to_end.loss=separate",),
            paper=(57.8, 45.7, 66.6) if on == "cityscapes" else (),
        ),
        _second(on, _TUNED, paper=(62.2, 55.5, 67.1) if on == "cityscapes" else ()),
    )
    claims = tuple(Claim(_TUNED, ">", "separate losses", column) for column in ("PQ", "PQth"))
    return Study(title="Table 4: the loss behind the cut", columns=_MEASURES, rows=rows, claims=claims)


def table_5(on: DataName) -> Study:
    """Table 5: six second runs of different seeds, all from one first run."""
    pq = (61.41, 62.01, 61.77, 61.33, 61.91, 62.07) if on == "cityscapes" else ()
    seconds = tuple(
        _second(on, f"seed {seed}", (f"seed={seed}",), paper=pq[seed : seed + 1]) for seed in range(6)
    )
    claims = tuple(Claim(row.name, ">", _BASELINE) for row in seconds)
    title = "Table 5: six seeds of the second run from one baseline"
    return Study(title=title, columns=_MEASURES, rows=(_first(on), *seconds), claims=claims, seeds=1)


def table_6(on: DataName) -> Study:
    """Table 6: instances by Cityscapes' AP, categories by mIoU."""
    columns = ("APcity", "mIoU")
    paper = {_BASELINE: (32.7, 78.5), _TUNED: (35.0, 79.5)} if on == "cityscapes" else {}
    rows = tuple(
        replace(row, paper=known_numbers(columns, paper.get(row.name, ())))
        for row in (_first(on), _second(on, _TUNED))
    )
    claims = tuple(Claim(_TUNED, ">", _BASELINE, column) for column in columns)
    return Study(title="Table 6: AP and mIoU", columns=columns, rows=rows, claims=claims)


def table_7(on: DataName) -> Study:
    """Table 7: with the true node costs."""
    paper = {
        "cityscapes": ((62.2, 55.5, 67.1), (81.1, 67.0, 91.4)),
        "coco": ((36.3, 39.3, 31.7), (70.9, 57.2, 91.2)),
    }
    actual, oracle = paper.get(on, ((), ()))
    oracle_row = _second(on, _TUNED, paper=oracle)
    rows = (
        _first(on),
        _second(on, _TUNED, paper=actual),
        replace(_first(on), name="baseline, semantic oracle", oracle="semantics"),
        replace(oracle_row, name="end to end, semantic oracle", oracle="semantics"),
    )
    claim = Claim("end to end, semantic oracle", ">", _TUNED)
    return Study(title="Table 7: true categories", columns=_MEASURES, rows=rows, claims=(claim,))


def losses(on: DataName) -> Study:
    """Which loss behind the cut: eq. (6), that of the released code, or PQ itself; and what they need."""
    scales_first = ("method.end_to_end.trained=heads", "method.end_to_end.ladder=50")
    rows = (
        _first(on),
        _second(on, _TUNED),
        # the form of the surrogate, as the paper and the released code have it
        _second(on, "eq. (6)", (*_form("paper"), "method.end_to_end.sharpness=4", _dropout(0.0))),
        _second(on, "eq. (6), dropout", (*_form("paper"), "method.end_to_end.sharpness=4", _dropout(0.1))),
        _second(on, "released", (*_form("released"), "method.end_to_end.sharpness=4", _dropout(0.0))),
        _second(
            on, "released, dropout", (*_form("released"), "method.end_to_end.sharpness=4", _dropout(0.1))
        ),
        _second(on, "dropout 0", (_dropout(0.0),)),
        _second(on, "dropout 0.1", (_dropout(0.1),)),
        _second(on, "one lambda", ("method.end_to_end.num_samples=1",)),
        # one decision of training changed at a time
        _second(on, "no memory", ("method.end_to_end.memory=0",)),
        _second(on, "costs may shrink", ("method.end_to_end.scale_free=false",)),
        _second(on, "last two layers", ("method.end_to_end.trained=last_two", "method.end_to_end.ladder=0")),
        _second(on, "scales first", scales_first),
        _second(on, "scales first, learned areas", (*scales_first, "method.end_to_end.learned_areas=true")),
        _second(on, "refined cut", ("method.end_to_end.refine=true",)),
        _second(
            on,
            "one learning rate",
            ("method.end_to_end.trained=heads", "method.end_to_end.ladder=0", "optim.lr=2e-4"),
        ),
        _second(on, "nothing learned", ("optim.lr=1e-12",)),
        # the same steps without the cut
        _second(
            on,
            "losses of the first run",
            ("method.end_to_end.weight=1e-9", "method.end_to_end.pretraining_weight=1"),
        ),
    )
    claims = tuple(Claim(row.name, ">", _BASELINE) for row in rows[1:])
    return Study(title="Losses behind the cut", columns=_MEASURES, rows=rows, claims=claims)


def distances(on: DataName) -> Study:
    """Affinities over the paper's distances beside those of the recipe, before and after the cut."""
    far = "method.affinity.distances=1,4,16,32,64" + ",128" * (on == "cityscapes")
    first = replace(_first(on), name="paper's distances", run="far", overrides=(far,))
    second = replace(_second(on, "paper's distances, end to end", (far,)), starts_from=first.name)
    claims = (
        Claim(first.name, ">", _BASELINE),
        Claim(second.name, ">", first.name),
        Claim(second.name, ">", _TUNED),
    )
    rows = (_first(on), _second(on, _TUNED), first, second)
    return Study(title="Distances of affinities", columns=_MEASURES, rows=rows, claims=claims)


def figure_4(on: DataName) -> Study:
    """Figure 4: the loss through the cut with several lambdas and with one, less that without learning."""
    rows = (
        _first(on),
        _second(on, _TUNED),
        _second(on, "one lambda", ("method.end_to_end.num_samples=1",)),
        _second(on, "nothing learned", ("optim.lr=1e-12",)),
    )
    claim = Claim(_TUNED, ">=", "one lambda")
    return Study(
        title="Figure 4: how many lambdas", columns=_MEASURES, rows=rows, claims=(claim,), plot="losses"
    )


def solvers(on: DataName) -> Study:
    """Decoding by Algorithm 2, refreshed in full and lazily, before and after the second run."""
    rows = [_first(on), _second(on, _TUNED)]
    for row in (_first(on), _second(on, _TUNED)):
        for solver in ("contraction", "lazy contraction"):
            decoding = (f"method.cut.solver={solver}", "method.cut.small=void")
            rows.append(replace(row, name=f"{row.name}, {solver}", decoding=decoding))
    return Study(title="Decoding by Algorithm 2", columns=_MEASURES, rows=tuple(rows))


def _form(name: str) -> tuple[str, ...]:
    return f"method.end_to_end.form={name}", "method.end_to_end.memory=0"


def _dropout(share: float) -> str:
    return f"method.end_to_end.cost_dropout={share}"


def _first(on: DataName, paper: tuple[float, ...] = ()) -> Row:
    """The first run, decoded as the second is, so that the two differ in their networks alone."""
    cut = find_recipe(f"cops-{on}-e2e").method.cut
    decoding = tuple(f"method.cut.{name}={getattr(cut, name)}" for name in ("solver", "refine", "small"))
    return Row(
        name=_BASELINE,
        recipe=f"cops-{on}",
        run="base",
        decoding=decoding,
        paper=known_numbers(_MEASURES, paper),
    )


def _second(
    on: DataName, name: str, overrides: tuple[str, ...] = (), *, paper: tuple[float, ...] = ()
) -> Row:
    run = name.replace(" ", "-").translate(str.maketrans("", "", ",.()'"))
    return Row(
        name=name,
        recipe=f"cops-{on}-e2e",
        run=run,
        overrides=overrides,
        starts_from=_BASELINE,
        paper=known_numbers(_MEASURES, paper),
    )
