"""What the style asks of public names and no linter sees: documented, shown in use, called in one way."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import intarsia

ROOT = Path(__file__).parents[1]
LISTED = Path(__file__).with_name("public_api.txt")
MAX_POSITIONAL = 3
FRONT_DOORS = ("intarsia", "intarsia.panoptic", "intarsia.methods.method", "intarsia.methods.load")


def modules() -> list[ModuleType]:
    """Every module of the package whose name is public."""
    names = [info.name for info in pkgutil.walk_packages(intarsia.__path__, "intarsia.")]
    return [intarsia, *(importlib.import_module(name) for name in names if "._" not in name)]


def public_names(*, front_doors_only: bool = False) -> dict[str, Any]:
    """Functions and classes in an `__all__`, by the module that defines them.

    Front doors are packages, whose `__all__` says what people import from them, and a few modules.
    """
    found = {}
    for module in modules():
        if front_doors_only and not hasattr(module, "__path__") and module.__name__ not in FRONT_DOORS:
            continue
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found[f"{value.__module__}.{name}"] = value
    return found


def public_callables() -> dict[str, Callable[..., Any]]:
    """Public functions, and the public methods of public classes that are not torch's own."""
    found: dict[str, Callable[..., Any]] = {}
    for name, value in public_names().items():
        if inspect.isfunction(value):
            found[name] = value
        else:
            found |= {f"{name}.{method}": getattr(value, method) for method in _own_methods(value)}
    return found


def _own_methods(cls: type) -> list[str]:
    foreign = [base for base in cls.__mro__[1:] if not base.__module__.startswith("intarsia")]
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, classmethod | staticmethod))
        and not any(hasattr(base, name) for base in foreign)
    ]


def shown_in_docs() -> set[str]:
    """Every word in the Python of the pages and the examples."""
    pages = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    blocks = [block for page in pages for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)]
    scripts = [script.read_text() for script in [*ROOT.glob("examples/*.py"), *ROOT.glob("docs/*.py")]]
    return set(re.findall(r"\w+", "\n".join(blocks + scripts)))


def positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that may be given without their names, without `self`."""
    parameters = inspect.signature(function).parameters.values()
    return [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]


def interface() -> list[str]:
    """What the packages offer, each name as people import it."""
    packages = [module for module in modules() if hasattr(module, "__path__")]
    packages += [importlib.import_module(name) for name in ("intarsia.panoptic", "intarsia.errors")]
    return sorted(
        f"{package.__name__}.{name}" for package in packages for name in getattr(package, "__all__", ())
    )


def test_the_public_interface_is_the_listed_one():
    """A change is meant: `python -m tests.test_public_api` writes the list, and the changelog tells of it."""
    assert interface() == LISTED.read_text().splitlines()


def test_a_name_of_a_package_is_no_module():
    """`from intarsia.losses import x` gives the thing; three packages at the top are commands, too."""
    packages = [module for module in modules() if hasattr(module, "__path__")]
    twins = {
        f"{package.__name__}.{name}"
        for package in packages
        for name in getattr(package, "__all__", ())
        if inspect.ismodule(getattr(package, name))
    }
    assert twins == {"intarsia.cut", "intarsia.recipes", "intarsia.serve"}
    assert all(callable(getattr(intarsia, name.partition(".")[2])) for name in twins)


def test_each_package_that_people_import_from_lists_its_names():
    """The others are imported by the names of their modules."""
    silent = {m.__name__ for m in modules() if hasattr(m, "__path__") and not getattr(m, "__all__", ())}
    by_module = {"commands", "data", "decoding", "engine", "formats", "pictures", "recipes", "serve"}
    assert silent == {f"intarsia.{name}" for name in by_module | {"recipes.studies"}}


def test_there_is_a_public_interface_to_check():
    assert {"intarsia.cut.solving.solve", "intarsia.panoptic.PanopticMap"} <= public_names().keys()
    assert "intarsia.panoptic.PanopticMap.resized" in public_callables()
    assert "intarsia.losses._lovasz_hinge.lovasz_hinge" in public_names(front_doors_only=True)


def test_every_public_name_has_a_docstring():
    def undocumented(name: str, value: Any) -> bool:
        doc = value.__doc__ or ""
        only_the_signature = inspect.isclass(value) and doc.startswith(f"{value.__name__}(")
        return not doc.strip() or only_the_signature

    everything = public_names() | public_callables()
    assert not [name for name, value in everything.items() if undocumented(name, value)]


def test_every_function_at_a_front_door_has_an_example_or_is_on_a_page():
    words = shown_in_docs()
    functions = {n: f for n, f in public_names(front_doors_only=True).items() if inspect.isfunction(f)}
    hidden = [n for n, f in functions.items() if ">>> " not in (f.__doc__ or "") and f.__name__ not in words]
    assert not hidden


def test_no_public_function_swallows_unknown_arguments():
    def kinds(function: Callable[..., Any]) -> set[Any]:
        return {parameter.kind for parameter in inspect.signature(function).parameters.values()}

    assert not [n for n, f in public_callables().items() if inspect.Parameter.VAR_KEYWORD in kinds(f)]


def test_at_most_three_arguments_go_without_their_names():
    many = {name: [p.name for p in positional(f)] for name, f in public_callables().items()}
    assert not {name: names for name, names in many.items() if len(names) > MAX_POSITIONAL}


def test_no_flag_goes_without_its_name():
    assert not [
        n for n, f in public_callables().items() if any(isinstance(p.default, bool) for p in positional(f))
    ]


if __name__ == "__main__":
    LISTED.write_text("\n".join(interface()) + "\n")
