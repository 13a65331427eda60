"""Loaders: what comes depends on the seed and the step, not on who reads it or when the run began."""

from __future__ import annotations

import pickle
import shutil
from itertools import islice
from pathlib import Path

import pytest
import torch

from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader, training_loader
from intarsia.data.targets import Batch
from intarsia.data.transforms import Augmentation, train_transform
from intarsia.errors import InputError

AUGMENTATION = Augmentation(crop=(48, 64))


@pytest.fixture
def dataset(sticks_folder: Path) -> PanopticDataset:
    return PanopticDataset(sticks_folder, split="train", transform=train_transform(AUGMENTATION))


@pytest.fixture
def damaged(sticks_folder: Path, tmp_path: Path) -> PanopticDataset:
    """The data set after its image 2 was cut short."""
    folder = Path(shutil.copytree(sticks_folder / "train", tmp_path / "train"))
    path = sorted((folder / "images").iterdir())[2]
    path.write_bytes(path.read_bytes()[:150])
    return PanopticDataset(folder)


def same(first: Batch, second: Batch) -> bool:
    return (
        first.names == second.names
        and torch.equal(first.images, second.images)
        and torch.equal(first.targets.instances, second.targets.instances)
        and torch.equal(first.targets.semantic, second.targets.semantic)
    )


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own(dataset: PanopticDataset):
    """7 images in batches of 2: seven batches are two epochs."""
    names = [
        name for batch in training_loader(dataset, batch_size=2, seed=0, num_steps=7) for name in batch.names
    ]
    assert sorted(names[:7]) == sorted(names[7:]) == sorted({record.image_file for record in dataset.records})
    assert names[:7] != names[7:]


