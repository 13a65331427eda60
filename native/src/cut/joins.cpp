#include "joins.hpp"

#include <algorithm>
#include <cmath>

namespace intarsia::cut {
namespace {

struct Join {
    double gain;
    Node i, j;
    Class joint;
};

class Joins {
  public:
    Joins(const Graph& segments, const Splittable& splittable, Labels& z)
        : graph_(segments), splittable_(splittable), z_(z), num_classes_(segments.num_classes) {}

    bool round() {
        weigh_labels();
        std::vector<Join> joins;
        for (Node i = 0; i < graph_.num_nodes; ++i)
            for (const auto& [j, cost] : graph_.neighbours_of(i))
                if (i < j && z_.of[i] != z_.of[j])
                    if (const Join join = best(i, j, cost); join.gain > 0) joins.push_back(join);
        std::sort(joins.begin(), joins.end(), [](const Join& a, const Join& b) {
            return a.gain != b.gain ? a.gain > b.gain : std::pair(a.i, a.j) < std::pair(b.i, b.j);
        });
        touched_.assign(graph_.num_nodes, 0);
        bool any = false;
        for (const Join& join : joins) any |= apply(join);
        return any;
    }

  private:
    // How much each segment is attracted by its own label, and by each class outside P.
    void weigh_labels() {
        bearers_.assign(z_.class_of.size(), 0);
        for (const Label label : z_.of) ++bearers_[label];
        own_.assign(graph_.num_nodes, 0);
        stuff_.assign(graph_.num_nodes * num_classes_, 0);
        for (Node i = 0; i < graph_.num_nodes; ++i)
            for (const auto& [j, cost] : graph_.neighbours_of(i)) {
                if (z_.of[i] == z_.of[j]) own_[i] += cost;
                if (z_.of[j] < graph_.num_classes) stuff_[i * num_classes_ + z_.of[j]] += cost;
            }
    }

    Join best(Node i, Node j, double cost) const {
        const auto a = graph_.costs_of(i), b = graph_.costs_of(j);
        const Label z_i = z_.of[i], z_j = z_.of[j];
        const double now = a[z_.class_at(i)] + b[z_.class_at(j)] - own_[i] - own_[j];
        Join best{0, i, j, -1};
        for (Class k = 0; k < graph_.num_classes; ++k) {
            double then = a[k] + b[k] - cost;
            if (!splittable_[k]) {
                then -= stuff_[i * num_classes_ + k] + stuff_[j * num_classes_ + k];
                then += (z_i == k || z_j == k) ? cost : 0; // was counted as attraction between the two
            }
            const double gain = now - then;
            if (gain > best.gain && gain > 1e-6 * (std::abs(now) + std::abs(then)))
                best.gain = gain, best.joint = k;
        }
        return best;
    }

    // Unless something changed around the two since their gain was found.
    bool apply(const Join& join) {
        if (touched_[join.i] || touched_[join.j]) return false;
        Label label = join.joint;
        if (splittable_[join.joint]) {
            label = free_label(join.i, join.j);
            if (label < 0) return false;
            z_.class_of[label] = join.joint;
        }
        for (const Node i : {join.i, join.j}) {
            --bearers_[z_.of[i]];
            ++bearers_[label];
            z_.of[i] = label;
            touched_[i] = 1;
            for (const auto& [j, cost] : graph_.neighbours_of(i)) touched_[j] = 1;
        }
        return true;
    }

    // The name of one of the two, if no third segment bears it.
    Label free_label(Node i, Node j) const {
        for (const Node named : {i, j}) {
            const Label label = graph_.num_classes + named;
            if (bearers_[label] == (z_.of[i] == label) + (z_.of[j] == label)) return label;
        }
        return -1;
    }

    const Graph& graph_;
    const Splittable& splittable_;
    Labels& z_;
    const std::size_t num_classes_;
    std::vector<Node> bearers_; // how many segments bear a label
    std::vector<double> own_, stuff_;
    std::vector<std::uint8_t> touched_;
};

} // namespace

bool join_segments(const Graph& segments, const Splittable& splittable, Labels& z, const Deadline& deadline) {
    Joins joins(segments, splittable, z);
    bool any = false;
    while (!deadline.passed() && joins.round()) any = true;
    return any;
}

} // namespace intarsia::cut
