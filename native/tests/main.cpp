#include "check.hpp"

int main() {
    for (const TestCase& test : test_cases()) {
        std::printf("%s\n", test.name);
        test.run();
    }
    std::printf("%zu tests, %d failed checks\n", test_cases().size(), failed_checks());
    return failed_checks() == 0 ? 0 : 1;
}
