"""How fast is the cut in tensor operations, and how good, next to the greedy solver in the same run?

    python benchmarks/parallel_cut.py [--problems FILES ...] [--device cpu] [--batch 1 8] [--repeats 5]

Prints one table. "gap" is by how much the parallel cut costs more than the greedy solver, in percent. On a
GPU the time is that of the call with a synchronisation on either side, the costs being there already; "same"
says whether two runs, and a run on the CPU, gave the same answer. Least of the repeats.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from cut import load

from intarsia.cut import GridProblem, solve
from intarsia.layers import ParallelCut, parallel_cut


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="*", type=Path, default=[])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", nargs="*", type=int, default=[1])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    columns = f"{'ms':>9}{'ms an image':>13}{'greedy ms':>11}{'cost':>15}{'gap %':>8}{'same':>7}"
    print(f"{'problem on ' + options.device:<26}{'batch':>6}{columns}")
    for name, problem in load(options.problems):
        for batch in options.batch:
            show(name, problem, options.device, batch, options.repeats)


def show(name: str, problem: GridProblem, device: str, batch: int, repeats: int) -> None:
    costs = [
        torch.from_numpy(c).expand(batch, *c.shape).contiguous()
        for c in (problem.node_costs, problem.affinity_costs)
    ]
    there = [c.to(device) for c in costs]

    def run(where: list[torch.Tensor]) -> ParallelCut:
        offsets = [(rows, cols) for rows, cols in problem.offsets.tolist()]
        return parallel_cut(*where, offsets=offsets, splittable=problem.splittable.tolist())

    def timed() -> None:
        run(there)
        if device != "cpu":
            torch.cuda.synchronize()

    answer = run(there)
    same = all(torch.equal(answer.clusters.cpu(), run(where).clusters.cpu()) for where in (there, costs))
    ours, greedy = least_ms(timed, repeats), least_ms(lambda: solve(problem), repeats)
    cost = problem.cost(answer.labels[0].cpu().numpy(), answer.clusters[0].cpu().numpy())
    best = solve(problem).cost
    gap = 100 * (cost - best) / abs(best)
    times = f"{ours:>9.1f}{ours / batch:>13.1f}{greedy:>11.1f}"
    print(f"{name:<26}{batch:>6}{times}{cost:>15.1f}{gap:>8.2f}{same!s:>7}", flush=True)


def least_ms(work: Callable[[], object], repeats: int) -> float:
    """Process CPU time where all the work is there, else wall."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    times = []
    for _ in range(repeats):
        begin = clock()
        work()
        times.append(1000 * (clock() - begin))
    return min(times)


if __name__ == "__main__":
    main()
