#include "chains.hpp"

#include "narrow.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace intarsia::cut {
namespace {

constexpr std::size_t longest = 40;                         // moves in a chain
constexpr std::size_t thorough = 128, least_work = 1 << 20; // see most_work_
constexpr Node few = 64; // nodes: below, every class is tried for a new label

class Chains {
  public:
    Chains(const Graph& graph, const Splittable& splittable, Labels& z)
        : graph_(graph), splittable_(splittable), z_(z), gain_(z.of.size()), seen_(z.of.size(), 0),
          in_use_(z.class_of.size(), 0), low_(graph.num_classes),
          most_work_(least_work + thorough * graph.neighbours.size()) {
        for (const Label label : z.of) ++in_use_[label];
    }

    bool run(const Deadline& deadline) {
        bool any = false;
        for (const auto& [pair, border] : borders()) {
            if (work_ > most_work_ || deadline.passed()) return any;
            any |= chain(pair.first, pair.second, border);
        }
        for (const auto& [label, members] : members_of_labels())
            for (const Label target : targets_for(label)) {
                if (work_ > most_work_ || deadline.passed()) return any;
                any |= chain(label, target, members);
            }
        return any;
    }

  private:
    // For any two labels that touch, the nodes on both sides of the border.
    std::map<std::pair<Label, Label>, std::vector<Node>> borders() const {
        std::map<std::pair<Label, Label>, std::vector<Node>> borders;
        for (Node i = 0; i < graph_.num_nodes; ++i)
            for (const auto& [j, cost] : graph_.neighbours_of(i))
                if (const Label a = z_.of[i], b = z_.of[j]; a != b) {
                    auto& nodes = borders[std::minmax(a, b)];
                    if (nodes.empty() || nodes.back() != i) nodes.push_back(i);
                }
        return borders;
    }

    std::map<Label, std::vector<Node>> members_of_labels() const {
        std::map<Label, std::vector<Node>> members;
        for (Node i = 0; i < graph_.num_nodes; ++i) members[z_.of[i]].push_back(i);
        return members;
    }

    // Labels that no node has, to split `label`: an instance of its own class, of any class if there are few
    // nodes.
    std::vector<Label> targets_for(Label label) {
        std::vector<Label> targets;
        Label fresh = first_unused();
        for (Class k = 0; k < graph_.num_classes; ++k) {
            const bool wanted = graph_.num_nodes <= few || k == z_.class_of[label];
            if (!wanted) continue;
            if (!splittable_[k]) {
                if (in_use_[k] == 0) targets.push_back(k);
                continue;
            }
            while (fresh < num_labels() && in_use_[fresh] > 0) ++fresh;
            if (fresh == num_labels()) break;
            z_.class_of[fresh] = k;
            targets.push_back(fresh++);
        }
        return targets;
    }

    Label num_labels() const { return narrow<Label>(in_use_.size()); }

    // Of the labels of instances; none below low_ is unused.
    Label first_unused() {
        while (low_ < num_labels() && in_use_[low_] > 0) ++low_;
        return low_;
    }

    bool chain(Label a, Label b, const std::vector<Node>& start) {
        ++stamp_;
        nodes_.clear();
        moved_.clear();
        for (const Node i : start) enter(i, a, b);
        double total = 0, best = 0;
        std::size_t kept = 0;
        while (moved_.size() < longest) {
            const std::size_t next = most_gaining();
            if (next == nodes_.size()) break;
            total += gain_[nodes_[next]];
            flip(next, a, b);
            if (total > best + 1e-6 * (1 + std::abs(total))) best = total, kept = moved_.size();
        }
        while (moved_.size() > kept)
            give(moved_.back(), z_.of[moved_.back()] == a ? b : a), moved_.pop_back();
        return kept > 0;
    }

    // Make i a candidate, if it bears one of the two labels.
    void enter(Node i, Label a, Label b) {
        const Label own = z_.of[i];
        if (seen_[i] == stamp_ || (own != a && own != b)) return;
        seen_[i] = stamp_;
        work_ += graph_.neighbours_of(i).size();
        const Label other = own == a ? b : a;
        double gain = graph_.costs_of(i)[z_.class_of[own]] - graph_.costs_of(i)[z_.class_of[other]];
        for (const auto& [j, cost] : graph_.neighbours_of(i))
            gain += z_.of[j] == other ? cost : z_.of[j] == own ? -cost : 0;
        gain_[i] = gain;
        nodes_.push_back(i);
    }

    std::size_t most_gaining() const {
        std::size_t best = nodes_.size();
        for (std::size_t n = 0; n < nodes_.size(); ++n)
            if (best == nodes_.size() || gain_[nodes_[n]] > gain_[nodes_[best]]) best = n;
        return best;
    }

    void flip(std::size_t candidate, Label a, Label b) {
        const Node i = nodes_[candidate];
        nodes_[candidate] = nodes_.back(); // moved nodes are no candidates any more, and stay seen
        nodes_.pop_back();
        moved_.push_back(i);
        const Label joined = z_.of[i] == a ? b : a;
        give(i, joined);
        work_ += graph_.neighbours_of(i).size();
        for (const auto& [j, cost] : graph_.neighbours_of(i)) {
            if (seen_[j] == stamp_) gain_[j] += (z_.of[j] == joined ? -2.0 : 2.0) * cost;
            else enter(j, a, b);
        }
    }

    void give(Node i, Label label) {
        if (--in_use_[z_.of[i]] == 0 && z_.of[i] >= graph_.num_classes) low_ = std::min(low_, z_.of[i]);
        ++in_use_[label];
        z_.of[i] = label;
    }

    const Graph& graph_;
    const Splittable& splittable_;
    Labels& z_;
    std::vector<double> gain_;       // of the candidates
    std::vector<std::int64_t> seen_; // the last chain that had the node as a candidate
    std::vector<Node> in_use_;       // how many nodes bear a label
    Label low_;
    // Neighbours looked at. Images take less than 100 looks at each; that a hub of many thousand neighbours
    // stands at many thousand borders must not take their product.
    const std::size_t most_work_;
    std::size_t work_ = 0;
    std::int64_t stamp_ = 0;
    std::vector<Node> nodes_, moved_;
};

} // namespace

bool move_chains(const Graph& graph, const Splittable& splittable, Labels& z, const Deadline& deadline) {
    return Chains(graph, splittable, z).run(deadline);
}

} // namespace intarsia::cut
