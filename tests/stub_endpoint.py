"""An endpoint on this machine that speaks OpenAI's chat completions and misbehaves on demand."""

import json
import re
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


class Say(NamedTuple):
    """A completion."""

    text: str | None
    prompt_tokens: int = 20
    answer_tokens: int = 10
    finish: str = "stop"
    tells_usage: bool = True
    thoughts: int = 0
    """Tokens that stand in the total and beside `answer_tokens`."""


class Status(NamedTuple):
    """A refusal."""

    code: int
    message: str = "no"
    headers: Mapping[str, str] = MappingProxyType({})
    error_code: str | None = None


class Raw(NamedTuple):
    """Any body with status 200; `length` may promise more than there is."""

    body: bytes
    length: int | None = None
    content_type: str = "application/json"


class Stall(NamedTuple):
    """Nothing for a while, then a completion."""

    seconds: float


class Seen(NamedTuple):
    """A request that came in."""

    model: str
    messages: list[dict[str, str]]
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def text(self):
        return "\n".join(message["content"] for message in self.messages)


class StubEndpoint:
    """Answers by `behave(seen, nth)`, where nth counts earlier requests with the same body."""

    def __init__(self, behave=None, port=0):
        self.behave = behave or well_behaved
        self.seen = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                document = json.loads(body)
                said = document.get("messages", [])  # none where a text is completed
                seen = Seen(document["model"], said, dict(self.headers), document)
                with stub._lock:
                    nth = sum(s.document == document for s in stub.seen)
                    stub.seen.append(seen)
                self.answer(stub.behave(seen, nth))

            def answer(self, reply):
                if isinstance(reply, Stall):
                    stub._closing.wait(reply.seconds)
                    reply = Say("late")
                if isinstance(reply, Status):
                    error = {"message": reply.message, "code": reply.error_code}
                    self.send(reply.code, json.dumps({"error": error}).encode(), reply.headers)
                elif isinstance(reply, Raw):
                    length = len(reply.body) if reply.length is None else reply.length
                    self.send(200, reply.body, {"Content-Type": reply.content_type}, length=length)
                    self.close_connection = length != len(reply.body)
                else:
                    self.send(200, json.dumps(completion(reply)).encode(), {})

            def send(self, code, body, headers, length=None):
                try:
                    self.send_response(code)
                    for name, value in {"Content-Type": "application/json", **headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body) if length is None else length))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # the other side has gone
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


def completion(say):
    """The body of a reply."""
    message = {"role": "assistant", "content": say.text}
    document = {
        "id": "c",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "m",
        "choices": [{"index": 0, "finish_reason": say.finish, "message": message}],
    }
    if say.tells_usage:
        document["usage"] = {
            "prompt_tokens": say.prompt_tokens,
            "completion_tokens": say.answer_tokens,
            "total_tokens": say.prompt_tokens + say.answer_tokens + say.thoughts,
        }
        if say.thoughts:
            document["usage"]["completion_tokens_details"] = {"reasoning_tokens": say.thoughts}
    return document


def well_behaved(seen, nth):
    """Models say who they are; the owl prefers the large one, and grades it 9, the other 4."""
    if seen.model != "owl":
        return Say(f"{seen.model} says so")
    shown = blocks(seen)
    if "ANSWER" in shown:
        return Say(f"Well.\nGRADE: {9 if shown['ANSWER'].startswith('large') else 4}")
    return Say(f"Well.\nVERDICT: {'A' if shown['ANSWER A'].startswith('large') else 'B'}")


def blocks(seen):
    """The blocks that a judge is shown, by name."""
    found = re.findall(
        r"\[(QUERY|ANSWER(?: [AB])?) ([0-9a-f]{16})\]\n(.*?)\n\[END OF \1 \2\]",
        seen.messages[-1]["content"],
        re.DOTALL,
    )
    return {name: text for name, _, text in found}
