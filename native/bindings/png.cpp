#include "bindings.hpp"

#include "png/chunks.hpp"
#include "png/id_rows.hpp"

#include <stdexcept>

namespace {

// (height, width, channels, zlib stream), or None for a PNG that is not for the fast way.
nb::object find_png_picture(nb::bytes file, std::size_t max_pixels) {
    const std::span<const std::uint8_t> content(static_cast<const std::uint8_t*>(file.data()), file.size());
    const auto picture = intarsia::find_picture(content, max_pixels);
    if (!picture) return nb::none();
    const nb::bytes packed(picture->packed.data(), picture->packed.size());
    return nb::make_tuple(picture->height, picture->width, picture->channels, packed);
}

NewArray<std::int32_t> read_png_rows(Array<std::uint8_t, 1> filtered, std::size_t height, std::size_t width,
                                     std::size_t channels) {
    if (filtered.size() != intarsia::filtered_size(height, width, channels))
        throw std::invalid_argument("rows of another size");
    std::vector<std::int32_t> ids;
    {
        nb::gil_scoped_release unlocked;
        ids = intarsia::read_id_rows(view(filtered), height, width, channels);
    }
    if (ids.empty()) throw std::invalid_argument("a filter that does not exist");
    return to_numpy(std::move(ids), {height, width});
}

} // namespace

void bind_png(nb::module_& m) {
    m.def("find_png_picture", &find_png_picture, nb::arg("file"), nb::arg("max_pixels"));
    m.def("read_png_rows", &read_png_rows, nb::arg("filtered"), nb::arg("height"), nb::arg("width"),
          nb::arg("channels"));
}
