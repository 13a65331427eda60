"""What a run is: a recipe is a function that returns the tree of a run's settings, one file a paper.

The package is also the command of its name: `intarsia.recipes()` lists the recipes that ship.
"""

from intarsia._command_package import is_also_command

is_also_command(__name__, "intarsia.commands.recipes:list_recipes")
