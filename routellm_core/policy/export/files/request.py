"""Ask the gateway for an answer; the policy decides which model gives it."""

import os
import sys


def main() -> None:
    """Send one query, name the model that was chosen and print the answer."""
    from openai import OpenAI

    client = OpenAI(
        base_url=os.environ.get("GATEWAY_URL") or "http://127.0.0.1:4000/v1",
        api_key=os.environ["LITELLM_MASTER_KEY"],
    )
    reply = client.chat.completions.with_raw_response.create(
        model="routellm", messages=[{"role": "user", "content": "How tall is a door?"}]
    )
    sys.stderr.write(f"tier: {reply.headers.get('x-litellm-complexity-router-tier', 'not said')}\n")
    sys.stdout.write(f"{reply.parse().choices[0].message.content}\n")


if __name__ == "__main__":
    main()
