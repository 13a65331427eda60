"""Training: one loop for every method, on any device, that continues where it was stopped."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list, set_seed
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from intarsia._check import fail
from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import training_loader
from intarsia.data.targets import Batch
from intarsia.data.transforms import train_transform
from intarsia.engine.checkpoint import load_checkpoint, save_checkpoint
from intarsia.engine.optimizer import build_optimizer
from intarsia.engine.own_losses import OwnLosses
from intarsia.engine.run_folder import CHECKPOINT_FILE, RECIPE_FILE, save_recipe
from intarsia.engine.run_log import RunLog
from intarsia.engine.run_request import RunRequest
from intarsia.engine.validate import Validation, validate
from intarsia.errors import InputError
from intarsia.formats.layout import splits_of
from intarsia.methods.method import AbstractMethod
from intarsia.methods.model_folder import read_model, recorded_name
from intarsia.methods.transfer import start_from
from intarsia.pictures.intake import Intake
from intarsia.recipes.recipe import Recipe
from intarsia.runtime.diameter import typical_diameter_px


def run_to_the_end(run: RunRequest) -> Path:
    """Open the run's folder and train from its last checkpoint to its last step; returns the folder."""
    accelerator = accelerator_of(run.tree)
    folder = _open_folder(run, accelerator)
    try:
        trainer = Trainer(run, folder, accelerator)
    except InputError:
        if run.is_new and accelerator.is_main_process:
            _take_back(folder)
        raise
    trainer.run()
    if run.tree.export and accelerator.is_main_process:
        trainer.export_best()
    return folder


class Trainer:
    """The state of one run: `run` takes it from its last checkpoint to its last step."""

    def __init__(self, run: RunRequest, folder: Path, accelerator: Accelerator) -> None:
        """Build everything the run needs and restore its last checkpoint, if there is one."""
        recipe = run.tree
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.recipe, self.folder, self.accelerator = recipe, folder, accelerator
        set_seed(recipe.seed, device_specific=True)
        # data and method; weights of another model only where the run has not begun
        self.train_data, self.validation_data = data_of(recipe)
        method = run.method_class(recipe.method, self.train_data.categories)
        if method.has_decoder:
            method.map_decoder.check_categories(method.categories)
        method.diameter_px = trained_diameter_px(self.train_data)
        method.intake = Intake(recipe.channel, recipe.size, recipe.page)
        self.own_losses = OwnLosses(recipe.losses, recipe.loss_weights)
        is_begun = (folder / CHECKPOINT_FILE).is_file()
        transfer = start_from(method, recipe.initial) if recipe.initial and not is_begun else None
        # on the device, with an average of the weights beside it
        self.model, self.optimizer = self.accelerator.prepare(method, build_optimizer(method, recipe.optim))
        self.ema = (
            ModelEmaV3(self.method, decay=recipe.ema_decay, use_warmup=True) if recipe.ema_decay else None
        )
        # where the run stands, and its log
        self.step, self.best_pq = 0, -1.0
        self.num_evaluations_without_gain = 0
        if is_begun:
            self._restore(load_checkpoint(folder / CHECKPOINT_FILE))
        self.log = RunLog(folder, recipe, first_step=self.step, active=self.accelerator.is_main_process)
        if transfer is not None:
            self.log.say(str(transfer))

    @property
    def method(self) -> AbstractMethod:
        """The method without what wraps it for several processes."""
        return self.accelerator.unwrap_model(self.model)

    @property
    def best_guess(self) -> AbstractMethod:
        """The averaged weights if they are kept, else the current ones."""
        return cast(AbstractMethod, self.ema.module) if self.ema else self.method

    def run(self) -> None:
        """Step until the schedule's end or until validation stops improving."""
        schedule = self.recipe.schedule
        # the loader skips what earlier steps of a continued run have seen
        batches = iter(
            training_loader(
                self.train_data,
                batch_size=self.recipe.batch_size,
                seed=self.recipe.seed,
                num_workers=self.recipe.workers,
                start_step=self.step * self.recipe.accumulate,
                rank=self.accelerator.process_index,
                world_size=self.accelerator.num_processes,
            )
        )
        with self.log:
            while self.step < schedule.steps:
                self._advance([next(batches) for _ in range(self.recipe.accumulate)])
                # validation before the checkpoint, which keeps its result
                last = self.step == schedule.steps
                if last or self.step % schedule.evaluate_every == 0:
                    self._validate()
                if last or self.step % schedule.checkpoint_every == 0:
                    self._save()
                num_stale = self.num_evaluations_without_gain
                if schedule.patience and num_stale >= schedule.patience:
                    self.log.say(f"No better PQ in {num_stale} evaluations: stopped at step {self.step}.")
                    break
            self._save()

    def _advance(self, batches: list[Batch]) -> None:
        """One optimiser step over `accumulate` batches."""
        self.model.train()
        # Dropout depends on the seed and the step alone, so that a continued run draws the same.
        set_seed(self.recipe.seed * 1_000_003 + self.step, device_specific=True)
        factor = self.recipe.schedule.factor(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        # gradients of all batches; processes exchange them with the last one
        sums: dict[str, Tensor] = {}
        for number, batch in enumerate(batches, start=1):
            is_last = number == len(batches)
            with contextlib.nullcontext() if is_last else self.accelerator.no_sync(self.model):
                self.method.loss_scale = self._loss_scale / len(batches)
                terms = self._losses(batch)
                self.accelerator.backward(sum(terms.values()) / len(batches))
            for name, value in terms.items():
                sums[name] = sums.get(name, 0) + value.detach() / len(batches)
        # the step, and what follows the weights
        if self.recipe.optim.clip_norm:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.optim.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.ema:
            self.ema.update(self.method, step=self.step)
        self.log.step(self.step, sums, lr=self.recipe.optim.lr * factor)

    @property
    def _loss_scale(self) -> float:
        """What the gradient scaler multiplies losses with; 1 without one."""
        return float(self.accelerator.scaler.get_scale()) if self.accelerator.scaler else 1.0

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.accelerator.device)
        with self.accelerator.autocast():
            output = self.model(self.method.as_seen(batch.images))
            terms = self.method.losses(output, batch.targets)
            terms = self.own_losses.terms(output, batch.targets, terms)
        for name, value in terms.items():
            if not torch.isfinite(value):
                fail(
                    f"loss/{name}",
                    "finite",
                    f"{value.item()} at step {self.step + 1} on {', '.join(batch.names)}",
                    hint=f"Lower optim.lr; `intarsia train {self.folder}` goes on from the last checkpoint.",
                )
        return terms

    def _validate(self) -> None:
        result = validate(self.best_guess, self.validation_data, self.accelerator, size=self.recipe.size)
        self._keep_models(result)
        self.log.validation(self.step, result)

    def _keep_models(self, result: Validation) -> None:
        pq = result.report.all.pq or 0.0
        better = pq > self.best_pq
        if better:
            self.best_pq = pq
        self.num_evaluations_without_gain = 0 if better else self.num_evaluations_without_gain + 1
        if self.accelerator.is_main_process:
            for name in ("last", "best") if better else ("last",):
                self.best_guess.save(self.folder / name)

    def export_best(self) -> None:
        """Let the best model predict without torch; one that cannot leave it stays as it is, and says so."""
        kind = type(self.method)
        try:
            model = read_model(self.folder / "best", {recorded_name(kind): kind})
            model.save(self.folder / "best", export=True)
        except InputError as error:
            self.log.say(f"`best` is not exported: {error}")

    def _save(self) -> None:
        if not self.accelerator.is_main_process:
            return
        save_checkpoint(
            self.folder / CHECKPOINT_FILE,
            {
                "step": self.step,
                "best_pq": self.best_pq,
                "stale": self.num_evaluations_without_gain,
                "model": self.method.state_dict(),
                "ema": self.ema.module.state_dict() if self.ema else None,
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else None,
            },
        )

    def _restore(self, state: dict) -> None:
        try:
            self.method.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.ema:
                self.ema.module.load_state_dict(state["ema"] or state["model"])
        except (RuntimeError, ValueError, KeyError) as error:
            fail(
                str(self.folder),
                "a run of this recipe",
                f"a checkpoint that differs ({str(error).splitlines()[0]})",
            )
        if self.accelerator.scaler and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.step, self.best_pq = state["step"], state["best_pq"]
        self.num_evaluations_without_gain = state["stale"]


