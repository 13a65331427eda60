// The multiway cut over panoptic labels that a backward pass solves (COPS paper, Algorithm 1, lines 1 and 2).
//
// Labels are a fixed set here, one a segment; each belongs to one class m(l). Minimise over labels z
//   sum_i c'_V(i, z_i) + sum_ij c_E(ij) [z_i != z_j],   c'_V(i, l) = c_V(i, m(l)) + lambda dL/dz_l(i).
// The search starts from the forward solution, which only the perturbation has made worse: few pixels are
// looked at.
#pragma once

#include "cut/grid.hpp"
#include "narrow.hpp"

namespace intarsia::layers {

using cut::Class;
using cut::Grid;
using cut::Node;
using Label = std::int32_t;

struct LiftedLabels {
    std::span<const Class> class_of;        // m, one entry a label
    std::span<const std::int32_t> plane_of; // the label's plane of the gradient, or -1: it is not perturbed
    std::span<const float> gradient;        // dL/dz: planes, rows, columns

    Label size() const { return narrow<Label>(class_of.size()); }
};

// Labels of a cost no higher than the start's: no pixel gains by a label of its own choice, and no region by
// the one its pixels like best. The answer depends on nothing but the arguments.
std::vector<Label> solve_lifted(const Grid& grid, const LiftedLabels& labels, float lambda,
                                std::span<const Label> start);

// The cost above, summed in float64.
double lifted_cost(const Grid& grid, const LiftedLabels& labels, float lambda, std::span<const Label> z);

// Add  weight (x_z - x_start) w  and  weight (y_z - y_start) w  to the gradients of node and edge costs
// (Abbas and Swoboda 2021, eq. (3)). w is 1 for a pixel that counts, and for an edge both of whose ends do;
// `counts` is empty if all do.
struct CostGradients {
    std::span<float> nodes; // classes, rows, columns
    std::span<float> edges; // offsets, rows, columns
};
void add_differences(const Grid& grid, std::span<const Class> class_of, std::span<const Label> start,
                     std::span<const Label> z, std::span<const bool> counts, float weight,
                     const CostGradients& gradients);

// The connected pieces of every label along the edges of the grid, numbered 0..C-1 in the order of their
// first pixels.
std::vector<std::int32_t> connected_pieces(const Grid& grid, std::span<const Label> z);

} // namespace intarsia::layers
