"""What a training run is: one frozen tree of settings, saved beside what it made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from intarsia._check import check_least, fail, nearest
from intarsia.data.transforms import Augmentation
from intarsia.pictures.intake import Intake

LOGGERS = ("tensorboard", "wandb", "mlflow")


@dataclass(frozen=True, kw_only=True)
class Optim:
    """How weights move along their gradients.

    Attributes:
        kind: "adamw", "adam", which shrinks weights through their gradients, or "sgd" with momentum.
        lr: Learning rate after the warm-up, of all but the backbone.
        momentum: Of "sgd" alone, the share of the last step that goes on; 0.9, the usual one.
        backbone_lr_factor: What the pretrained backbone's rate is multiplied by.
        weight_decay: Of matrices and kernels; norms and biases are not decayed.
        clip_norm: Longest gradient; longer ones are shortened to it. 0 for no limit.
    """

    kind: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    backbone_lr_factor: float = 0.3
    weight_decay: float = 1e-2
    clip_norm: float = 5.0

    def __post_init__(self) -> None:
        """Refuse steps that cannot train."""
        if not self.lr > 0:
            fail("optim.lr", "above 0", self.lr)
        for name in ("clip_norm", "weight_decay", "backbone_lr_factor"):
            check_least(f"optim.{name}", getattr(self, name), 0)
        if not 0 <= self.momentum < 1:
            fail("optim.momentum", "in [0, 1)", self.momentum)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate runs over the optimiser steps, and when what is written.

    Attributes:
        steps: Length of the run, in optimiser steps; 3000, an hour or two of a CPU.
        warmup: Steps over which the rate rises linearly to the whole; 200, a fifteenth of the steps.
        warmup_from: What share of the rate the first step has; 0: an even step up from nothing.
        decay: "polynomial": `(1 - t/T) ** power`; "drops": a tenth from each of `drops` on.
        power: Of the polynomial; 0.9 is DeepLab's, nearly a straight line to 0.
        drops: Steps at which the rate falls to a tenth; only with "drops".
        evaluate_every: Steps from one validation to the next; 500, so that validation takes a small share of
            the time.
        checkpoint_every: Steps from one checkpoint to the next; 200, minutes of a CPU that a stop can cost.
        log_every: Steps from one row of numbers to the next; 20, half a minute of a CPU.
        patience: Validations without a better PQ after which the run stops; 0 for no limit.

    Example:
        >>> schedule = Schedule(steps=65_000, warmup=500, warmup_from=1 / 3, decay="drops", drops=(40_000,))
        >>> [round(schedule.factor(step), 4) for step in (0, 499, 39_999, 40_000)]
        [0.3333, 1.0, 1.0, 0.1]
    """

    steps: int = 3000
    warmup: int = 200
    warmup_from: float = 0.0
    decay: Literal["polynomial", "drops"] = "polynomial"
    power: float = 0.9
    drops: tuple[int, ...] = ()
    evaluate_every: int = 500
    checkpoint_every: int = 200
    log_every: int = 20
    patience: int = 0

    def __post_init__(self) -> None:
        """Refuse a schedule without steps, and drops that do not come one after the other."""
        for name in ("steps", "evaluate_every", "checkpoint_every", "log_every"):
            check_least(f"schedule.{name}", getattr(self, name), 1)
        if not 0 <= self.warmup_from <= 1:
            fail("schedule.warmup_from", "in [0, 1]", self.warmup_from)
        if (self.decay == "drops") != bool(self.drops):
            fail("schedule.drops", 'the steps of decay "drops", and empty with another', self.drops)
        if list(self.drops) != sorted(set(self.drops)) or min(self.drops, default=1) < 1:
            fail("schedule.drops", "rising steps from 1 on", self.drops)

    def factor(self, step: int) -> float:
        """What the learning rate is multiplied by at a step, 0 ... steps - 1."""
        start = self.warmup_from or 1 / max(1, self.warmup)
        rise = step / (self.warmup - 1) if self.warmup > 1 else 1.0
        warm = min(1.0, start + (1 - start) * rise)
        if self.decay == "drops":
            return warm * 0.1 ** sum(step >= drop for drop in self.drops)
        return warm * (1 - step / self.steps) ** self.power


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole run.

    Attributes:
        method: The config of one of `intarsia.methods`, or of a method of your own.
        data: A data set folder.
        initial: A model that the run starts from instead of fresh heads, as far as it fits: what
            `intarsia.load` takes, such as the folder `best` of another run.
        size: How large images are when the network sees them in validation and tables: "" for their own size,
            "768x384" (width x height) or "800/1333" (shorter side, longest side), as
            `intarsia.pictures.input_size.InputSize` reads it. In training `augmentation` says it.
        channel: Which channels of the photos' files are seen, up to three; empty for the colours of a photo.
            The trained model remembers it, `page` and `size`.
        page: Which page of the photos' files is seen, where those are stacks with one map each.
        losses: Functions of your own, as `file.py:function`, whose values count beside the method's losses.
        loss_weights: Their weights; empty: 1 for all.
        augmentation: How training samples vary.
        batch_size: Samples in a batch of one process; memory grows with it.
        accumulate: Batches in an optimiser step, for larger ones than memory holds.
        workers: Processes that read ahead; 2, a core or two beside the one that trains.
        optim: How weights move.
        schedule: How long, at what rate, and when what is written.
        ema_decay: Of the average of the weights that is validated and saved; 0 for none.
        precision: Of the network in training; "bf16" and "fp16" need a GPU.
        threads: Of torch in this process; 0 for its own choice.
        logger: Where numbers go beside the run folder: "tensorboard" (events in the run folder), "wandb" or
            "mlflow", whose packages must be installed; several, or none.
        export: Export the best model when the run ends, so that it predicts without torch; takes some 20 s.
        device: "auto" takes a GPU if there is one.
        seed: Fixes the order of the samples, their variations, and fresh weights; 0, as every seed will do.
    """

    method: Any
    data: str = ""
    initial: str = ""
    size: str = ""
    channel: tuple[int, ...] = ()
    page: int | None = None
    losses: tuple[str, ...] = ()
    loss_weights: tuple[float, ...] = ()
    augmentation: Augmentation = field(default_factory=Augmentation)
    batch_size: int = 8
    accumulate: int = 1
    workers: int = 2
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    ema_decay: float = 0.998
    precision: Literal["no", "bf16", "fp16"] = "no"
    threads: int = 0
    logger: tuple[str, ...] = ("tensorboard",)
    export: bool = True
    device: Literal["auto", "cpu"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse empty batches, a decay that never forgets, and trackers that nobody knows."""
        for name in ("batch_size", "accumulate"):
            check_least(name, getattr(self, name), 1)
        for name in self.logger:
            if name not in LOGGERS:
                fail("logger", f"made of {', '.join(LOGGERS)}", repr(name), hint=nearest(name, LOGGERS))
        if not 0 <= self.ema_decay < 1:
            fail("ema_decay", "in [0, 1), 0 for none", self.ema_decay)
        Intake(self.channel, self.size, self.page)
