"""Try an installed intarsia as its first user would: `make wheel-test` and the workflow for wheels run this.

Nothing of the checkout is on the path; the folder of examples, the argument, lends a picture and its truth.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import resources
from pathlib import Path

import intarsia
from intarsia.cut import CutProblem, solve
from intarsia.metrics import evaluate_folders

LOWEST_PQ = 0.6
"""The shipped model for nuclei reaches 0.75 here; less than this is another model or another picture."""


def main(examples: Path) -> None:
    """Solve, look into the package, and run the command on a photo."""
    place = Path(str(intarsia.__file__)).resolve()
    if Path(sysconfig.get_path("platlib")).resolve() not in place.parents:
        sys.exit(f"intarsia comes from {place}, not from an installed wheel")
    package = resources.files("intarsia")
    data = [package / name for name in ("py.typed", "_native.pyi", "tables", "models")]
    missing = [path.name for path in data if not path.is_file() and not path.is_dir()]
    if missing:
        sys.exit(f"the wheel lacks {', '.join(missing)}")
    if solve(CutProblem([[0.0, 3.0]], [], [], [True, True]), solver="optimal").cost != 0.0:
        sys.exit("the native core gives a wrong cost")
    with tempfile.TemporaryDirectory() as folder:
        pq = quality_of_the_shipped_model(examples, Path(folder))
    print(f"intarsia {intarsia.__version__} from {place.parent}: PQ {pq:.3f} on the picture of nuclei")
    if pq < LOWEST_PQ:
        sys.exit(f"PQ must be {LOWEST_PQ} or more")


def quality_of_the_shipped_model(examples: Path, out: Path) -> float:
    """PQ of `intarsia predict`, typed as a user types it, on the one picture with a truth."""
    command = shutil.which("intarsia", path=sysconfig.get_path("scripts"))
    if command is None:
        sys.exit("the wheel installs no command `intarsia`")
    photo = str(examples / "photos" / "nuclei.tif")
    subprocess.run([command, "predict", photo, "--model", "nuclei", "--out", str(out)], check=True)
    return evaluate_folders(examples / "truth" / "nuclei.json", out / "panoptic.json").all.pq


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
