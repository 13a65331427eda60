"""The schedule of a run and what its tree refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.configs import override
from intarsia.engine.run_request import method_class_of
from intarsia.errors import InputError
from intarsia.methods.load import METHODS
from intarsia.recipes.find import RECIPES, find_recipe
from intarsia.recipes.recipe import Optim, Schedule


def test_the_rate_rises_from_a_third_and_falls_to_a_tenth_at_each_drop():
    """Li et al.: 65,000 steps, from a third over 500, a tenth after 40,000 and again after 15,000 more."""
    schedule = Schedule(steps=65_000, warmup=500, warmup_from=1 / 3, decay="drops", drops=(40_000, 55_000))
    rates = {0: 1 / 3, 499: 1.0, 39_999: 1.0, 40_000: 0.1, 54_999: 0.1, 55_000: 0.01, 64_999: 0.01}
    assert {step: schedule.factor(step) for step in rates} == pytest.approx(rates)


@given(st.integers(0, 500), st.integers(1, 1000), st.data())
def test_without_a_start_the_warm_up_is_even_steps_and_then_the_polynomial(warmup, steps, data):
    step = data.draw(st.integers(0, steps - 1))
    wanted = min(1.0, (step + 1) / max(1, warmup)) * (1 - step / steps) ** 0.9
    assert Schedule(steps=steps, warmup=warmup).factor(step) == pytest.approx(wanted)


@given(st.integers(2, 100), st.floats(0, 1))
def test_a_warm_up_only_rises_and_ends_at_the_whole_rate(warmup, start):
    schedule = Schedule(warmup=warmup, warmup_from=start, power=0.0)
    rates = [schedule.factor(step) for step in range(warmup)]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(start or 1 / warmup)
    assert rates[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decay": "drops"}, '`schedule.drops` must be the steps of decay "drops"'),
        ({"drops": (10,)}, '`schedule.drops` must be the steps of decay "drops"'),
        ({"decay": "drops", "drops": (20, 10)}, "rising steps from 1 on"),
        ({"decay": "drops", "drops": (0, 10)}, "rising steps from 1 on"),
        ({"warmup_from": 1.5}, r"`schedule.warmup_from` must be in \[0, 1\], got 1.5"),
        ({"steps": 0}, "`schedule.steps` must be at least 1"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Schedule(**settings)


@pytest.mark.parametrize("name", ["clip_norm", "weight_decay", "backbone_lr_factor"])
def test_negative_settings_of_the_optimiser_are_refused(name):
    with pytest.raises(InputError, match=f"`optim.{name}` must be at least 0, got -1"):
        override(Optim(), [f"{name}=-1"])


def test_a_size_that_is_none_is_refused_before_anything_starts():
    with pytest.raises(InputError, match="`size` must be empty"):
        override(find_recipe("cops-facades"), ["size=768"])
    assert override(find_recipe("cops-facades"), ["size=800/1333"]).size == "800/1333"


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_the_settings_of_a_method_that_ships(name):
    """Wherever the settings are written down: training finds the method by them."""
    method = find_recipe(name).method
    cls = method_class_of(method)
    assert cls in METHODS.values()
    assert cls.config_type is type(method)
