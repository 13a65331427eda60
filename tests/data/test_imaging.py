"""Other instruments: the image changes as it is told to, the map never does."""

import pytest
import torch
from torchvision import tv_tensors

from intarsia.data.imaging import Imaging, ImagingConfig
from intarsia.data.sample import Sample
from intarsia.data.transforms import Augmentation, train_transform
from intarsia.errors import InputError
from intarsia.panoptic import Segment

NAMES = ("invert", "gamma", "blur", "noise", "jpeg")
RAMP = torch.arange(256, dtype=torch.uint8).view(1, 16, 16).repeat(3, 1, 1)


def changed(image, *, seed=0, **chances):
    torch.manual_seed(seed)
    return Imaging(ImagingConfig(**chances))(tv_tensors.Image(image)).as_subclass(torch.Tensor)


def test_a_negative_of_a_negative_is_the_image():
    assert torch.equal(changed(changed(RAMP, invert=1.0), invert=1.0), RAMP)


@pytest.mark.parametrize("seed", range(8))
def test_gamma_keeps_black_white_and_the_order_of_all_between(seed):
    curve = changed(RAMP, gamma=1.0, seed=seed)[0].flatten().int()
    assert curve[[0, -1]].tolist() == [0, 255]
    assert (curve.diff() >= 0).all()
    # an exponent of 2 takes 64 / 255 to 16 / 255, one of 1/2 to 128 / 255
    assert 16 <= curve[64] <= 128


def test_a_blur_spreads_a_point_and_keeps_its_light():
    point = torch.zeros(3, 15, 15, dtype=torch.uint8)
    point[:, 7, 7] = 255
    blurred = changed(point, blur=1.0)
    assert 0 < blurred[0, 7, 8] < blurred[0, 7, 7] < 255
    assert abs(int(blurred[0].sum()) - 255) < 25  # rounding of 49 values


def test_noise_is_of_each_pixel_and_color_by_itself():
    noisy = changed(torch.full((3, 64, 64), 128, dtype=torch.uint8), noise=1.0).float() - 128
    correlation = torch.corrcoef(noisy.flatten(1))
    assert correlation.fill_diagonal_(0).abs().max() < 0.1
    assert 0 < noisy.std() < 0.08 * 255 * 1.1
    assert noisy.mean().abs() < 1


def test_jpeg_changes_little_and_keeps_shape():
    rough = (torch.rand(3, 40, 24) * 255).to(torch.uint8)
    compressed = changed(rough, jpeg=1.0)
    assert compressed.shape == rough.shape
    assert 0 < (compressed.float() - rough.float()).abs().mean() < 60


@pytest.mark.parametrize("name", NAMES)
def test_the_map_stays_and_a_seed_repeats_the_image(name):
    ids = torch.randint(0, 3, (16, 16), dtype=torch.int32)
    sample = Sample(RAMP, ids, (Segment(1, 1), Segment(2, 2)), "a.png")
    config = Augmentation(
        scale=(1.0, 1.0), crop=(), flip=0.0, photometric=0.0, imaging=ImagingConfig(**{name: 1.0})
    )
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(train_transform(config)(sample))
    assert torch.equal(results[0].ids, ids)
    assert torch.equal(results[0].image, results[1].image)
    assert not torch.equal(results[0].image, RAMP)


def test_each_change_happens_as_often_as_it_is_told():
    torch.manual_seed(0)
    transform = Imaging(ImagingConfig(invert=0.25))
    inverted = sum(bool(transform(tv_tensors.Image(RAMP))[0, 0, 0] == 255) for _ in range(400))
    assert 60 < inverted < 140  # 100 expected, five deviations of 8.7 either way


@pytest.mark.parametrize("name", NAMES)
def test_a_chance_beyond_one_is_refused(name):
    with pytest.raises(InputError, match=rf"`imaging.{name}` must be a probability in \[0, 1\], got 1.5"):
        ImagingConfig(**{name: 1.5})
