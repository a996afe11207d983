"""The names of the environment variables that the other exports read, without any value."""

from routellm_core.policy.document import Policy
from routellm_core.policy.export.base import VARIABLES, ExportTarget


def files(policy: Policy) -> dict[str, bytes]:
    """A file in the form of Docker's --env-file; what stays empty is better taken out of it."""
    del policy  # every policy needs the same variables
    lines = [f"# {meaning}\n{name}=\n" for name, meaning in VARIABLES.items()]
    return {"policy.env": "".join(lines).encode("utf-8")}


TARGET = ExportTarget(
    name="environment",
    title="Environment variables",
    tested_with="",
    files=files,
    commands=("$EDITOR policy.env", "set -a && . ./policy.env && set +a"),
    variables=tuple(VARIABLES),
    asks_router=False,
)
