"""What users hand over becomes a NumPy array of the right kind, without a copy where none is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from intarsia._check import fail


def as_costs(name: str, values: Any, axes: str) -> np.ndarray:
    """A contiguous float32 array with these axes ("n k": two of them).

    Torch tensors and other arrays on the CPU come in through DLPack and are not copied if they are float32
    and contiguous; torch itself is not imported.

    Raises:
        ValueError: If it is no array of real numbers, or has another number of axes.

    Example:
        >>> as_costs("node_costs", [[1, 2]], "n k")
        array([[1., 2.]], dtype=float32)
    """
    array = as_array(name, values)
    if array.dtype.kind not in "fiu":
        fail(name, "real numbers", f"dtype {array.dtype}")
    _check_axes(name, array, axes)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def as_indices(name: str, values: Any, axes: str) -> np.ndarray:
    """A contiguous int32 array with these axes.

    Raises:
        ValueError: If it holds anything but integers that fit, or has another number of axes.

    Example:
        >>> as_indices("edges", [[0, 1]], "e 2")
        array([[0, 1]], dtype=int32)
    """
    array = as_array(name, values)
    if array.size == 0 and array.dtype.kind == "f":  # what an empty list becomes
        array = array.astype(np.int32)
    if array.dtype.kind not in "iu":
        fail(name, "integers", f"dtype {array.dtype}")
    _check_axes(name, array, axes)
    if array.dtype.itemsize >= 4 and array.dtype != np.int32 and array.size:
        limits = np.iinfo(np.int32)
        if array.max() > limits.max or array.min() < limits.min:
            fail(name, "within 32 bits", int(array.max()))
    return np.ascontiguousarray(array, dtype=np.int32)


def as_flags(name: str, values: Any, length: int) -> np.ndarray:
    """A bool array of this length.

    Raises:
        ValueError: If it is anything else.

    Example:
        >>> as_flags("splittable", [True, False], 2)
        array([ True, False])
    """
    array = as_array(name, values)
    if array.size == 0 and array.ndim == 1:
        array = array.astype(bool)
    if array.dtype != bool:
        fail(name, "bool", f"dtype {array.dtype}")
    if array.shape != (length,):
        fail(name, f"shaped ({length},), one flag a class", array.shape)
    return np.ascontiguousarray(array)


def check_finite(name: str, array: np.ndarray) -> None:
    """Refuse NaN and infinity; two passes of min and max, which NaN passes through, and no temporary.

    Raises:
        ValueError: If a value is not finite.

    Example:
        >>> check_finite("node_costs", np.zeros(3))
    """
    if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        fail(name, "finite (float32)", f"{int((~np.isfinite(array)).sum())} values that are not")


def as_array(name: str, values: Any) -> np.ndarray:
    """The NumPy view of an array, a CPU tensor (through DLPack) or nested sequences.

    Raises:
        ValueError: If there is no such view, as for a tensor that requires grad or lives on another device.

    Example:
        >>> as_array("edges", [[0, 1]])
        array([[0, 1]])
    """
    if isinstance(values, np.ndarray):
        return values
    try:
        return np.from_dlpack(values) if hasattr(values, "__dlpack__") else np.asarray(values)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        fail(
            name,
            "an array or a tensor on the CPU that needs no gradient",
            f"{type(values).__name__} ({error})",
        )


def _check_axes(name: str, array: np.ndarray, axes: str) -> None:
    wanted = axes.split()
    fits = array.ndim == len(wanted) and all(
        not axis.isdigit() or int(axis) == size for axis, size in zip(wanted, array.shape, strict=True)
    )
    if not fits:
        fail(name, f"shaped ({', '.join(wanted)})", array.shape)
