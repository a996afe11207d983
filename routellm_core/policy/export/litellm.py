"""LiteLLM's proxy: two models, an alias that decides between them, and the file that decides.

The alias is LiteLLM's complexity router with a classifier of ours. What else it does by default
would overrule the policy or the request, so it is switched off: phrases by which a user escalates,
the short cut of coding agents' housekeeping calls, and replacing max_tokens.
"""

import math
from typing import Any

from routellm_core.policy.document import Policy
from routellm_core.policy.export.base import ExportTarget, plain_file, yaml_file
from routellm_core.policy.fields import CalledModel, ModelPrice

VERSION = "1.106.2"
ALIAS = "routellm"
WEAK_TIER, STRONG_TIER = "SIMPLE", "REASONING"
PLUGIN_TIMEOUT_MS = 3_000
"""Above the policy's own limit, which decides first."""
_HEAD = f"""Written for LiteLLM {VERSION}. Ask for the model {ALIAS!r}; it calls weak or strong.
Keys and addresses come from the environment: LITELLM_MASTER_KEY, WEAK_API_KEY, STRONG_API_KEY,
and WEAK_BASE_URL, STRONG_BASE_URL where a model is not served by OpenAI itself."""


def files(policy: Policy) -> dict[str, bytes]:
    """The proxy's configuration and the classifier that it loads."""
    pair, prices = policy.model_pair, policy.prices
    document = {
        "model_list": [
            {"model_name": "weak", "litellm_params": _params("WEAK", pair.weak, prices.weak)},
            {
                "model_name": "strong",
                "litellm_params": _params("STRONG", pair.strong, prices.strong),
            },
            {
                "model_name": ALIAS,
                "litellm_params": {
                    "model": "auto_router/complexity_router",
                    "complexity_router_default_model": "strong",
                    "complexity_router_config": {
                        "classifier_type": "custom",
                        "classifier_plugin": "routellm_plugin.classifier",
                        "classifier_plugin_timeout_ms": PLUGIN_TIMEOUT_MS,
                        "classifier_fallback": "default_model",
                        "tiers": {WEAK_TIER: ["weak"], STRONG_TIER: ["strong"]},
                        "escalation_keywords": [],
                        "route_housekeeping_to_cheapest_tier": False,
                        "max_tokens_from_tier_model": False,
                    },
                },
            },
        ],
        "litellm_settings": {"telemetry": False},
        "general_settings": {
            "master_key": "os.environ/LITELLM_MASTER_KEY",
            "always_include_stream_usage": True,  # a stream would otherwise be logged as free
        },
    }
    return {
        "litellm_config.yaml": yaml_file(_HEAD, document),
        "routellm_plugin.py": plain_file("routellm_plugin.py"),
    }


def _params(side: str, model: CalledModel, price: ModelPrice) -> dict[str, Any]:
    params: dict[str, Any] = {"model": f"{model.provider}/{model.provider_name}"}
    if model.provider == "openai":
        params["api_base"] = f"os.environ/{side}_BASE_URL"
    params["api_key"] = f"os.environ/{side}_API_KEY"
    if math.isfinite(price.prompt_usd) and math.isfinite(price.answer_usd):
        params["input_cost_per_token"] = price.prompt_usd / 1e6
        params["output_cost_per_token"] = price.answer_usd / 1e6
    return params


TARGET = ExportTarget(
    name="litellm",
    title="LiteLLM proxy",
    tested_with=VERSION,
    files=files,
    commands=(
        "pip install -r requirements.txt",
        "LITELLM_LOCAL_MODEL_COST_MAP=True litellm --config litellm_config.yaml "
        "--host 127.0.0.1 --port 4000 --telemetry False",
    ),
    variables=(
        *("WEAK_API_KEY", "WEAK_BASE_URL", "STRONG_API_KEY", "STRONG_BASE_URL"),
        *("LITELLM_MASTER_KEY", "ROUTELLM_DECISIONS"),
    ),
    extra_requirements=(f"litellm[proxy]=={VERSION}",),
)
