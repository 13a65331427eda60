"""Train a tiny model on drawn scenes with a loop of your own: a method is an ordinary torch module."""

import tempfile

import torch

from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader, training_loader
from intarsia.data.synthetic import write_synthetic
from intarsia.data.transforms import Augmentation, train_transform
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeEmbedding
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.metrics import PanopticQuality
from intarsia.nets import BackboneConfig, DecoderConfig

CONFIG = DiscriminativeConfig(
    backbone=BackboneConfig(name="lcnet_050"),  # random weights: nothing is downloaded
    decoder=DecoderConfig(width=32),
    head_width=32,
    semantic_loss=SemanticLossConfig(hardest=1.0, small_thing_weight=1.0),
)


def main(num_steps: int = 50) -> None:
    """Enough steps to see it learn, far too few to be good at it."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        write_synthetic(folder, kind="sticks", num_train=16, num_val=2, seed=0)
        vary = train_transform(Augmentation(scale=(1.0, 1.0), crop=(128, 128), photometric=0.0))
        training_data = PanopticDataset(folder, split="train", transform=vary)
        method = DiscriminativeEmbedding(CONFIG, training_data.categories)
        train(method, training_data, num_steps)
        print(validate(method, PanopticDataset(folder, split="val")))


def train(method: DiscriminativeEmbedding, data: PanopticDataset, num_steps: int) -> None:
    """The usual loop: forward, losses, backward, step."""
    optimizer = torch.optim.AdamW(method.parameters(), lr=1e-2)
    for step, batch in enumerate(training_loader(data, batch_size=4, seed=0, num_steps=num_steps), start=1):
        terms = method.losses(method(batch.images), batch.targets)
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
        if step % 10 == 0:
            print(f"step {step}:", ", ".join(f"{name} {value.item():.3f}" for name, value in terms.items()))


@torch.inference_mode()
def validate(method: DiscriminativeEmbedding, data: PanopticDataset) -> str:
    """Forward, decode, count."""
    method.eval()
    quality = PanopticQuality(data.categories)
    for batch in evaluation_loader(data):
        maps = method.decode(method(batch.images), batch.sizes)
        for prediction, truth in zip(maps, batch.truths, strict=True):
            quality.update(prediction, truth)
    return quality.compute().table(per_category=False)


if __name__ == "__main__":
    main()
