#include "labels.hpp"

#include "narrow.hpp"

#include <numeric>
#include <utility>

namespace intarsia::cut {
namespace {

Labels blank(std::size_t num_nodes, Class num_classes) {
    const std::size_t k = num_classes;
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

Labels labels_of(const Splittable& splittable, std::span<const Class> classes,
                 std::span<const Cluster> clusters) {
    Labels z = blank(classes.size(), splittable.size());
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const bool instance = splittable[classes[i]];
        z.of[i] = instance ? splittable.size() + clusters[i] : classes[i];
        if (instance) z.class_of[z.of[i]] = classes[i];
    }
    return z;
}

Labels rename_labels(const Labels& of_parts, std::span<const Node> first_nodes, std::size_t num_nodes,
                     Class num_classes) {
    Labels z = blank(num_nodes, num_classes);
    std::vector<Label> names(of_parts.class_of.size(), -1);
    std::iota(names.begin(), names.begin() + num_classes, 0);
    z.of.resize(first_nodes.size());
    for (std::size_t part = 0; part < first_nodes.size(); ++part) {
        Label& name = names[of_parts.of[part]];
        if (name < 0) {
            name = num_classes + first_nodes[part];
            z.class_of[name] = of_parts.class_at(part);
        }
        z.of[part] = name;
    }
    return z;
}

Labels spread_labels(const Labels& of_parts, std::span<const std::int32_t> part_of, Class num_classes) {
    Labels z = rename_labels(of_parts, first_nodes(part_of, of_parts.of.size()), part_of.size(), num_classes);
    std::vector<Label> of(part_of.size());
    for (std::size_t i = 0; i < part_of.size(); ++i) of[i] = z.of[part_of[i]];
    z.of = std::move(of);
    return z;
}

std::vector<Node> first_nodes(std::span<const std::int32_t> part_of, std::size_t num_parts) {
    std::vector<Node> first(num_parts);
    for (std::size_t i = part_of.size(); i-- > 0;) first[part_of[i]] = narrow<Node>(i);
    return first;
}

Partition renumber(std::span<const std::int32_t> ids, std::size_t largest) {
    Partition parts{std::vector<std::int32_t>(ids.size()), 0};
    std::vector<std::int32_t> number(largest, -1);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::int32_t& part = number[ids[i]];
        if (part < 0) part = parts.count++;
        parts.part_of[i] = part;
    }
    return parts;
}

} // namespace intarsia::cut
