#include "contraction.hpp"

#include "cluster_edges.hpp"
#include "narrow.hpp"
#include "workers.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace intarsia::cut {
namespace {

struct Candidate {
    double similarity;
    EdgeId edge;
    bool operator<(const Candidate& other) const { // std::push_heap keeps the largest on top
        return similarity != other.similarity ? similarity < other.similarity : edge > other.edge;
    }
};

// What is queued at first, an upper bound in half the space.
struct FirstCandidate {
    float bound;
    EdgeId edge;
    bool operator<(const FirstCandidate& other) const {
        return bound != other.bound ? bound < other.bound : edge > other.edge;
    }
    operator Candidate() const { return {bound, edge}; }
};

// The nodes [first, end) of a graph and the edges between them, numbered from 0.
struct GraphPart {
    const Graph& graph;
    Node first, end;

    Node num_nodes() const { return end - first; }
    Class num_classes() const { return graph.num_classes; }
    float node_cost(Node i, Class k) const { return graph.costs_of(first + i)[k]; }
    template <class Visit> void for_edges_up(Node i, const Visit& visit) const {
        for (const auto& [node, cost] : graph.higher_neighbours_of(first + i))
            if (node < end) visit(node - first, cost);
    }
};

// A whole grid, its edges in the order in which graph_of lists them.
struct WholeGrid {
    const Grid& grid;

    Node num_nodes() const { return narrow<Node>(grid.num_pixels()); }
    Class num_classes() const { return grid.num_classes; }
    float node_cost(Node i, Class k) const { return grid.node_cost(i, k); }
    template <class Visit> void for_edges_up(Node i, const Visit& visit) const {
        for (std::size_t o = 0; o < grid.offsets.size(); ++o) {
            const std::int32_t step = grid.step(o);
            if (const Node p = std::max(i, i - step); grid.has_edge(o, p)) // from p to p + step
                visit(i + std::abs(step), grid.edge_costs[o * grid.num_pixels() + p]);
        }
    }
};

// Under full refresh the queue holds upper bounds of t, and the true value is found when an edge comes up;
// that picks the same edges as refreshing at once. With reduced costs i'_k = c_V(i,k) - min_l c_V(i,l) we
// have
//   t(ij) = c_E(ij) - p(ij),   p(ij) = min_k [i'_k + j'_k] >= 0.
// Merging j into i turns i'_k into i'_k + j'_k - p(ij). Where this does not fall, neither does p(ih). If it
// falls for the classes F only, p(ih) is now at least min(what it was, A) with A = min_{k in F} of the new
// i'_k: so what is queued for ih stays a bound unless c_E(ih) - A is larger. If i and j are of one class, F
// is empty.
class Contraction {
  public:
    // Source: GraphPart or WholeGrid.
    template <class Source>
    Contraction(const Source& source, Refresh refresh, double least, const Deadline& deadline)
        : deadline_(deadline), num_nodes_(source.num_nodes()), lazy_(refresh == Refresh::lazy), least_(least),
          num_classes_(source.num_classes()), node_costs_(num_nodes_ * num_classes_), survivor_(num_nodes_),
          class_(num_nodes_), largest_(num_nodes_, 0), edges_(num_nodes_, count_edges(source)) {
        for (Node i = 0; i < num_nodes_; ++i) {
            for (std::size_t k = 0; k < num_classes_; ++k)
                node_costs_[i * num_classes_ + k] = source.node_cost(i, narrow<Class>(k));
            survivor_[i] = i;
            class_[i] = cheapest(i, i);
        }
        const double start_s = deadline_.elapsed_s();
        list_edges(source);
        if (!deadline_.passed()) queue_edges(); // else nothing will be merged
        listing_s_ = deadline_.elapsed_s() - start_s;
    }

    // To name the clusters takes a third as long as to list the edges.
    Clustering run() {
        const Deadline merging = deadline_.before(listing_s_ / 3);
        int pops = 0;
        bool finished = !merging.passed();
        if (!finished) return read_back(false);
        while (!queue_.empty() || !sorted_.empty()) {
            const Candidate top = pop();
            if (edges_[top.edge].similarity != top.similarity || !is_current(top)) continue;
            if (lazy_ && top.similarity <= 0) break;
            merge(top.edge);
            if ((++pops & 255) == 0 && merging.passed()) {
                finished = false;
                break;
            }
        }
        return read_back(finished);
    }

