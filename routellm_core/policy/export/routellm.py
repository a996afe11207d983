"""RouteLLM's own server: a model name that carries the threshold, and a launcher with our router.

RouteLLM's routers of the same names have other weights, so that this threshold means nothing to
them: ours is registered under a name of its own.
"""

from routellm_core.errors import DataError
from routellm_core.policy.document import POLICY_NAME, Policy
from routellm_core.policy.export.base import ExportTarget, plain_file, yaml_file

VERSION = "0.2.0"
_HEAD = f"""Written for RouteLLM {VERSION}; python routellm_server.py reads it."""


def routellm_model_name(router_name: str, threshold: float) -> str:
    """Model name by which a RouteLLM server is told router and threshold.

    It splits the name at '-' and reads the threshold as a float in [0, 1], so all digits are kept
    and a threshold that means "never" has no such name.

    Raises:
        ValueError: the threshold is outside [0, 1], or the router's name holds a '-'.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold {threshold} is outside [0, 1]")
    if "-" in router_name:
        raise ValueError(f"router name {router_name!r} holds a '-'")
    return f"router-{router_name}-{threshold!r}"


def router_name(policy: Policy) -> str:
    """Under which the launcher registers our router; RouteLLM splits names at '-'."""
    return f"explorer_{policy.router.router_name}"


def model_name(policy: Policy) -> str:
    """The model to ask the server for.

    Raises:
        DataError: the threshold or the router has no such name.
    """
    if policy.threshold == "never":
        raise DataError(
            "RouteLLM cannot be told never to call the strong model: its thresholds end at 1, "
            "which a win rate of 1 reaches"
        )
    try:
        return routellm_model_name(router_name(policy), policy.alpha)
    except ValueError as error:
        raise DataError(f"RouteLLM has no name for this policy: {error}") from error


def files(policy: Policy) -> dict[str, bytes]:
    """The model's name, the server's configuration and its launcher."""
    return {
        "routellm_model.txt": (model_name(policy) + "\n").encode("utf-8"),
        "routellm_config.yaml": yaml_file(_HEAD, {router_name(policy): {"policy": POLICY_NAME}}),
        "routellm_server.py": plain_file("routellm_server.py"),
    }


TARGET = ExportTarget(
    name="routellm",
    title="RouteLLM server",
    tested_with=VERSION,
    files=files,
    commands=(
        f'pip install -r requirements.txt "routellm[serve]=={VERSION}"',
        "python routellm_server.py --port 6060 --base-url ADDRESS_OF_BOTH_MODELS",
    ),
    variables=("OPENAI_API_KEY",),
)
