// Panoptic labels z: what local moving works on.
#pragma once

#include "problem.hpp"

namespace intarsia::cut {

// The panoptic label z_i of a node. What the papers, the glossary and Python call its label, x_i, is a Class
// here.
using Label = std::int32_t;

// Labels 0..k-1 are the classes as wholes and stand for the classes outside P; label k + i is one instance of
// a class in P, named after one of its nodes. Any assignment is feasible, whether or not its pieces are
// connected.
struct Labels {
    std::vector<Label> of;       // z_i of n nodes
    std::vector<Class> class_of; // of all k + n labels

    Class class_at(std::size_t i) const { return class_of[of[i]]; }
};

// Every node has this class, and is an instance of its own if the class may be split.
Labels labels_of(const Splittable& splittable, std::span<const Class> classes);

// Nodes of one cluster share a label; a cluster has one class.
Labels labels_of(const Splittable& splittable, std::span<const Class> classes,
                 std::span<const Cluster> clusters);

// The same labels under the names they have among nodes: an instance is named after the first node of its
// first part.
Labels rename_labels(const Labels& of_parts, std::span<const Node> first_nodes, std::size_t num_nodes,
                     Class num_classes);

// The labels of parts, given to the nodes of the parts.
Labels spread_labels(const Labels& of_parts, std::span<const std::int32_t> part_of, Class num_classes);

// The first node of each part.
std::vector<Node> first_nodes(std::span<const std::int32_t> part_of, std::size_t num_parts);

// Parts numbered 0..count-1 in the order of their first nodes.
struct Partition {
    std::vector<std::int32_t> part_of;
    std::int32_t count = 0;
};

// Ids are in [0, largest); they may be sparse.
Partition renumber(std::span<const std::int32_t> ids, std::size_t largest);

} // namespace intarsia::cut
