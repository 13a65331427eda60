// Functions that are compiled for newer processors as well; which one runs is chosen when the program starts.
// Only additions, comparisons and selections of independent lanes go there, and std::fma, which rounds once
// on every machine (the core is compiled with -ffp-contract=off), so that the results are the same
// everywhere.
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define INTARSIA_VECTORISED __attribute__((target_clones("avx2", "default")))
#define INTARSIA_VECTORISED_FMA __attribute__((target_clones("arch=haswell", "default")))
#else
#define INTARSIA_VECTORISED
#define INTARSIA_VECTORISED_FMA
#endif
