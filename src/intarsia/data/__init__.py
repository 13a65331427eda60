"""Data sets, augmentation, targets and drawn scenes: what a training step takes."""
