// One door to every solver: what can be asked for, and what comes back.
#pragma once

#include "deadline.hpp"
#include "grid.hpp"
#include "problem.hpp"

namespace intarsia::cut {

enum class Solver { greedy, contraction, lazy_contraction, optimal };

struct Options {
    Solver solver = Solver::greedy;
    bool refine = false;
    int threads = 1;             // of this one problem; the answer does not depend on it
    std::int32_t min_size = 0;   // smaller clusters are given to a neighbour
    std::int32_t tile = 0;       // a grid of longer sides is solved in tiles of this one; 0 for the whole
    bool uniform_blocks = false; // contraction of a grid begins with them instead of single points
    Deadline deadline{};         // a limit below what it takes to read the costs once cannot be kept
};

// One line of the log: what a stage worked on and what it left.
struct LogLine {
    std::string name;
    std::int64_t nodes, clusters;
    double cost, seconds; // seconds: since the start
};

struct Solution {
    Cut cut;
    std::vector<LogLine> log;
    bool finished = true; // false if the time limit cut something short
};

// A solution to start from: classes and clusters of every node, or two empty spans.
struct Start {
    std::span<const Class> classes;
    std::span<const Cluster> clusters;
};

Solution solve(const Graph& graph, const Splittable& splittable, const Options& options,
               const Start& start = {});
Solution solve(const Grid& grid, const Splittable& splittable, const Options& options,
               const Start& start = {});

} // namespace intarsia::cut
