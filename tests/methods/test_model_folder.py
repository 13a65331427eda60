"""Saving and loading: the same results, and one sentence for everything that can be wrong with a folder."""

import dataclasses
import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

import intarsia
import intarsia.methods
from intarsia.errors import InputError
from intarsia.methods.load import METHODS, load
from intarsia.methods.method import AbstractMethod
from intarsia.runtime import find, shipped_models


@pytest.fixture
def folder(method, tmp_path):
    method.save(tmp_path / "model")
    return tmp_path / "model"


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_saved_model_comes_back_as_it_was(method, folder, scene):
    loaded = load(folder)
    assert type(loaded) is type(method)
    assert loaded.config == method.config
    assert loaded.categories == method.categories
    assert not loaded.training
    assert_close(loaded.state_dict(), method.state_dict(), rtol=0, atol=0)
    assert loaded.predict(scene.image) == method.predict(scene.image)
    assert {p.name for p in folder.iterdir()} == {"model.safetensors", "config.json", "categories.json"}


def test_a_model_of_halves_is_half_as_large_and_nearly_the_same(method, folder, tmp_path, scene):
    method.save(tmp_path / "half", half=True)
    whole, half = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("model", "half"))
    assert half < 0.6 * whole
    loaded = load(tmp_path / "half")
    assert {x.dtype for x in loaded.parameters()} == {torch.float32}
    with torch.no_grad():
        ours, theirs = method(scene.image[None]), loaded(scene.image[None])
    first = dataclasses.fields(ours)[0].name
    assert_close(getattr(ours, first), getattr(theirs, first), rtol=0.02, atol=0.02)


def test_who_may_read_the_settings_may_read_the_weights(folder):
    assert (folder / "model.safetensors").stat().st_mode == (folder / "config.json").stat().st_mode


def test_a_saved_model_needs_no_pretrained_weights(method, tmp_path):
    backbone = dataclasses.replace(method.config.backbone, pretrained="package:long_gone")
    method.config = dataclasses.replace(method.config, backbone=backbone)
    method.save(tmp_path / "model")
    assert load(tmp_path / "model").config.backbone.pretrained is False


def test_the_hub_s_verbs_go_through_the_same_folder(method, tmp_path, scene):
    method.save_pretrained(tmp_path / "hub")
    again = type(method).from_pretrained(tmp_path / "hub")
    assert isinstance(again, AbstractMethod)
    assert again.predict(scene.image) == method.predict(scene.image)
    other = next(kind for kind in METHODS.values() if kind is not type(method))
    with pytest.raises(InputError, match=f"a model of {other.__name__}, got '{type(method).__name__}'"):
        other.from_pretrained(tmp_path / "hub")


def test_every_method_is_listed_under_its_own_name():
    public = [kind for kind in vars(intarsia.methods).values() if isinstance(kind, type)]
    methods = [kind for kind in public if issubclass(kind, AbstractMethod) and kind is not AbstractMethod]
    assert {kind.__name__: kind for kind in methods} == METHODS


def test_an_unknown_name_gets_the_nearest_shipped_one(monkeypatch):
    monkeypatch.setattr(find, "shipped_models", lambda: ["facades", "nuclei"])
    with pytest.raises(InputError, match=r"got 'facade'\. Did you mean `facades`\?"):
        load("facade")
    with pytest.raises(InputError, match=r"got 'zzz'\. Known: facades, nuclei\."):
        load("zzz")


def test_every_shipped_model_loads():
    for name in shipped_models():
        assert load(name).predict(torch.zeros(3, 40, 50)).size == (40, 50)


def test_a_model_on_the_hub_that_cannot_be_reached_is_named(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network\nand a long story")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(
        InputError, match=r"on the hub that can be reached, got 'owner/name' \(no network\)\."
    ):
        load("owner/name")


@pytest.mark.parametrize("name", ["config.json", "categories.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}` must be a file of a saved model, got no such file\."):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "categories.json"])
def test_a_file_that_is_no_json_is_named(folder, name):
    (folder / name).write_text("{")
    with pytest.raises(InputError, match=rf"{name}` must be a readable JSON file"):
        load(folder)


def test_another_format_is_refused_with_the_version_that_wrote_it(folder):
    edit(folder / "config.json", lambda c: c.update(format=2, intarsia="9.1"))
    with pytest.raises(InputError, match=r"a model of format 1, got format 2 \(written by intarsia 9\.1\)\."):
        load(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(InputError, match="a model of format 1, got format list"):
        load(folder)


def test_an_unknown_method_or_setting_is_refused(folder):
    edit(folder / "config.json", lambda c: c["settings"].update(head_widht=3))
    with pytest.raises(InputError, match=r"In .*config\.json: `head_widht` must be a key of"):
        load(folder)
    edit(folder / "config.json", lambda c: c.update(method="PanopticDeepLob"))
    with pytest.raises(InputError, match=r"got 'PanopticDeepLob'\. Did you mean `PanopticDeepLab`\?"):
        load(folder)


def test_a_truncated_file_of_weights_is_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"model\.safetensors` must be a whole safetensors file"):
        load(folder)


def test_weights_that_do_not_fit_the_settings_are_refused(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = next(key for key in tensors if key.endswith(("head.last.weight", "semantic_head.weight")))
    save_file({**tensors, name: tensors[name][:, :1].clone()}, path)
    shape = re.escape(str(tuple(tensors[name].shape)))
    with pytest.raises(InputError, match=rf"`{name}` of shape {shape}, got \(\d+, 1, 1, 1\)"):
        load(folder)
    save_file({key: x for key, x in tensors.items() if key != name}, path)
    with pytest.raises(InputError, match=rf"got no tensor `{name}`"):
        load(folder)
    save_file({**tensors, "zebra": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="got a tensor too many, `zebra`"):
        load(folder)


def test_a_folder_that_cannot_be_written_is_named_and_nothing_half_written_stays(method, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/model` must be a folder that can be written"):
        method.save(tmp_path / "file" / "model")
    (tmp_path / "model" / "categories.json").mkdir(parents=True)
    with pytest.raises(InputError, match="must be a folder that can be written"):
        method.save(tmp_path / "model")
    assert not list((tmp_path / "model").glob("*.partial"))


def test_the_folder_names_the_version_that_wrote_it(folder):
    assert json.loads((folder / "config.json").read_text())["intarsia"] == intarsia.__version__
