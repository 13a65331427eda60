"""The discriminative loss as De Brabandere, Neven and Van Gool 2017 train it on Cityscapes.

docs/papers.md has each setting with the place that it comes from. What the paper leaves open is ours there.
"""

from __future__ import annotations

from intarsia.data.transforms import Augmentation
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeLossConfig, MeanShiftConfig
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.nets.backbone import BackboneConfig
from intarsia.nets.decoder import DecoderConfig
from intarsia.nets.heads import EmbeddingHeadConfig
from intarsia.recipes.recipe import Optim, Recipe, Schedule


def cityscapes() -> Recipe:
    """Streets: ResNet-38 at 768x384, Adam at 1e-4; one GPU in the paper.

    The paper's network was trained on the categories of Cityscapes before: train this recipe first with
    `method.embedding_loss.weight=0`, then start from that run by `initial=`.
    """
    return Recipe(
        method=DiscriminativeConfig(
            # ResNet-38 down to an eighth
            backbone=BackboneConfig(name="wide_resnet38", output_stride=8),
            decoder=DecoderConfig(kind="none", separable=False),
            semantic_depth=0,
            embedding=EmbeddingHeadConfig(dims=8, depth=0, coordinates="none"),
            semantic_loss=SemanticLossConfig(small_thing_weight=1.0),
            # the margins and weights of eq. (1) to (4)
            embedding_loss=DiscriminativeLossConfig(
                weight=1.0, delta_v=0.5, delta_d=1.5, alpha=1.0, beta=1.0, gamma=0.001, reduction="paper"
            ),
            grouping=MeanShiftConfig(kind="mean_shift", bandwidth="delta_v"),
        ),
        # 768x384, batches of 10 in parts of 2
        augmentation=Augmentation(short_sides=(384,), crop=(), flip=0.5, photometric=0.0),
        size="768x384",
        batch_size=2,
        accumulate=5,
        workers=4,
        # Adam at one rate
        optim=Optim(kind="adam", lr=1e-4, backbone_lr_factor=1.0, weight_decay=0.0, clip_norm=0.0),
        schedule=Schedule(steps=60_000, warmup=0, power=0.0, evaluate_every=5000, checkpoint_every=1000),
        ema_decay=0.0,
    )
