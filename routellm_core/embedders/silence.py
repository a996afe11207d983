"""Libraries that bring models and workers, told to leave stderr to our progress and errors."""

import os

SWITCHES = {
    "TRANSFORMERS_VERBOSITY": "error",  # no report of further weights in a checkpoint
    "TQDM_DISABLE": "1",  # no bar a file of weights
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # no line of every worker that is started again
}


def silence_libraries() -> None:
    """Set what these libraries read when they are imported; what the user has set stays."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