def data_of(recipe: Recipe) -> tuple[PanopticDataset, PanopticDataset]:
    """What to train on and what to validate on; of a folder without `val`, every tenth image is held out.

    A folder with a single image is both.
    """
    transform = train_transform(recipe.augmentation)
    split_of = partial(PanopticDataset, recipe.data, channel=recipe.channel, page=recipe.page)
    training = split_of(split="train", transform=transform)
    if "val" in splits_of(recipe.data):
        return training, split_of(split="val")
    originals = split_of(split="train")
    if len(originals) == 1:
        return training, originals
    first = min(9, len(originals) - 1)
    held_out = set(range(first, len(originals), 10))
    parts = [
        [record for number, record in enumerate(originals.records) if (number in held_out) is held]
        for held in (False, True)
    ]
    return training.part(parts[0]), originals.part(parts[1])


def trained_diameter_px(data: PanopticDataset) -> float | None:
    """How large the things of a data set are, from a hundred of its maps, for a model to remember.

    To a tenth of a pixel: people are told the limits that follow from it.
    """
    maps = (record.read() for record in data.records[:: max(len(data) // 100, 1)])
    diameter_px = typical_diameter_px(maps, data.categories)
    return None if diameter_px is None else round(diameter_px, 1)


def accelerator_of(recipe: Recipe) -> Accelerator:
    """accelerate's own state is one for the whole Python process; each run starts with a fresh one."""
    if not torch.distributed.is_initialized():
        AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(mixed_precision=recipe.precision, cpu=recipe.device == "cpu")


def _take_back(folder: Path) -> None:
    """Leave nothing of a run that was refused before its first step: its folder serves the next try."""
    (folder / RECIPE_FILE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: it was there before
        folder.rmdir()


def _open_folder(run: RunRequest, accelerator: Accelerator) -> Path:
    """The main process makes the folder and tells the others its name, which may hold the time."""
    if accelerator.is_main_process:
        if run.is_new and (run.folder / RECIPE_FILE).is_file():
            hint = f"`intarsia train {run.folder}` continues it."
            fail("out", "a new folder", f"the run {run.folder}", hint=hint)
        try:
            run.folder.mkdir(parents=True, exist_ok=True)
            save_recipe(run.folder, run.name, run.tree, run.method_class)
        except OSError as error:
            fail("out", "a folder that can be written", f"{run.folder} ({error.strerror})")
    return Path(broadcast_object_list([str(run.folder)])[0])
