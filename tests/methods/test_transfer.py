"""Starting from a trained model takes what fits, says what, and refuses when nothing does."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from intarsia.errors import InputError
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeEmbedding
from intarsia.methods.hierarchical import HierarchicalConfig, HierarchicalEmbedding
from intarsia.methods.transfer import start_from
from intarsia.nets import BackboneConfig, DecoderConfig
from intarsia.panoptic import Categories

BACKBONE = BackboneConfig(name="lcnet_050")
CONFIG = DiscriminativeConfig(backbone=BACKBONE, decoder=DecoderConfig(width=16), head_width=16)
FACADES = Categories.named("facades")


@pytest.fixture(scope="module")
def trained() -> DiscriminativeEmbedding:
    torch.manual_seed(0)
    return DiscriminativeEmbedding(CONFIG, FACADES)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("model")
    trained.save(path)
    return str(path)


def equal(name: str, *methods) -> bool:
    first, second = (method.state_dict()[name] for method in methods)
    return torch.equal(first, second)


def test_a_model_built_alike_gets_everything(trained, folder):
    fresh = DiscriminativeEmbedding(CONFIG, FACADES)
    transfer = start_from(fresh, folder)
    assert (transfer.fresh, transfer.unused) == ((), ())
    assert all(equal(name, fresh, trained) for name in trained.state_dict())


def test_another_method_gets_backbone_and_decoder_and_says_what_it_left(trained, folder):
    config = HierarchicalConfig(backbone=BACKBONE, decoder=DecoderConfig(width=16), head_width=16)
    other = HierarchicalEmbedding(config, FACADES)
    transfer = start_from(other, folder)
    assert equal("backbone.network.conv_stem.weight", other, trained)
    assert {name.partition(".")[0] for name in transfer.taken} == {"backbone", "decoder"}
    assert any(name.startswith("semantic_head") for name in transfer.unused)
    assert "tensors taken (backbone, decoder); fresh: " in str(transfer)
    assert "not used: embedding_head, semantic_head." in str(transfer)


def test_a_head_of_another_width_stays_fresh(trained, folder):
    wide = DiscriminativeEmbedding(replace(CONFIG, head_width=24), FACADES)
    transfer = start_from(wide, folder)
    assert equal("decoder.aspp.join.0.weight", wide, trained)
    assert {name.partition(".")[0] for name in transfer.fresh} == {"semantic_head", "embedding_head"}


def test_between_other_categories_of_the_same_number_the_last_layer_is_not_taken(trained, folder):
    """Ten categories each, but channel 0 means something else."""
    others = Categories([replace(c, name=f"other {c.id}") for c in FACADES])
    method = DiscriminativeEmbedding(CONFIG, others)
    before = method.state_dict()["semantic_head.last.weight"].clone()
    transfer = start_from(method, folder)
    assert "semantic_head.last.weight" in transfer.fresh
    assert torch.equal(method.state_dict()["semantic_head.last.weight"], before)
    assert not equal("semantic_head.last.weight", method, trained)
    assert equal("embedding_head.head.last.weight", method, trained)


def test_a_model_of_which_nothing_fits_is_refused(folder):
    backbone = BackboneConfig(name="erfnet", output_stride=8)
    config = replace(CONFIG, backbone=backbone, decoder=DecoderConfig(kind="mlp", width=24))
    with pytest.raises(InputError, match="`initial` must be a model of which something fits this Disc"):
        start_from(DiscriminativeEmbedding(replace(config, head_width=12), FACADES), folder)


def test_a_refusal_names_both_backbones_and_what_would_fit(folder):
    backbone = BackboneConfig(name="erfnet", output_stride=8)
    config = replace(CONFIG, backbone=backbone, decoder=DecoderConfig(kind="mlp", width=24), head_width=12)
    sentence = (
        "`initial` must be a model of which something fits this DiscriminativeEmbedding, on erfnet, "
        f"got {folder}, on lcnet_050, of which nothing does. "
        "With method.backbone.name=lcnet_050 its backbone is taken."
    )
    with pytest.raises(InputError, match=re.escape(sentence)):
        start_from(DiscriminativeEmbedding(config, FACADES), folder)
    transfer = start_from(DiscriminativeEmbedding(replace(config, backbone=BACKBONE), FACADES), folder)
    assert {name.partition(".")[0] for name in transfer.taken} == {"backbone"}
    assert "semantic_head.last.bias" in transfer.fresh  # of the same length, but of other weights


def test_a_model_whose_settings_name_no_backbone_is_refused_without_advice(trained, tmp_path: Path):
    """A stranger's method may have no settings of that name."""
    trained.save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": {"trunk": 3}}))
    backbone = BackboneConfig(name="erfnet", output_stride=8)
    config = replace(CONFIG, backbone=backbone, decoder=DecoderConfig(kind="mlp", width=24), head_width=12)
    with pytest.raises(InputError, match=r"Embedding, got \S+, of which nothing does\.$"):
        start_from(DiscriminativeEmbedding(config, FACADES), str(tmp_path))


@pytest.mark.parametrize("name", ["no/such/model/folder", "", "C:\\models"])
def test_a_model_that_is_not_there_is_refused(trained, name):
    with pytest.raises(InputError, match="`model` must be the name of a shipped model or a folder"):
        start_from(trained, name)


def test_a_folder_that_is_no_model_is_refused(trained, tmp_path: Path):
    with pytest.raises(InputError, match="model.safetensors"):
        start_from(trained, str(tmp_path))
