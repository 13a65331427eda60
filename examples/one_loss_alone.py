"""Use one loss without any network: move points until the discriminative loss is content."""

import torch

from intarsia.losses import discriminative_terms

NUM_INSTANCES, PIXELS_EACH = 6, 50


def main() -> None:
    """Random embeddings of six instances, and what 200 steps of gradient descent make of them."""
    generator = torch.Generator().manual_seed(0)
    instances = torch.arange(1, NUM_INSTANCES + 1).repeat_interleave(PIXELS_EACH)[None, None]  # b h w
    embeddings = torch.randn(1, 2, 1, NUM_INSTANCES * PIXELS_EACH, generator=generator, requires_grad=True)
    optimizer = torch.optim.Adam([embeddings], lr=0.1)
    for step in range(201):
        terms = discriminative_terms(embeddings, instances, delta_v=0.5, delta_d=1.5)
        loss = (terms.variance + terms.distance + 0.001 * terms.regularization).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step:3}: pull {terms.variance.item():.4f}, push {terms.distance.item():.4f}")
    print(f"Means of instances are at least {smallest_gap(embeddings, instances):.2f} apart; 2 delta_d is 3.")


def smallest_gap(embeddings: torch.Tensor, instances: torch.Tensor) -> float:
    """The distance of the two nearest means."""
    points, numbers = embeddings.detach()[0, :, 0].T, instances[0, 0]  # n d and n
    means = torch.stack([points[numbers == number].mean(0) for number in numbers.unique()])
    return float(torch.pdist(means).min())


if __name__ == "__main__":
    main()
