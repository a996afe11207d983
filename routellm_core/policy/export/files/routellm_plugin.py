"""The classifier that LiteLLM's proxy asks for the model of a chat; reads policy.json beside it.

LiteLLM loads `classifier` when it starts, so a policy that cannot run keeps it from starting.
Set ROUTELLM_DECISIONS to a file to have each decision added to it as a line of JSON, without the
query's text.
"""

import asyncio
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if (HERE / "routellm_core").is_dir():
    sys.path.insert(0, str(HERE))

from routellm_core.policy.runtime import Decision, RoutingPolicy  # noqa: E402


class Classifier:
    """LiteLLM's interface for classifiers."""

    def __init__(self, policy: RoutingPolicy, decisions_path: Path | None = None) -> None:
        self.policy = policy
        self.decisions_path = decisions_path

    async def classify(self, context: Any) -> str:
        """The tier for a request; the event loop goes on while the router is asked."""
        decision = await self.policy.route_messages_async(list(context.structured_messages))
        if self.decisions_path is not None:
            await asyncio.to_thread(_note, self.decisions_path, decision)
        return "REASONING" if decision.calls_strong else "SIMPLE"

    def __deepcopy__(self, memo: dict[int, Any]) -> "Classifier":
        """Itself: LiteLLM copies its configuration, and there is one router."""
        return self


def _note(path: Path, decision: Decision) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(decision.as_json() + "\n")


@cache
def _classifier() -> Classifier:
    path = os.environ.get("ROUTELLM_DECISIONS")
    return Classifier(RoutingPolicy.load(HERE), Path(path) if path else None)


def __getattr__(name: str) -> Any:
    if name == "classifier":
        return _classifier()
    raise AttributeError(name)
