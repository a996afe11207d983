"""vLLM's semantic router: only a policy that never or always calls the strong model.

Its decisions read signals of its own; the only score it compares with a number is that of a
classifier of its own format, at 0.5 or above and for the label that won. A win rate of ours and a
threshold on it have no place there.
"""

from routellm_core.errors import DataError
from routellm_core.policy.document import Policy
from routellm_core.policy.export.base import ExportTarget, yaml_file

VERSION = "0.4.0"
_HEAD = f"""Written for vllm-sr {VERSION}, whose check passes: vllm-sr config validate.
Put the address of the endpoint in the place of 127.0.0.1:8000; the key comes from MODEL_API_KEY."""


def files(policy: Policy) -> dict[str, bytes]:
    """A configuration with one route.

    Raises:
        DataError: the policy has a threshold.
    """
    if not isinstance(policy.threshold, str):
        raise DataError(
            "vLLM's semantic router cannot compare a router's strong win rate with a threshold "
            f"({policy.threshold!r} here): it compares only scores of its own classifiers, and "
            "those at 0.5 or above; put it behind the LiteLLM or RouteLLM export instead"
        )
    pair = policy.model_pair
    model = (pair.strong if policy.threshold == "always" else pair.weak).provider_name
    document = {
        "version": "v0.3",
        "listeners": [
            {"name": "http-8899", "address": "127.0.0.1", "port": 8899, "timeout": "300s"}
        ],
        "providers": {
            "defaults": {"model": model},
            "models": [
                {
                    "name": model,
                    "backend_refs": [
                        {
                            "name": "primary",
                            "provider": "vllm",
                            "endpoint": "127.0.0.1:8000",
                            "protocol": "http",
                            "weight": 100,
                            "api_key_env": "MODEL_API_KEY",
                        }
                    ],
                }
            ],
        },
        "routing": {
            "modelCards": [{"name": model}],
            "decisions": [
                {
                    "name": "every-query",
                    "description": f"The strong model is {policy.threshold} called.",
                    "priority": 100,
                    "rules": {"operator": "AND", "conditions": []},
                    "modelRefs": [{"model": model, "use_reasoning": False}],
                }
            ],
        },
    }
    return {"semantic_router.yaml": yaml_file(_HEAD, document)}


TARGET = ExportTarget(
    name="semantic_router",
    title="vLLM semantic router",
    tested_with=VERSION,
    files=files,
    commands=(
        f"pip install vllm-sr=={VERSION}",
        "vllm-sr config validate --config semantic_router.yaml",
    ),
    variables=("MODEL_API_KEY",),
    asks_router=False,
)
