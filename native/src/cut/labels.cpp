#include "labels.hpp"

#include <numeric>

namespace intarsia::cut {
namespace {

Labels blank(std::size_t num_nodes, Class num_classes) {
    const auto k = static_cast<std::size_t>(num_classes);
    Labels z{std::vector<Label>(num_nodes), std::vector<Class>(k + num_nodes, 0)};
    std::iota(z.class_of.begin(), z.class_of.begin() + num_classes, 0);
    return z;
}

} // namespace

Labels labels_of(const Splittable& splittable, std::span<const Class> classes) {
    std::vector<Cluster> alone(classes.size());
    std::iota(alone.begin(), alone.end(), 0);
    return labels_of(splittable, classes, alone);
}

Labels labels_of(const Splittable& splittable, std::span<const Class> classes, std::span<const Cluster> clusters) {
    Labels z = blank(classes.size(), splittable.size());
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const bool instance = splittable[classes[i]];
        z.of[i] = instance ? splittable.size() + clusters[i] : classes[i];
        if (instance) z.class_of[static_cast<std::size_t>(z.of[i])] = classes[i];
    }
    return z;
}

Labels refined(const Labels& of_parts, std::span<const std::int32_t> part_of, Class num_classes) {
    Labels z = blank(part_of.size(), num_classes);
    std::vector<Label> named(of_parts.class_of.size(), -1); // the name of a label of parts among labels of nodes
    std::iota(named.begin(), named.begin() + num_classes, 0);
    for (std::size_t i = 0; i < part_of.size(); ++i) {
        const Label label = of_parts.of[static_cast<std::size_t>(part_of[i])];
        Label& name = named[static_cast<std::size_t>(label)];
        if (name < 0) {
            name = num_classes + static_cast<Label>(i);
            z.class_of[static_cast<std::size_t>(name)] = of_parts.class_of[static_cast<std::size_t>(label)];
        }
        z.of[i] = name;
    }
    return z;
}

Partition renumber(std::span<const std::int32_t> ids, std::size_t largest) {
    Partition parts{std::vector<std::int32_t>(ids.size()), 0};
    std::vector<std::int32_t> number(largest, -1);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::int32_t& part = number[static_cast<std::size_t>(ids[i])];
        if (part < 0) part = parts.count++;
        parts.part_of[i] = part;
    }
    return parts;
}

} // namespace intarsia::cut
