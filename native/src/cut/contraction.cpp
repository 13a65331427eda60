#include "contraction.hpp"

#include "pair_table.hpp"
#include "workers.hpp"

#include <algorithm>
#include <limits>

namespace intarsia::cut {
namespace {

using EdgeId = std::int32_t;
constexpr double never = -std::numeric_limits<double>::infinity();

struct Edge {
    Node i, j;
    double cost;               // c_E(ij), parallel edges added up
    double similarity = never; // t(ij) as queued; under full refresh an upper bound of it
    Class joint = 0;           // k_ij at that time
};

struct Candidate {
    double similarity;
    EdgeId edge;
    bool operator<(const Candidate& other) const { // std::push_heap keeps the largest on top
        return similarity != other.similarity ? similarity < other.similarity : edge > other.edge;
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
    // Of the nodes [first, end) and the edges between them; in here they are numbered from 0.
    Contraction(const Graph& graph, Node first, Node end, Refresh refresh, double least,
                const Deadline& deadline)
        : graph_(graph), deadline_(deadline), first_(first), num_nodes_(end - first),
          lazy_(refresh == Refresh::lazy), least_(least), num_classes_(graph.num_classes),
          node_costs_(graph.node_costs.begin() + first * num_classes_,
                      graph.node_costs.begin() + end * num_classes_),
          survivor_(num_nodes_), label_(survivor_.size()), edges_of_(survivor_.size()),
          largest_(survivor_.size(), 0), table_(count_edges()) {
        for (Node i = 0; i < num_nodes_; ++i) {
            survivor_[i] = i;
            label_[i] = cheapest(i, i);
        }
        list_edges();
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
    double own_cost(Node i) const { return costs_of(i)[label_[i]]; }

    // argmin_k c_V(i,k) + c_V(j,k); of i alone if i = j. LPMP takes the last of equals, the paper does not
    // say.
    Class cheapest(Node i, Node j) const {
        const double *a = costs_of(i), *b = costs_of(j);
        std::size_t best = 0;
        for (std::size_t k = 1; k < num_classes_; ++k)
            if (const double d = a[k] + b[k] - a[best] - b[best]; d < 0 || (lazy_ && d == 0)) best = k;
        return static_cast<Class>(best);
    }

    // visit(i, j, c_E(ij)), once for every edge between two of these nodes, until the deadline.
    template <class Visit> void for_edges(Visit visit) const {
        for (Node i = 0; i < num_nodes_ && !((i & 1023) == 1023 && deadline_.passed()); ++i)
            for (const auto& [node, cost] : graph_.neighbours_of(first_ + i))
                if (const Node j = node - first_; j > i && j < num_nodes_) visit(i, j, cost);
    }

    std::size_t count_edges() const {
        std::size_t count = 0;
        for_edges([&](Node, Node, float) { ++count; });
        return count;
    }

    void list_edges() {
        const double start_s = deadline_.elapsed_s();
        for_edges([&](Node i, Node j, float cost) {
            const auto fresh = static_cast<EdgeId>(edges_.size());
            const EdgeId e = table_.find_or_insert(i, j, fresh);
            if (e == fresh) {
                edges_.push_back({i, j, 0});
                edges_of_[i].push_back(e);
                edges_of_[j].push_back(e);
            }
            edges_[e].cost += cost;
            const double sum = edges_[e].cost;
            largest_[i] = std::max(largest_[i], sum);
            largest_[j] = std::max(largest_[j], sum);
        });
        if (deadline_.passed()) return; // nothing is queued, nothing will be merged
        for (EdgeId e = 0; e < static_cast<EdgeId>(edges_.size()); ++e) refresh(e);
        std::sort(queue_.begin(), queue_.end());
        sorted_.swap(queue_);
        heap_ready_ = true;
        listing_s_ = deadline_.elapsed_s() - start_s;
    }

    double similarity(Edge& edge) {
        const Class x_i = label_[edge.i], x_j = label_[edge.j];
        edge.joint = x_i == x_j && !lazy_ ? x_i : cheapest(edge.i, edge.j);
        return edge.cost + (own_cost(edge.i) - costs_of(edge.i)[edge.joint]) +
               (own_cost(edge.j) - costs_of(edge.j)[edge.joint]);
    }

    // Queue e anew, after its cost or an end changed: t(ij), or the bound c_E(ij) of it, which costs nothing.
    void refresh(EdgeId e) {
        Edge& edge = edges_[e];
        queue(e, lazy_ && edge.cost >= 0 ? similarity(edge) : edge.cost);
    }

    void queue(EdgeId e, double value) {
        Edge& edge = edges_[e];
        if (value == edge.similarity) return; // it is there
        edge.similarity = value >= least_ ? value : never;
        if (value < least_) return;
        queue_.push_back({value, e});
        if (heap_ready_) std::push_heap(queue_.begin(), queue_.end());
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
        queue(top.edge, similarity(edges_[top.edge]));
        return edges_[top.edge].similarity == top.similarity;
    }

    void merge(EdgeId e) {
        Node i = edges_[e].i, j = edges_[e].j;
        const Class joint = edges_[e].joint;
        if (edges_of_[i].size() < edges_of_[j].size()) std::swap(i, j);
        const double within = add_costs(i, j, joint); // A
        survivor_[j] = i;
        label_[i] = joint;
        largest_[i] = std::max(largest_[i], largest_[j]);
        for (const EdgeId f : std::exchange(edges_of_[j], {}))
            if (const EdgeId moved = move_end(f, j, i); moved >= 0) {
                largest_[i] = std::max(largest_[i], edges_[moved].cost);
                refresh(moved);
            }
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
        std::erase_if(edges_of_[i], [&](EdgeId f) { return edges_[f].i == edges_[f].j; });
        for (const EdgeId f : edges_of_[i]) {
            const Edge& edge = edges_[f];
            largest = std::max(largest, edge.cost);
            if (edge.cost - within > edge.similarity) queue(f, edge.cost - within);
        }
        largest_[i] = largest;
    }

    // Hang f from `to` instead of `from`; the edge that it became, or -1 if it was the edge between the two.
    EdgeId move_end(EdgeId f, Node from, Node to) {
        Edge& edge = edges_[f];
        if (edge.i == edge.j) return -1; // was joined with a parallel edge before
        const Node other = edge.i == from ? edge.j : edge.i;
        if (other == to) return retire(f);
        const EdgeId parallel = table_.find_or_insert(to, other, f);
        if (parallel != f) {
            edges_[parallel].cost += edge.cost;
            retire(f);
            return parallel;
        }
        (edge.i == from ? edge.i : edge.j) = to;
        edges_of_[to].push_back(f);
        if (table_.crowded()) rebuild_table();
        return f;
    }

    // Drop the pairs of clusters that are gone.
    void rebuild_table() {
        table_.clear();
        for (EdgeId e = 0; e < static_cast<EdgeId>(edges_.size()); ++e)
            if (const Edge& edge = edges_[e]; edge.i != edge.j) table_.find_or_insert(edge.i, edge.j, e);
    }

    EdgeId retire(EdgeId f) {
        edges_[f].i = edges_[f].j;
        edges_[f].similarity = never;
        return -1;
    }

    Clustering read_back(bool finished) {
        const std::size_t n = survivor_.size();
        Clustering result{std::vector<Class>(n), std::vector<Cluster>(n), finished};
        for (Node i = 0; i < num_nodes_; ++i) {
            Node root = i;
            while (survivor_[root] != root) root = survivor_[root] = survivor_[survivor_[root]];
            result.clusters[i] = root;
            result.labels[i] = label_[root];
        }
        return result;
    }

    const Graph& graph_;
    const Deadline& deadline_;
    double listing_s_ = 0;
    const Node first_, num_nodes_;
    const bool lazy_;
    const double least_; // what is less similar than this is not merged
    const std::size_t num_classes_;
    std::vector<double> node_costs_; // c_V of the clusters, at their surviving nodes
    std::vector<Node> survivor_;     // the cluster that holds i, found by following it to its end
    std::vector<Class> label_;       // x(C_i)
    std::vector<Edge> edges_;
    std::vector<std::vector<EdgeId>> edges_of_; // may name retired edges
    std::vector<double> largest_;               // no edge of i attracts more
    PairTable table_;                           // {i, j} -> the edge between these clusters
    std::vector<Candidate> sorted_;             // what was queued at first, the best last
    std::vector<Candidate> queue_;              // what was queued since, as a heap
    bool heap_ready_ = false;
};

} // namespace

Clustering contract(const Graph& graph, Refresh refresh, const Deadline& deadline) {
    return Contraction(graph, 0, graph.num_nodes, refresh, 0, deadline).run();
}

Clustering contract_blocks(const Graph& graph, const Blocks& blocks, double least, const Deadline& deadline,
                           Workers& workers) {
    Clustering all{std::vector<Class>(graph.num_nodes), std::vector<Cluster>(graph.num_nodes)};
    workers.run(blocks.count, [&](std::size_t b, std::size_t) {
        const Node first = blocks.first(b);
        const Clustering block =
            Contraction(graph, first, blocks.first(b + 1), Refresh::full, least, deadline).run();
        std::copy(block.labels.begin(), block.labels.end(), all.labels.begin() + first);
        std::transform(block.clusters.begin(), block.clusters.end(), all.clusters.begin() + first,
                       [&](Cluster c) { return first + c; });
    });
    return all;
}

} // namespace intarsia::cut
