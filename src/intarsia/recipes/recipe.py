"""What a training run is: one frozen tree of settings, saved beside what it made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from intarsia._check import fail
from intarsia.data.transforms import Augmentation


@dataclass(frozen=True, kw_only=True)
class Optim:
    """AdamW, or SGD with momentum, with a smaller step for the pretrained backbone."""

    kind: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    backbone_lr_factor: float = 0.3
    weight_decay: float = 1e-2
    clip_norm: float = 5.0

    def __post_init__(self) -> None:
        """Refuse steps that cannot train."""
        for name in ("lr", "clip_norm"):
            if not getattr(self, name) > 0:
                fail(f"optim.{name}", "above 0", getattr(self, name))
        if not 0 <= self.momentum < 1:
            fail("optim.momentum", "in [0, 1)", self.momentum)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Linear warm-up, then `(1 - t/T) ** power`. Counts are optimiser steps; a patience of 0 is no limit."""

    steps: int = 3000
    warmup: int = 200
    power: float = 0.9
    evaluate_every: int = 500
    checkpoint_every: int = 200
    log_every: int = 20
    patience: int = 0

    def __post_init__(self) -> None:
        """Refuse a schedule without steps."""
        for name in ("steps", "evaluate_every", "checkpoint_every", "log_every"):
            if getattr(self, name) < 1:
                fail(f"schedule.{name}", "at least 1", getattr(self, name))

    def factor(self, step: int) -> float:
        """What the learning rate is multiplied by at a step, 0 ... steps - 1."""
        warm = min(1.0, (step + 1) / max(1, self.warmup))
        return warm * (1 - step / self.steps) ** self.power


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole run. `method` is the config of one of `intarsia.methods`; `data` is a data set folder.

    `initial` is a model that the run starts from instead of fresh heads: what `intarsia.load` takes, such as
    the folder `best` of another run.
    """

    method: Any
    data: str = ""
    initial: str = ""
    augmentation: Augmentation = field(default_factory=Augmentation)
    batch_size: int = 8
    accumulate: int = 1
    workers: int = 2
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    ema_decay: float = 0.998
    precision: Literal["no", "bf16", "fp16"] = "no"
    threads: int = 0
    device: Literal["auto", "cpu"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse empty batches and a decay that never forgets."""
        for name in ("batch_size", "accumulate"):
            if getattr(self, name) < 1:
                fail(name, "at least 1", getattr(self, name))
        if not 0 <= self.ema_decay < 1:
            fail("ema_decay", "in [0, 1), 0 for none", self.ema_decay)
