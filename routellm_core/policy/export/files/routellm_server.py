"""RouteLLM's server with the router of policy.json beside it; options as RouteLLM's own.

Both models are asked for at one address (--base-url): where they have two, put a gateway there.
"""

import math
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "routellm_config.yaml"
if (HERE / "routellm_core").is_dir():
    sys.path.insert(0, str(HERE))

from routellm_core.policy.document import read_policy  # noqa: E402
from routellm_core.policy.runtime import RoutingPolicy  # noqa: E402


def router_name() -> str:
    """Under which RouteLLM knows our router: the one that its configuration names."""
    import yaml

    (name,) = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return str(name)


def register(name: str) -> None:
    """Make RouteLLM know our router by a name."""
    import routellm.routers.routers as known

    class PolicyRouter(known.Router):  # type: ignore[misc]
        NO_PARALLEL = True

        def __init__(self, policy: str) -> None:
            self.policy = RoutingPolicy.load(HERE / policy)

        def calculate_strong_win_rate(self, prompt: Any) -> float:
            """1 where there is no score, which calls the strong model at every threshold."""
            decision = self.policy.route_messages([{"role": "user", "content": prompt}])
            return 1.0 if math.isnan(decision.strong_win_rate) else decision.strong_win_rate

    known.ROUTER_CLS[name] = PolicyRouter
    known.NAME_TO_CLS[PolicyRouter] = name


def main() -> None:
    """Serve on this machine only."""
    # RouteLLM makes a client when imported, which wants a key.
    os.environ["OPENAI_API_KEY"] = os.environ.get("OPENAI_API_KEY") or "unset"
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    policy, name = read_policy(HERE), router_name()
    register(name)
    models = []
    for side in ("weak", "strong"):
        called = getattr(policy.model_pair, side)
        models += [f"--{side}-model", f"{called.provider}/{called.provider_name}"]
    sys.argv[1:1] = ["--routers", name, "--config", str(CONFIG), *models]
    import routellm.openai_server as server  # reads the command line when imported
    import uvicorn

    uvicorn.run(server.app, host="127.0.0.1", port=server.args.port)


if __name__ == "__main__":
    main()
