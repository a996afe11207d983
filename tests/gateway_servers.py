"""The real gateways as processes of their own, and models that only say their names.

`python -m tests.gateway_servers PORT` is such a model's endpoint, to be killed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from itertools import cycle

from openai import OpenAI

from tests.conftest import ROOT
from tests.stub_endpoint import Raw, Stall, StubEndpoint, well_behaved

BIN = ROOT / ".venv-gateways" / "bin"
KEY = "sk-of-this-test"
STALLS, BREAKS_OFF = 13, 17
"""Of max_tokens: a request that gets no answer, and a stream that ends in the middle."""


def invented(n=200):
    """Queries of several kinds, so that their scores differ."""
    kinds = cycle(
        [
            "How many lids fit on {} kettles if each lid covers {} spouts?",
            "Name the moth that sleeps under bridge {} on day {}.",
            "Prove that rope {} is longer than rope {} without measuring either.",
            "Which of the bells {} and {} rings at noon? Answer in one word.",
            "A tide rises {} hands an hour; when does it reach step {}?",
        ]
    )
    return [next(kinds).format(i, 3 * i + 1) for i in range(n)]


def speaks(seen, nth):
    """Says its name, in a stream where that is wanted."""
    if seen.document.get("max_tokens") == STALLS:
        return Stall(60.0)
    if not seen.document.get("stream"):
        return well_behaved(seen, nth)
    words = [f"{seen.model} ", "says ", "so"]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in words]
    chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    lines = [f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n" for choice in chunks]
    body = "".join([*lines, "data: [DONE]\n\n"]).encode()
    if seen.document.get("max_tokens") == BREAKS_OFF:
        return Raw("".join(lines[:2]).encode(), len(body), "text/event-stream")
    return Raw(body, content_type="text/event-stream")


def ask(client, messages, **options):
    """What is said, whether in one piece or in a stream."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    reply = client.chat.completions.create(
        **{"model": "routellm", "messages": messages, "timeout": 60.0} | options
    )
    if not options.get("stream"):
        return reply.choices[0].message.content
    deltas = [chunk.choices[0].delta.content for chunk in reply if chunk.choices]
    return "".join(delta or "" for delta in deltas)


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@contextmanager
def running(command, folder, health, **variables):
    """A server in a process of its own, once it answers; its log when it does not."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NO_PROXY": "*"} | variables
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()[-3_000:]
            try:
                with urllib.request.urlopen(health, timeout=5):
                    break
            except OSError:
                time.sleep(0.5)
        else:
            raise AssertionError(log.read_text()[-3_000:])
        yield log
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def litellm_proxy(folder, weak_url, strong_url):
    """LiteLLM's proxy on loopback in a folder that was exported for it; a client of it."""
    port = free_port()
    variables = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": KEY,
        "WEAK_API_KEY": "none",
        "WEAK_BASE_URL": weak_url,
        "STRONG_API_KEY": "none",
        "STRONG_BASE_URL": strong_url,
        "ROUTELLM_DECISIONS": str(folder / "decisions.jsonl"),
    }
    command = [str(BIN / "litellm"), "--config", "litellm_config.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    health = f"http://127.0.0.1:{port}/health/liveliness"
    with running(command, folder, health, **variables):
        yield OpenAI(api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)


def decisions(folder):
    """What the plugin wrote down, in its order."""
    return [json.loads(line) for line in (folder / "decisions.jsonl").open(encoding="utf-8")]


class Upstream:
    """A model's endpoint in a process of its own, which can be killed and started again."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        command = [sys.executable, "-m", "tests.gateway_servers", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout.readline()  # it listens

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.kill()


if __name__ == "__main__":
    with StubEndpoint(speaks, port=int(sys.argv[1])) as stub:
        print(stub.url, flush=True)
        threading.Event().wait()
