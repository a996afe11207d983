"""Ray with workers: a cluster of its own on this machine, or one that runs already.

Ray is imported when it is used. It shows no dashboard, tells nobody that it is used, and what a
cluster of its own writes is gone with it.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from routellm_core.errors import DataError, MissingPackageError

_SECONDS_TO_ANSWER = 10.0
_STORE_BYTES = 128 << 20
"""Ray's shared memory on this machine: only names and counts pass through it."""


class Cluster(NamedTuple):
    """The workers: by default as many on this machine as it has processors or GPUs."""

    address: str | None = None
    """Of a Ray cluster that runs already."""
    n_workers: int | None = None


HERE = Cluster()


@contextmanager
def running(cluster: Cluster) -> Iterator[Any]:
    """Ray with a cluster of its own, ended and cleared away in the end, or with one that runs.

    Raises:
        MissingPackageError: Ray is not installed.
        DataError: no cluster answers at the address.
    """
    ray = imported()
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    # What Ray says of workers goes to stdout, which is for results.
    with redirect_stdout(sys.stderr), TemporaryDirectory(prefix="ray-") as folder:
        try:
            if cluster.address is not None:
                _knock(cluster.address)
                ray.init(address=cluster.address, **quiet)
            else:
                ray.init(
                    address="local",
                    num_cpus=cluster.n_workers or os.cpu_count(),
                    include_dashboard=False,
                    object_store_memory=_STORE_BYTES,
                    _temp_dir=folder,
                    **quiet,
                )
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(
                f"no Ray cluster for us at {cluster.address or 'this machine'} ({reason}); `ray "
                "start --head` says the address of one, and one that asks for a token wants "
                "RAY_AUTH_MODE=token here too"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Ray itself waits for many minutes where nobody listens."""
    host, _, port = address.rpartition(":")
    if port.isdigit() and "://" not in address:
        socket.create_connection((host, int(port)), _SECONDS_TO_ANSWER).close()


def imported() -> Any:
    """Ray, which tells nobody that it is used.

    Raises:
        MissingPackageError: it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray = import_module("ray")
        import_module("ray.data")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"--engine ray needs {error.name}: pip install -r requirements-ray.txt"
        ) from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what fails is told by us
    return ray
