"""What users hand over becomes a NumPy array of the right kind, without a copy where none is needed."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from intarsia._check import counted, fail


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
    """A contiguous int32 array with these axes: a copy that nobody changes after it was checked.

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
    # a wider type wraps around where a number does not fit, without a word
    if array.dtype.itemsize >= 4 and array.dtype != np.int32 and array.size:
        limits = np.iinfo(np.int32)
        for extreme in (int(array.max()), int(array.min())):
            if not limits.min <= extreme <= limits.max:
                fail(name, "within 32 bits", extreme)
    # native code trusts indices that were checked, so nobody may change them afterwards
    kept = np.array(array, dtype=np.int32, order="C")
    kept.flags.writeable = False
    return kept


def as_flags(name: str, values: Any, length: int) -> np.ndarray:
    """A bool array of this length.

    Raises:
        ValueError: If it is anything else.

    Example:
        >>> as_flags("splittable", [True, False], 2)
        array([ True, False])
    """
    array = as_array(name, values)
    if array.size == 0 and array.ndim == 1:  # what an empty list becomes
        array = array.astype(bool)
    if array.dtype != bool:
        fail(name, "bool", f"dtype {array.dtype}")
    if array.shape != (length,):
        fail(name, f"shaped ({length},), one flag a class", array.shape)
    return np.ascontiguousarray(array)


def check_size(num_nodes: int, num_classes: int) -> None:
    """Refuse more nodes and classes than the solvers can number.

    Raises:
        ValueError: If there is no node, no class, or 2^31 of both together and more.

    Example:
        >>> check_size(512 * 1024, 19)
    """
    counts = f"{num_nodes} nodes and {num_classes} classes"
    if num_nodes == 0 or num_classes == 0:
        fail("node_costs", "of at least one node and one class", counts)
    if num_nodes + num_classes >= 2**31:
        fail("node_costs", "of fewer than 2^31 nodes and classes", counts)


def check_finite(name: str, array: np.ndarray) -> None:
    """Refuse NaN and infinity; two passes of min and max, which NaN passes through, and no temporary.

    Raises:
        ValueError: If a value is not finite.

    Example:
        >>> check_finite("node_costs", np.zeros(3))
    """
    if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        fail(name, "finite (float32)", f"NaN or infinity {counted(int((~np.isfinite(array)).sum()), 'time')}")


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


def as_count(name: str, value: Any, *, least: int) -> int:
    """A whole number that is at least this large.

    Raises:
        ValueError: If it is no whole number, a bool, or smaller.

    Example:
        >>> as_count("threads", np.int64(2), least=1)
        2
    """
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        fail(name, f"a whole number, at least {least}", repr(value) if number is None else number)
    return number


def as_flag(name: str, value: Any) -> bool:
    """True or False.

    Raises:
        ValueError: If it is anything else.

    Example:
        >>> as_flag("refine", np.True_)
        True
    """
    if not isinstance(value, bool | np.bool_):
        fail(name, "True or False", repr(value))
    return bool(value)


def as_seconds(name: str, value: Any) -> float:
    """A time limit above 0; infinity for None.

    Raises:
        ValueError: If it is no number above 0.

    Example:
        >>> as_seconds("time_limit_s", None)
        inf
    """
    if value is None:
        return math.inf
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not (is_number and value > 0):
        fail(name, "a number above 0, or None", repr(value) if not is_number else value)
    return float(min(value, 1e18))  # a time point that a clock of nanoseconds can hold


def _check_axes(name: str, array: np.ndarray, axes: str) -> None:
    sides = axes.split()
    fits = array.ndim == len(sides) and all(
        not axis.isdigit() or int(axis) == size for axis, size in zip(sides, array.shape, strict=True)
    )
    if not fits:
        fail(name, f"shaped ({', '.join(sides)})", array.shape)
