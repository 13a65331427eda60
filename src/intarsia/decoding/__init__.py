"""From the arrays of a network to panoptic maps."""
