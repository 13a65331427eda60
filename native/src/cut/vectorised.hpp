// INTARSIA_VECTORISED before a function compiles it for AVX2 as well, chosen when the program starts. Only additions,
// comparisons and selections of independent lanes go there, so that the results are the same on every machine.
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) &&                      \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define INTARSIA_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define INTARSIA_VECTORISED
#endif
