"""Requests to the gateway that runs the policy, as any client of OpenAI's API sends them."""

from routellm_core.policy.document import Policy
from routellm_core.policy.export.base import ExportTarget, plain_file


def files(policy: Policy) -> dict[str, bytes]:
    """The same request with curl and with the official Python client."""
    del policy  # the gateway knows it, a client only asks for the alias
    return {name: plain_file(name) for name in ("request.sh", "request.py")}


TARGET = ExportTarget(
    name="openai_request",
    title="OpenAI request",
    tested_with="",
    files=files,
    commands=("sh request.sh", "python request.py"),
    variables=("GATEWAY_URL", "LITELLM_MASTER_KEY"),
    asks_router=False,
)
