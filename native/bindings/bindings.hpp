// What the binding files share. Arrays come in as contiguous, typed views and leave as new arrays.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace nb = nanobind;

template <class T, nb::ssize_t Rank> using Array =
    nb::ndarray<const T, nb::ndim<Rank>, nb::c_contig, nb::device::cpu>;

// An array of the caller's that the kernel writes into.
template <class T, nb::ssize_t Rank> using OutArray =
    nb::ndarray<T, nb::ndim<Rank>, nb::c_contig, nb::device::cpu>;

template <class T> using NewArray = nb::ndarray<nb::numpy, T>;

// A view of all values of an array, in memory order.
template <class Typed> auto view(const Typed& array) {
    return std::span<const typename Typed::Scalar>(array.data(), array.size());
}

// Hand a vector's storage to NumPy without copying it.
template <class T> NewArray<T> to_numpy(std::vector<T>&& values, std::initializer_list<std::size_t> shape) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return NewArray<T>(kept->data(), shape, owner);
}

void bind_panoptic(nb::module_& m);
void bind_cut(nb::module_& m);
void bind_clustering(nb::module_& m);
void bind_decoding(nb::module_& m);
void bind_layers(nb::module_& m);
void bind_losses(nb::module_& m);
void bind_metrics(nb::module_& m);
void bind_png(nb::module_& m);
