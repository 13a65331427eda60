"""A page in the browser. Drop a picture, see its segments, look inside, take away.

The package is also the command of its name: `intarsia.serve(("facades",))`.
"""

from intarsia._command_package import is_also_command

is_also_command(__name__, "intarsia.serve.start:serve")
