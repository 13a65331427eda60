"""The cut inside a network: as a differentiable layer, and as tensor operations for the GPU."""

from intarsia.layers.cut_indicators import CutIndicatorLayer, CutIndicators
from intarsia.layers.cut_layer import CutLayer
from intarsia.layers.panoptic_masks import PanopticMasks, PanopticTruth
from intarsia.layers.parallel_cut import ParallelCut, parallel_cut
from intarsia.layers.perturbation import Perturbation

__all__ = [
    "CutIndicatorLayer",
    "CutIndicators",
    "CutLayer",
    "PanopticMasks",
    "PanopticTruth",
    "ParallelCut",
    "Perturbation",
    "parallel_cut",
]
