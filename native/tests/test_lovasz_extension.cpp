#include "check.hpp"
#include "losses/lovasz_extension.hpp"

#include <array>
#include <cmath>

using namespace intarsia;

TEST(lovasz_hinge_of_a_mask_worked_by_hand) {
    const std::array<float, 5> logits{1.5f, 0.2f, -0.3f, -2.0f, 0.7f};
    const std::array<bool, 5> labels{true, true, false, false, false};
    std::array<float, 5> gradient{};
    LovaszWorkspace workspace;
    const double loss = lovasz_extension({logits, labels, {}, 1.0f}, gradient, workspace);
    CHECK(std::abs(loss - (1.7 / 3 + 0.8 / 3 + 0.7 / 12)) < 1e-6);
    CHECK(gradient[0] == 0.0f && gradient[3] == 0.0f);
    CHECK(std::abs(gradient[4] - 1.0f / 3) < 1e-6f && std::abs(gradient[1] + 1.0f / 3) < 1e-6f);
}

TEST(lovasz_hinge_without_labels_is_the_largest_error) {
    const std::array<float, 2> logits{0.5f, -0.5f};
    const std::array<bool, 2> labels{};
    std::array<float, 2> gradient{};
    LovaszWorkspace workspace;
    CHECK(lovasz_extension({logits, labels, {}, 1.0f}, gradient, workspace) == 1.5);
    CHECK(gradient[0] == 1.0f && gradient[1] == 0.0f);
}

TEST(lovasz_extension_of_no_pixels_is_zero) {
    LovaszWorkspace workspace;
    CHECK(lovasz_extension({{}, {}, {}, 1.0f}, {}, workspace) == 0.0);
}
