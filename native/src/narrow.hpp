// Memory is counted in std::size_t, while pixels, nodes and labels are kept in 32 bits, since there are many.
#pragma once

#include <cassert>
#include <concepts>
#include <utility>

namespace intarsia {

// A number that fits the smaller type, as the sizes of arrays are checked to where they come in. Checked
// again in the sanitizer builds.
template <std::integral To> constexpr To narrow(std::integral auto number) {
    assert(std::in_range<To>(number));
    return static_cast<To>(number);
}

} // namespace intarsia
