"""Decide by policy.json beside this file and call the model: python route.py "How tall is a door?".

Keys and addresses come from WEAK_API_KEY, WEAK_BASE_URL, STRONG_API_KEY and STRONG_BASE_URL.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if (HERE / "routellm_core").is_dir():
    sys.path.insert(0, str(HERE))

from routellm_core.policy.runtime import Decision, RoutingPolicy  # noqa: E402


def answer(policy: RoutingPolicy, query: str) -> tuple[Decision, str]:
    """The decision, and what the model says."""
    from openai import OpenAI

    decision = policy.route(query)
    side = "STRONG" if decision.calls_strong else "WEAK"
    client = OpenAI(
        api_key=os.environ[f"{side}_API_KEY"], base_url=os.environ.get(f"{side}_BASE_URL") or None
    )
    said = client.chat.completions.create(
        model=decision.model, messages=[{"role": "user", "content": query}]
    )
    return decision, said.choices[0].message.content or ""


if __name__ == "__main__":
    decision, said = answer(RoutingPolicy.load(HERE), sys.argv[1])
    sys.stderr.write(decision.as_json() + "\n")
    sys.stdout.write(said + "\n")
