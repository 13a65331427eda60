"""Networks that timm does not have: our own, and a stranger's file, which a saved model may not choose."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from intarsia.errors import InputError
from intarsia.methods.load import load
from intarsia.methods.panoptic_deeplab import PanopticDeepLab, PanopticDeepLabConfig
from intarsia.nets import Backbone, BackboneConfig, DecoderConfig, build_decoder
from intarsia.nets.networks import NETWORKS, build_network, import_named, shipped_networks_only
from intarsia.panoptic import Categories

TINY = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 16, 2, 2)
    def forward(self, x):
        x = self.fine(x)
        return [x, self.coarse(x)]

def tensor():
    return nn.Conv2d(3, 8, 4, 4)

def broken():
    return nn.Linear(3, 3)

def number():
    return 3
"""


@pytest.fixture
def stranger(tmp_path: Path) -> str:
    path = tmp_path / "tiny_networks_of_a_test.py"
    path.write_text(TINY)
    return str(path)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (33, 50)])
def test_our_own_give_features_at_strides_4_and_8_of_images_of_any_size(name, size):
    backbone = Backbone(BackboneConfig(name=name, output_stride=8)).eval()
    assert backbone.strides == (4, 8)
    with torch.inference_mode():
        features = backbone(torch.rand(1, 3, *size))
    rows, columns = (-(-side // 8) for side in size)
    assert [x.shape[1:] for x in features] == [
        (backbone.channels[0], 2 * rows, 2 * columns),
        (backbone.channels[1], rows, columns),
    ]


def test_the_parameters_are_those_of_the_papers():
    """Table 2 of De Brabandere et al.: 124 million for ResNet-38, with a 3x3 convolution to 19 categories."""
    count = {name: sum(p.numel() for p in build().parameters()) for name, build in NETWORKS.items()}
    assert round((count["wide_resnet38"] + 512 * 19 * 9) / 1e6) == 124
    assert 0.3e6 < count["enet"] < 0.36e6  # 0.36 million with the decoder that we leave out
    assert 1.8e6 < count["erfnet"] < 2.1e6


def test_a_network_of_one_s_own_is_a_backbone(stranger):
    config = BackboneConfig(name=f"{stranger}:Tiny", output_stride=8)
    backbone = Backbone(config)
    assert (backbone.strides, backbone.channels) == ((4, 8), (8, 16))
    decoder = build_decoder(DecoderConfig(kind="none"), backbone)
    assert decoder(backbone(torch.zeros(1, 3, 20, 9))).shape == (1, 16, 6, 4)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("tensor", "a network that returns a list of features"),
        ("broken", "a network for images of 64x64"),
        ("number", "a function that returns a torch module, got int"),
        ("missing", "`backbone.name` must be a name in"),
    ],
)
def test_what_is_no_network_is_refused(stranger, function, message):
    with pytest.raises(InputError, match=message):
        build_network(f"{stranger}:{function}")


def test_code_that_cannot_be_imported_is_one_sentence(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import no_such_module_anywhere")
    with pytest.raises(InputError, match="in code that can be imported, got .*ModuleNotFoundError"):
        import_named("recipe", f"{path}:f")
    with pytest.raises(InputError, match="in a Python file that exists"):
        import_named("recipe", f"{tmp_path}/none.py:f")
    with pytest.raises(InputError, match="in code that can be imported"):
        import_named("recipe", "no_such_module_anywhere:f")


def test_a_saved_model_does_not_choose_what_is_imported(stranger, tmp_path):
    """A folder that names a file is refused, unless this process was asked for that very name before."""
    config = PanopticDeepLabConfig(backbone=BackboneConfig(name="erfnet", output_stride=8))
    PanopticDeepLab(config, Categories.named("facades")).save(tmp_path / "model")
    settings = tmp_path / "model" / "config.json"
    settings.write_text(settings.read_text().replace('"erfnet"', f'"{stranger}:Tiny"'))
    with pytest.raises(InputError, match="of a network that ships where a saved model names it"):
        load(tmp_path / "model")
    build_network(f"{stranger}:Tiny")
    with shipped_networks_only():
        assert build_network(f"{stranger}:Tiny")


def test_weights_from_the_hub_are_refused_for_our_own():
    with pytest.raises(InputError, match="`backbone.pretrained` must be false or a file for enet"):
        Backbone(BackboneConfig(name="enet", pretrained=True, output_stride=8))
