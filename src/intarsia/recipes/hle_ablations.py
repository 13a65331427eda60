"""What each decision of our reading of the hierarchical embedding is worth: a change each, and a guess.

Run all of it with `intarsia ablate hle-ablations data=DIR`.
"""

from __future__ import annotations

from intarsia.recipes.ablation import Study, Variant


def facades() -> Study:
    """Eleven questions about the hierarchical embedding, on a short schedule."""
    return Study(
        recipe="hle-facades",
        overrides=("schedule.steps=600", "schedule.evaluate_every=600"),
        variants=(
            Variant("H1", "two branches, linear softmax", ("method.embedding.branches=two",), "all <="),
            Variant("H2", "no instance level", ("method.loss.instance_weight=0",), "things <"),
            Variant("H3a", "binary cross-entropy", _levels("bce"), "things <"),
            Variant("H3b", "hinges of the discriminative loss", _levels("hinge"), "things <"),
            Variant("H3c", "focal loss", _levels("focal"), "things <"),
            Variant("H4a", "margin fixed at 4 px", _fixed(4), "things <"),
            Variant("H4b", "margin fixed at 16 px", _fixed(16), "things <"),
            *(
                Variant(f"H5-{dims}", f"{dims} features", (f"method.embedding.features={dims}",), expected)
                for dims, expected in ((2, "all <"), (4, "all <="), (8, "all ="), (32, "all ="))
            ),
            Variant("H6a", "no coordinates", ("method.embedding.coordinates=none",), "things <"),
            Variant("H6b", "coordinates at the input", ("method.embedding.coordinates=input",), "things ="),
            Variant("H7a", "learned class means", ("method.loss.mean_source=learned",), "all ="),
            Variant("H7b", "averaged class means", ("method.loss.mean_source=ema",), "all <="),
            Variant("H7c", "class means of all pixels", ("method.loss.mean_source=online",), "all <="),
            Variant("H8", "categories see coordinates", ("method.embedding.category_dims=all",), "all ="),
            *(
                Variant(f"H9-{name}", text, (f"method.decoding.{change}",), "things =", trained=False)
                for name, text, change in (
                    ("s3", "seeds from 0.3", "seed_threshold=0.3"),
                    ("s7", "seeds from 0.7", "seed_threshold=0.7"),
                    ("s9", "seeds from 0.9", "seed_threshold=0.9"),
                    ("n4", "at least 4 points", "min_seed_points=4"),
                    ("n16", "at least 16 points", "min_seed_points=16"),
                    ("r1", "1 refinement", "refinements=1"),
                    ("r3", "3 refinements", "refinements=3"),
                )
            ),
            Variant("H10a", "cross-entropy of the distances", ("method.loss.category_weight=0",), "stuff ="),
            Variant("H10b", "no cross-entropy", ("method.loss.cross_entropy_weight=0",), "stuff ="),
        ),
    )


def _levels(kind: str) -> tuple[str, ...]:
    return f"method.loss.instance_loss={kind}", f"method.loss.category_loss={kind}"


def _fixed(radius_px: int) -> tuple[str, ...]:
    return "method.embedding.sigma=fixed", f"method.embedding.start_radius_px={radius_px}"
