"""Training: the loop, run folders, curves, validation, studies."""