  private:
    const double* costs_of(Node i) const { return &node_costs_[i * num_classes_]; }
    double own_cost(Node i) const { return costs_of(i)[class_[i]]; }

    // argmin_k c_V(i,k) + c_V(j,k); of i alone if i = j. LPMP takes the last of equals, the paper does not
    // say.
    Class cheapest(Node i, Node j) const {
        const double *a = costs_of(i), *b = costs_of(j);
        std::size_t best = 0;
        for (std::size_t k = 1; k < num_classes_; ++k)
            if (const double d = a[k] + b[k] - a[best] - b[best]; d < 0 || (lazy_ && d == 0)) best = k;
        return narrow<Class>(best);
    }

    // visit(i, j, c_E(ij)), once for every edge between two of these nodes, until the deadline.
    template <class Source, class Visit> void for_edges(const Source& source, const Visit& visit) const {
        for (Node i = 0; i < num_nodes_ && !((i & 1023) == 1023 && deadline_.passed()); ++i)
            source.for_edges_up(i, [&](Node j, float cost) { visit(i, j, cost); });
    }

    template <class Source> std::size_t count_edges(const Source& source) const {
        std::size_t count = 0;
        for_edges(source, [&](Node, Node, float) { ++count; });
        return count;
    }

    template <class Source> void list_edges(const Source& source) {
        for_edges(source, [&](Node i, Node j, float cost) {
            const double sum = edges_[edges_.find_or_add(i, j)].cost += cost;
            largest_[i] = std::max(largest_[i], sum);
            largest_[j] = std::max(largest_[j], sum);
        });
        if (lazy_) joint_.resize(edges_.size());
    }

    void queue_edges() {
        if (lazy_) {
            for (EdgeId e = 0; e < edges_.size(); ++e) refresh(e);
            return;
        }
        std::size_t count = 0;
        for (EdgeId e = 0; e < edges_.size(); ++e) count += edges_[e].cost >= least_;
        sorted_.reserve(count);
        for (EdgeId e = 0; e < edges_.size(); ++e)
            if (edges_[e].cost >= least_) {
                const float bound = at_least(edges_[e].cost);
                edges_[e].similarity = bound;
                sorted_.push_back({bound, e});
            }
        std::sort(sorted_.begin(), sorted_.end());
    }

    // The next float that is not below.
    static float at_least(double cost) {
        const auto near = static_cast<float>(cost);
        return near < cost ? std::nextafter(near, std::numeric_limits<float>::infinity()) : near;
    }

    // k_ij, the class that both would have together.
    Class joint(EdgeId e) const {
        if (lazy_) return joint_[e]; // as old as the similarity
        const Node i = edges_[e].i(), j = edges_[e].j();
        return class_[i] == class_[j] ? class_[i] : cheapest(i, j);
    }

    double similarity(EdgeId e) {
        const Node i = edges_[e].i(), j = edges_[e].j();
        if (lazy_) joint_[e] = cheapest(i, j);
        const Class k = joint(e);
        return edges_[e].cost + (own_cost(i) - costs_of(i)[k]) + (own_cost(j) - costs_of(j)[k]);
    }

    // Queue e anew, after its cost or an end changed: t(ij), or the bound c_E(ij) of it, which costs nothing.
    void refresh(EdgeId e) {
        const double cost = edges_[e].cost;
        queue(e, lazy_ && cost >= 0 ? similarity(e) : cost);
    }

    void queue(EdgeId e, double value) {
        Edge& edge = edges_[e];
        if (value == edge.similarity) return; // it is there
        edge.similarity = value >= least_ ? value : never;
        if (value < least_) return;
        queue_.push_back({value, e});
        std::push_heap(queue_.begin(), queue_.end());
    }

    Candidate pop() {
        if (queue_.empty() || (!sorted_.empty() && queue_.front() < sorted_.back())) {
            const Candidate top = sorted_.back();
            sorted_.pop_back();
            return top;
        }
        std::pop_heap(queue_.begin(), queue_.end());
        const Candidate top = queue_.back();
        queue_.pop_back();
        return top;
    }

