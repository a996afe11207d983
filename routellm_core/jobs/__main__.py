"""A job in a process of its own: `python -m routellm_core.jobs KIND FOLDER STORE`.

The folder holds plan.json. What keeps the job from being done is said in its log, where it cannot
be said in run.json. Exit code 0: done, 2: cancelled, or something the user can put right.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from routellm_core.errors import RoutingError
from routellm_core.jobs.job import Cancelled

KINDS = {
    "import": "routellm_core.importing.job",
    "scoring": "routellm_core.scoring.job",
    "labelling": "routellm_core.labelling.job",
    "training": "routellm_core.training.job",
    "comparison": "routellm_core.evaluation.traffic.comparison",
}
"""The module of each kind; its `main(folder, store_path)` reads plan.json and does what it says."""


def main(arguments: Sequence[str]) -> int:
    """Do one job; returns the exit code."""
    kind, *paths = arguments
    try:
        import_module(KINDS[kind]).main(*map(Path, paths))
    except Cancelled:
        return 2
    except RoutingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
