"""Embeddings by a cut: costs by hand and against a loop; instances that mean shift finds are found."""

import dataclasses

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from intarsia.data.targets import at_grid
from intarsia.decoding.embedding_cut import embedding_affinities, embedding_cut_view
from intarsia.methods.discriminative import DiscriminativeOutput
from intarsia.metrics import PanopticQuality
from tests.methods.conftest import CATEGORIES, discriminative

SIZE = (66, 70)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    offsets=st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)).filter(any), max_size=3),
)
def test_affinities_equal_a_loop_over_pairs(seed, offsets):
    embeddings = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(seed)) * 2
    got = embedding_affinities(embeddings.numpy(), offsets, radius=1.5)
    for (o, (dr, dc)), r, c in ((x, r, c) for x in enumerate(offsets) for r in range(4) for c in range(5)):
        if not (0 <= r + dr < 4 and 0 <= c + dc < 5):
            assert got[o, r, c] == 0
            continue
        distance = float((embeddings[:, r, c] - embeddings[:, r + dr, c + dc]).norm())
        probability = np.clip(0.5 ** ((distance / 1.5) ** 2), 1e-12, 1 - 1e-12)
        wanted = np.clip(np.log(probability / (1 - probability)), -6, 6)
        assert abs(float(got[o, r, c]) - wanted) < 1e-3


def test_a_pair_has_the_geometric_mean_of_its_ends_radii():
    embeddings = np.array([[[0.0, 3.0]]], np.float32)
    radius = np.array([[2.0, 4.5]], np.float32)  # its geometric mean is 3
    got = embedding_affinities(embeddings, [(0, 1)], radius=radius)
    assert abs(float(got[0, 0, 0])) < 1e-5


def output_of(scene):
    """Logits of the truth; the embedding of instance n is (4 n, 0, ...), that of stuff is noise."""
    grid = at_grid(scene.targets)
    logits = one_hot(grid.semantic, 4).permute(0, 3, 1, 2) * 20.0
    embeddings = torch.randn(1, 4, *grid.instances.shape[1:], generator=torch.Generator().manual_seed(0))
    embeddings = embeddings * torch.where(grid.instances > 0, 0.1, 5.0)[:, None]
    embeddings[:, 0] += grid.instances * 4.0
    return DiscriminativeOutput(logits, embeddings)


def test_perfect_tensors_give_the_true_segments(scene, categories):
    method = discriminative().eval()
    grouping = dataclasses.replace(method.config.grouping, kind="cut")
    method.config = dataclasses.replace(method.config, grouping=grouping)
    [result] = method.decode(output_of(scene), [SIZE])
    quality = PanopticQuality(categories)
    quality.update(result, scene.truth)
    assert quality.compute().all.rq == 1
    assert quality.compute().all.pq > 0.85


def test_pairs_of_stuff_do_not_count(scene):
    output = output_of(scene)
    view = embedding_cut_view(
        output.semantic_logits[0].numpy(),
        output.embeddings[0].numpy(),
        SIZE,
        categories=CATEGORIES,
        offsets=[(0, 1)],
        radius=1.5,
        stride=4,
    )
    instances = at_grid(scene.targets).instances[0].numpy()
    both = (instances[:, :-1] > 0) & (instances[:, 1:] > 0)
    costs = view.problem.affinity_costs[0, :, :-1]
    assert (np.abs(costs[both]) > 1).all()
    assert (np.abs(costs[~both]) < 1e-3).all()
