"""The discriminative embedding: grouping of embeddings made by hand, oracles, scores, settings."""

import dataclasses

import pytest
import torch
from torch.nn.functional import one_hot

from intarsia.data.targets import at_grid
from intarsia.errors import InputError
from intarsia.methods.discriminative import (
    DiscriminativeConfig,
    DiscriminativeEmbedding,
    DiscriminativeLossConfig,
    DiscriminativeOutput,
    MeanShiftConfig,
)
from intarsia.metrics import PanopticQuality
from intarsia.nets import BackboneConfig, DecoderConfig

SIZE = (66, 70)


@pytest.fixture(scope="module")
def small(categories):
    torch.manual_seed(0)
    config = DiscriminativeConfig(
        backbone=BackboneConfig(name="lcnet_050"), decoder=DecoderConfig(width=8), head_width=8
    )
    return DiscriminativeEmbedding(config, categories).eval()


def output_of(scene, *, spread=0.0):
    """Logits of the truth; the embedding of instance n is (4 n, 0, ...) with Gaussian noise on it."""
    grid = at_grid(scene.targets)
    logits = one_hot(grid.semantic, 4).permute(0, 3, 1, 2) * 20.0
    shape = (1, 8, *grid.instances.shape[1:])
    embeddings = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * spread
    embeddings[:, 0] += grid.instances * 4.0
    return DiscriminativeOutput(logits, embeddings)


def quality(categories, prediction, scene):
    tally = PanopticQuality(categories)
    tally.update(prediction, scene.truth)
    return tally.compute().all


def test_perfect_tensors_give_the_true_segments(small, scene, categories):
    [result] = small.decode(output_of(scene), [SIZE])
    assert quality(categories, result, scene).rq == 1
    assert quality(categories, result, scene).pq > 0.85  # edges are only known to a grid point
    assert len(result.segments) == len(scene.truth.segments)


def test_tight_clusters_score_higher_than_loose_ones(small, scene):
    """Half a bandwidth is 0.75; noise of deviation 0.3 in 8 dimensions is about 0.3 * sqrt(8) = 0.85 away."""
    scores = {}
    for spread in (0.0, 0.3):
        [result] = small.decode(output_of(scene, spread=spread), [SIZE])
        scores[spread] = [s.score for s in result.segments if s.category_id in (1, 2)]
    assert min(scores[0.0]) > 0.99
    assert max(scores[0.3]) < 0.7


def test_oracles_mend_the_part_that_they_replace(small, scene, categories):
    output = output_of(scene)
    wrong_semantics = dataclasses.replace(output, semantic_logits=output.semantic_logits.flip(1))
    wrong_embeddings = dataclasses.replace(output, embeddings=output.embeddings * 0.05)

    def rq(output, **oracle):
        [result] = small.decode_with_oracle(output, [SIZE], scene.targets, **oracle)
        return quality(categories, result, scene).rq

    assert rq(wrong_semantics) == 0
    assert rq(wrong_semantics, semantics=True) == 1
    assert rq(wrong_embeddings) < 1  # all of a category in one cluster
    assert rq(wrong_embeddings, centers=True) == 1
    assert rq(output, semantics=True, centers=True) == 1


def test_without_an_oracle_the_oracle_s_verb_is_decode(small, scene):
    output = output_of(scene, spread=0.2)
    assert small.decode_with_oracle(output, [SIZE], scene.targets) == small.decode(output, [SIZE])


def test_categories_are_grouped_apart_though_they_share_a_place(small, scene, categories):
    output = output_of(scene)
    embeddings = output.embeddings.clone()
    embeddings[:, 0] = embeddings[:, 0] // 8  # instances 1 and 2, a door and a window, nearly meet
    embeddings[:, 0] *= 9
    [result] = small.decode(dataclasses.replace(output, embeddings=embeddings), [SIZE])
    assert quality(categories, result, scene).rq == 1


def test_separate_decoders_share_the_backbone_only(categories):
    config = DiscriminativeConfig(
        backbone=BackboneConfig(name="lcnet_050"),
        decoder=DecoderConfig(width=8),
        head_width=8,
        separate_decoders=True,
    )
    method = DiscriminativeEmbedding(config, categories)
    method(torch.rand(2, 3, 32, 32)).embeddings.sum().backward()
    touched = {name.split(".")[0] for name, p in method.named_parameters() if p.grad is not None}
    assert touched == {"backbone", "embedding_decoder", "embedding_head"}


def test_settings_that_cannot_be_are_refused(categories):
    with pytest.raises(
        InputError, match=r"`embedding_loss.delta_v` must be in \(0, delta_d = 0.5\), got 0.5"
    ):
        DiscriminativeLossConfig(delta_v=0.5, delta_d=0.5)
    config = DiscriminativeConfig(grouping=MeanShiftConfig(bandwidth="delta_x"))
    with pytest.raises(InputError, match="got 'delta_x'. Did you mean `delta_"):
        DiscriminativeEmbedding(config, categories)
