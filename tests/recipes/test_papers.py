"""The papers' recipes have the papers' settings, leaf by leaf as docs/papers.md lists them, and run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intarsia.commands.train import train
from intarsia.configs import override, to_dict
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.panoptic import Categories
from intarsia.recipes.find import RECIPES, find_recipe
from tests.recipes.official import write_official

PAGE = Path(__file__).parents[2] / "docs" / "papers.md"
PAPERS = [name for name in RECIPES if re.search(r"-(paper|released)(-e2e)?$", name)]


def settings_of_page() -> dict[str, list[str]]:
    """Of each recipe with a heading of its own the leaves in the second column of its table."""
    parts = re.split(r"^## `([\w-]+)`$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        name: re.findall(r"^\|[^|]*\| `([\w.]+=[^`]*)` \|", text, flags=re.MULTILINE)
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


SETTINGS = settings_of_page()


def test_the_page_has_every_recipe_of_a_paper():
    assert sorted(SETTINGS) == sorted(PAPERS)
    assert all(len(leaves) >= 4 for leaves in SETTINGS.values())


@pytest.mark.parametrize("name", PAPERS)
def test_every_setting_on_the_page_is_the_recipe_s(name):
    recipe = find_recipe(name)
    for leaf in SETTINGS[name]:
        assert override(recipe, [leaf]) == recipe, leaf


@pytest.mark.parametrize("name", [name for name in PAPERS if name.startswith("cops-")])
def test_the_second_run_takes_the_network_of_the_first(name):
    first = find_recipe(name.removesuffix("-e2e")).method
    second = find_recipe(name).method
    assert to_dict(second) | {"end_to_end": None} == to_dict(first) | {"end_to_end": None}
    assert (second.end_to_end is not None) == name.endswith("-e2e")


def test_the_resizings_of_table_2_are_all_multiples():
    """R(512, 2048, 32) and R(448, 768, 64): every value in the interval that the third number divides."""
    streets, photos = (find_recipe(f"cops-{data}-paper-e2e").augmentation for data in ("cityscapes", "coco"))
    assert streets.short_sides == tuple(n for n in range(512, 2049) if n % 32 == 0)
    assert photos.short_sides == tuple(n for n in range(448, 769) if n % 64 == 0)


def test_the_warm_up_of_li_et_al_starts_at_a_third():
    for data, drops in (("cityscapes", (40_000, 55_000)), ("coco", (150_000, 190_000))):
        schedule = find_recipe(f"unified-{data}-paper").schedule
        assert schedule.factor(0) == pytest.approx(1 / 3)
        assert [schedule.factor(step) for step in (499, drops[0] - 1, *drops)] == pytest.approx(
            [1, 1, 0.1, 0.01]
        )


def test_cops_has_the_layers_of_the_appendix():
    """Figure 6: 256 + K to 256 and 256, then 64, 32, 2 for neighbours and 128, 64, 2 for longer pairs."""
    recipe = override(find_recipe("cops-coco-paper"), ["method.backbone.pretrained=false"])
    method = CombinatorialPanoptic(recipe.method, Categories.named("cityscapes"))
    head = method.affinity_head
    shapes = [tuple(p.shape) for p in head.features.parameters() if p.ndim == 4]
    assert shapes == [(256, 256 + 19, 3, 3), (256, 256, 3, 3)]
    outputs = [[p.shape[0] for p in c.parameters() if p.ndim == 4] for c in head.classifiers]
    assert outputs == [[64, 32, 2], *[[128, 64, 2]] * 4]
    parts = dict(method.backbone.named_modules())
    assert [parts[f"network.layer4.{n}.conv2"].dilation[0] for n in range(3)] == [2, 4, 8]  # pyright: ignore
    assert parts["network.conv1.0"].kernel_size == (3, 3)
    assert [p.shape[-1] for p in method.semantic_head.parameters() if p.ndim == 4] == [3, 3, 1]


SMALL = (
    "batch_size=1",
    "accumulate=1",
    "workers=0",
    "threads=1",
    "export=false",
    "device=cpu",
    "schedule.steps=2",
    "schedule.evaluate_every=2",
    "augmentation.max_side=96",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_s_recipe_trains_validates_and_saves_on_the_official_layout(name, tmp_path):
    """Two steps on drawn pictures. Norms over one image of a few points: two images where they learn."""
    data = write_official(tmp_path / "data", "cityscapes" if "cityscapes" in name else "coco")
    recipe = find_recipe(name)
    changes = [*SMALL, f"data={data}", "method.backbone.pretrained=false"]
    changes.append(f"augmentation.short_sides={'64' if recipe.augmentation.short_sides else ''}")
    changes.append(f"augmentation.crop={'64,96' if recipe.augmentation.crop else ''}")
    changes.append(f"size={'96x48' if 'x' in recipe.size else '48/96'}")
    if recipe.schedule.decay == "drops":
        changes.append("schedule.drops=1")
    run = train(name, tuple(changes), out=str(tmp_path / "run"))
    assert {"best", "last", "metrics.csv"} <= {path.name for path in run.iterdir()}
    rows = (run / "metrics.csv").read_text().splitlines()
    assert rows[-1].startswith("2,")
    assert "pq" in rows[0]
