"""The names of the environment variables that the other exports read, without any value."""

from routellm_core.policy import Policy
from routellm_core.targets.base import Target

_VARIABLES = {
    "WEAK_API_KEY": "key of the weak model's endpoint",
    "WEAK_BASE_URL": "its address, as http://127.0.0.1:9101/v1; unset: OpenAI's",
    "STRONG_API_KEY": "key of the strong model's endpoint",
    "STRONG_BASE_URL": "its address; unset: OpenAI's",
    "LITELLM_MASTER_KEY": "what clients of the LiteLLM proxy must send",
    "ROUTELLM_DECISIONS": "file to which decisions are added, a line of JSON each; unset: none",
}


def files(policy: Policy) -> dict[str, bytes]:
    """A file in the form of Docker's --env-file; what stays empty is better taken out of it."""
    del policy  # every policy needs the same variables
    lines = [f"# {meaning}\n{name}=\n" for name, meaning in _VARIABLES.items()]
    return {"policy.env": "".join(lines).encode("utf-8")}


TARGET = Target(
    name="environment",
    title="Environment variables",
    tested_with="",
    files=files,
    commands=("$EDITOR policy.env", "set -a && . ./policy.env && set +a"),
    asks_router=False,
)
