// The COPS paper's Algorithm 2: greedy contraction of the most similar pair of clusters.
#pragma once

#include "blocks.hpp"
#include "deadline.hpp"
#include "grid.hpp"
#include "problem.hpp"
#include "workers.hpp"

namespace intarsia::cut {

enum class Refresh {
    full, // the paper: t(ij) is always that of the clusters as they are
    lazy, // LPMP, the code behind the paper's numbers: t(ij) and the joint class are as old as the last
          // change of an edge of the absorbed node; kept for comparison
};

// A clustering of the nodes; make_cut turns it into a cut (Algorithm 2, lines 19 to 23).
struct Clustering {
    std::vector<Class> classes;
    std::vector<Cluster> clusters; // the cluster's surviving node
    bool finished = true;          // false if the deadline passed first
};

// Ties go to the edge that is listed first. At the deadline the merges made so far are the answer.
Clustering contract(const Graph& graph, Refresh refresh, const Deadline& deadline);

// That of graph_of(grid), without ever making it: 32 bytes an edge, 8 more where it attracts.
Clustering contract(const Grid& grid, Refresh refresh, const Deadline& deadline);

// Algorithm 2 within each block of nodes by itself, as long as a pair is at least this similar.
Clustering contract_blocks(const Graph& graph, const Blocks& blocks, double least, const Deadline& deadline,
                           Workers& workers);

} // namespace intarsia::cut