@pytest.mark.parametrize(
    "start_method",
    [
        "fork",
        pytest.param("spawn", marks=pytest.mark.slow),
        pytest.param("forkserver", marks=pytest.mark.slow),
    ],
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_workers_change_nothing(dataset: PanopticDataset, start_method: str):
    alone = training_loader(dataset, batch_size=2, seed=1, num_steps=4)
    shared = training_loader(
        dataset, batch_size=2, seed=1, num_steps=4, num_workers=2, start_method=start_method
    )
    pairs = list(zip(alone, shared, strict=True))
    assert len(pairs) == 4
    assert all(same(first, second) for first, second in pairs)


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_continued_run_sees_the_batches_of_an_unbroken_one(dataset: PanopticDataset, step: int):
    unbroken = list(training_loader(dataset, batch_size=3, seed=2, num_steps=6))
    continued = list(training_loader(dataset, batch_size=3, seed=2, start_step=step, num_steps=6))
    assert len(continued) == 6 - step
    assert all(same(first, second) for first, second in zip(unbroken[step:], continued, strict=True))


def test_nothing_is_read_to_get_to_a_late_step(dataset: PanopticDataset):
    read = []
    transform = dataset.transform
    assert transform is not None
    dataset.transform = lambda sample: (read.append(sample.name), transform(sample))[1]
    next(iter(training_loader(dataset, batch_size=2, seed=0, start_step=1_000_000)))
    assert len(read) == 2


def test_processes_share_out_the_batches_of_one(dataset: PanopticDataset):
    """Two processes with batches of 2 see together what one with batches of 4 sees."""
    one = list(training_loader(dataset, batch_size=4, seed=4, num_steps=3))
    shares = [
        list(training_loader(dataset, batch_size=2, seed=4, num_steps=3, rank=rank, world_size=2))
        for rank in (0, 1)
    ]
    for whole, first, second in zip(one, *shares, strict=True):
        assert whole.names == first.names + second.names
        assert torch.equal(whole.images, torch.cat([first.images, second.images]))


def test_what_workers_get_can_be_sent_to_them(dataset: PanopticDataset):
    """Workers that do not fork receive the data set pickled."""
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.categories == dataset.categories
    pair = [next(iter(training_loader(data, batch_size=2, seed=1))) for data in (dataset, copy)]
    assert same(*pair)


def test_seeds_differ(dataset: PanopticDataset):
    first, second = (next(iter(training_loader(dataset, batch_size=7, seed=seed))) for seed in (0, 1))
    assert first.names != second.names
    assert not torch.equal(first.images, second.images)


def test_the_same_image_varies_from_epoch_to_epoch(dataset: PanopticDataset):
    seen = {}
    for batch in training_loader(dataset, batch_size=7, seed=0, num_steps=2):
        for name, image in zip(batch.names, batch.images, strict=True):
            seen.setdefault(name, []).append(image)
    assert all(not torch.equal(*images) for images in seen.values())


def test_loading_leaves_the_generator_of_the_run_alone(dataset: PanopticDataset):
    batches = iter(training_loader(dataset, batch_size=2, seed=0))
    next(batches)
    torch.manual_seed(9)
    next(batches)
    drawn = torch.rand(3)
    torch.manual_seed(9)
    assert torch.equal(drawn, torch.rand(3))


def test_without_end_means_without_end(dataset: PanopticDataset):
    assert len(list(islice(training_loader(dataset, batch_size=2, seed=0), 9))) == 9


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_broken_image_stops_the_training_with_its_name(damaged: PanopticDataset, num_workers: int):
    with pytest.raises(ValueError, match=r"^`.*sticks_00002\.png` must be a readable image, got .*\.$"):
        list(training_loader(damaged, batch_size=7, seed=0, num_steps=1, num_workers=num_workers))


def test_a_broken_image_can_be_passed_over_and_is_reported_once(damaged: PanopticDataset):
    loader = training_loader(damaged, batch_size=7, seed=0, num_steps=3, skip_broken=True)
    batches = list(loader)
    assert [len(batch) for batch in batches] == [7, 7, 7]
    assert len(loader.broken) == 1
    assert "sticks_00002.png" in loader.broken[0]
    assert all("sticks_00002.png" not in batch.names for batch in batches)


def test_a_data_set_of_broken_images_only(damaged: PanopticDataset):
    for path in (damaged.folder / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="must be a readable image"):
        next(iter(training_loader(damaged, batch_size=1, seed=0, skip_broken=True)))
    assert list(evaluation_loader(damaged, skip_broken=True)) == []


def test_evaluation_shows_each_image_once_with_its_whole_truth(sticks_folder: Path):
    dataset = PanopticDataset(sticks_folder, split="train")
    loader = evaluation_loader(dataset, batch_size=3)
    batches = list(loader)
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert len(loader) == 3
    assert [name for batch in batches for name in batch.names] == [r.image_file for r in dataset.records]
    assert batches[2].truths[0] == dataset[6].panoptic_map()
    assert batches[0].sizes == [(256, 256)] * 3


def test_evaluation_is_shared_out_without_doubles(sticks_folder: Path):
    dataset = PanopticDataset(sticks_folder, split="train")
    shares = [evaluation_loader(dataset, batch_size=2, rank=rank, world_size=3) for rank in range(3)]
    names = [name for share in shares for batch in share for name in batch.names]
    assert sorted(names) == [record.image_file for record in dataset.records]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_evaluation_reports_broken_files_at_the_end(damaged: PanopticDataset, batch_size: int):
    loader = evaluation_loader(damaged, batch_size=batch_size, skip_broken=True)
    assert sum(len(batch) for batch in loader) == 6
    assert len(loader.broken) == 1
    with pytest.raises(ValueError, match=r"sticks_00002\.png"):
        list(evaluation_loader(damaged, batch_size=batch_size))


def test_shares_out_of_range_are_refused(dataset: PanopticDataset):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        training_loader(dataset, batch_size=0, seed=0)
    with pytest.raises(ValueError, match=r"`rank` must be in \[0, 2\), got 2"):
        evaluation_loader(dataset, rank=2, world_size=2)


def test_images_are_seen_in_the_size_asked_for_and_truths_stay(sticks_folder: Path):
    data = PanopticDataset(sticks_folder, split="val")
    whole, small = (list(evaluation_loader(data, size=size)) for size in ("", "96x64"))
    for before, after in zip(whole, small, strict=True):
        assert after.images.shape == (1, 3, 64, 96)
        assert after.sizes == [(64, 96)]
        assert after.truths[0].size == before.truths[0].size == (256, 256)
        mean = torch.nn.functional.interpolate(before.images, (64, 96), mode="bilinear", antialias=True)
        assert (after.images - mean).abs().max() < 2 / 255


def test_a_size_that_is_none_is_refused(sticks_folder: Path):
    with pytest.raises(InputError, match="`size` must be empty"):
        evaluation_loader(PanopticDataset(sticks_folder, split="val"), size="large")
