// The whole test framework: a test is a function that registers itself, a check names its line.
#pragma once

#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

struct TestCase {
    const char* name;
    std::function<void()> run;
};

inline std::vector<TestCase>& test_cases() {
    static std::vector<TestCase> cases;
    return cases;
}

inline int& failed_checks() {
    static int failed = 0;
    return failed;
}

struct Registered {
    Registered(const char* name, std::function<void()> run) {
        test_cases().push_back({name, std::move(run)});
    }
};

#define TEST(name)                                                                                           \
    static void name();                                                                                      \
    static const Registered registered_##name(#name, name);                                                  \
    static void name()

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            ++failed_checks();                                                                               \
        }                                                                                                    \
    } while (false)
