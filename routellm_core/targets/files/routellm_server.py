"""RouteLLM's server with the router of policy.json beside it; options as RouteLLM's own.

Both models are asked for at one address (--base-url): where they have two, put a gateway there.
"""

import math
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if (HERE / "routellm_core").is_dir():
    sys.path.insert(0, str(HERE))

from routellm_core.policy import read_policy  # noqa: E402
from routellm_core.runtime import RoutingPolicy  # noqa: E402


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
    os.environ.setdefault("OPENAI_API_KEY", "unset")  # RouteLLM makes a client when imported
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    policy = read_policy(HERE)
    name = f"explorer_{policy.router.router_name}"
    register(name)
    models = []
    for side in ("weak", "strong"):
        called = getattr(policy.model_pair, side)
        models += [f"--{side}-model", f"{called.provider}/{called.provider_name}"]
    config = str(HERE / "routellm_config.yaml")
    sys.argv[1:1] = ["--routers", name, "--config", config, *models]
    import routellm.openai_server as server  # reads the command line when imported
    import uvicorn

    uvicorn.run(server.app, host="127.0.0.1", port=server.args.port)


if __name__ == "__main__":
    main()