    bool is_current(const Candidate& top) {
        if (lazy_) return true;
        queue(top.edge, similarity(top.edge));
        return edges_[top.edge].similarity == top.similarity;
    }

    void merge(EdgeId e) {
        Node i = edges_[e].i(), j = edges_[e].j();
        const Class joint = this->joint(e);
        if (edges_.degree(i) < edges_.degree(j)) std::swap(i, j);
        const double within = add_costs(i, j, joint); // A
        survivor_[j] = i;
        class_[i] = joint;
        largest_[i] = std::max(largest_[i], largest_[j]);
        edges_.move_all(j, i, [&](EdgeId moved) {
            largest_[i] = std::max(largest_[i], edges_[moved].cost);
            refresh(moved);
        });
        if (!lazy_ && within < largest_[i]) raise_edges(i, within);
    }

    // c_V(i,.) += c_V(j,.); A, the least new reduced cost of a class whose reduced cost fell, or infinity.
    double add_costs(Node i, Node j, Class joint) {
        double* a = &node_costs_[i * num_classes_];
        const double *b = costs_of(j), own = own_cost(i), lost = a[joint] + b[joint] - own;
        double within = std::numeric_limits<double>::infinity();
        for (std::size_t k = 0; k < num_classes_; ++k) {
            const bool falls = b[k] < lost; // i'_k + j'_k - p(ij) < i'_k
            a[k] += b[k];
            if (falls) within = std::min(within, a[k] - own - lost);
        }
        return within;
    }

    void raise_edges(Node i, double within) {
        double largest = 0;
        edges_.for_edges(i, [&](EdgeId f) {
            const Edge& edge = edges_[f];
            largest = std::max(largest, edge.cost);
            if (edge.cost - within > edge.similarity) queue(f, edge.cost - within);
        });
        largest_[i] = largest;
    }

    Clustering read_back(bool finished) {
        Clustering result{std::vector<Class>(num_nodes_), std::vector<Cluster>(num_nodes_), finished};
        for (Node i = 0; i < num_nodes_; ++i) {
            Node root = i;
            while (survivor_[root] != root) root = survivor_[root] = survivor_[survivor_[root]];
            result.clusters[i] = root;
            result.classes[i] = class_[root];
        }
        return result;
    }

    const Deadline& deadline_;
    double listing_s_ = 0;
    const Node num_nodes_;
    const bool lazy_;
    const double least_; // what is less similar than this is not merged
    const std::size_t num_classes_;
    std::vector<double> node_costs_; // c_V of the clusters, at their surviving nodes
    std::vector<Node> survivor_;     // the cluster that holds i, found by following it to its end
    std::vector<Class> class_;       // x(C_i)
    std::vector<double> largest_;    // no edge of i attracts more
    ClusterEdges edges_;
    std::vector<Class> joint_;           // k_ij when the similarity was queued, where that may be old
    std::vector<FirstCandidate> sorted_; // what was queued at first, the best last
    std::vector<Candidate> queue_;       // what was queued since, as a heap
};

} // namespace

Clustering contract(const Graph& graph, Refresh refresh, const Deadline& deadline) {
    return Contraction(GraphPart{graph, 0, graph.num_nodes}, refresh, 0, deadline).run();
}

Clustering contract(const Grid& grid, Refresh refresh, const Deadline& deadline) {
    return Contraction(WholeGrid{grid}, refresh, 0, deadline).run();
}

Clustering contract_blocks(const Graph& graph, const Blocks& blocks, double least, const Deadline& deadline,
                           Workers& workers) {
    Clustering all{std::vector<Class>(graph.num_nodes), std::vector<Cluster>(graph.num_nodes)};
    workers.run(blocks.count, [&](std::size_t b, std::size_t) {
        const Node first = blocks.first(b);
        const Clustering block =
            Contraction(GraphPart{graph, first, blocks.first(b + 1)}, Refresh::full, least, deadline).run();
        std::copy(block.classes.begin(), block.classes.end(), all.classes.begin() + first);
        std::transform(block.clusters.begin(), block.clusters.end(), all.clusters.begin() + first,
                       [&](Cluster c) { return first + c; });
    });
    return all;
}

} // namespace intarsia::cut
