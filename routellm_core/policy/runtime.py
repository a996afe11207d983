"""A policy at work: a query in, a decision out, always and in time.

Needs the policy's file and the checkpoint beside it; no screen and no store. Any number of threads
and tasks may route at once. When the router fails, does not answer in time or is stuck, the strong
model is called and the decision says why: a router that is out of order may cost money, never
quality.

>>> text_of([{"role": "user", "content": [{"type": "text", "text": "How tall is a door?"}]}])
'How tall is a door?'
"""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from routellm_core.errors import DataError
from routellm_core.files import with_nulls
from routellm_core.policy.circuit_breaker import NoScore, Rates, RouterWorker
from routellm_core.policy.document import Policy, check_checkpoint, read_policy
from routellm_core.policy.fields import CalledModel
from routellm_core.routers import load_router
from routellm_core.text_keys import text_hash

TIME_LIMIT_S = 2.0
"""What a query may wait for its score; one score takes hundredths of it."""
_WARM_UP = "How tall is a door?"


@dataclass(frozen=True)
class Decision:
    """The model that answers a query, and the reason."""

    policy_id: str
    query_hash: str
    """Names the text without holding it; see `normalise.text_hash`."""
    strong_win_rate: float
    """NaN where no router was asked or none answered."""
    threshold: float
    """+inf where the strong model is never called."""
    calls_strong: bool
    model: str
    """As its provider calls it."""
    latency_s: float
    fallback_reason: str | None = None
    """Why the strong model is called without a score; None: it is not."""

    def as_json(self) -> str:
        """One line of JSON without the query's text; a number that is not finite becomes null."""
        return json.dumps(with_nulls(asdict(self)), ensure_ascii=False, allow_nan=False)


class RoutingPolicy:
    """A policy with its router loaded; thread-safe."""

    def __init__(self, policy: Policy, router: Any, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        """Args as `load` finds them: the router needs `strong_win_rate(queries)`.

        Raises:
            DataError: the time limit is not above 0.
        """
        if not time_limit_s > 0:
            raise DataError(f"a time limit of {time_limit_s} s leaves no time to score")
        self.policy = policy
        self.time_limit_s = time_limit_s
        self._worker = RouterWorker(router)

    @classmethod
    def load(
        cls,
        path: Path | str,
        checkpoint_dir: Path | str | None = None,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        accept_edited: bool = False,
        embedder: Any = None,
    ) -> Self:
        """Read a policy, check its checkpoint, load the router and let it score once.

        Args:
            path: of the policy's file, or of the folder that holds it as policy.json.
            checkpoint_dir: by default the folder beside the policy that it names.
            time_limit_s: what a query may wait for its score.
            accept_edited: take a policy that was edited by hand.
            embedder: used in place of a new one of the recorded name.

        Raises:
            NotTrainedError: the checkpoint is missing.
            DataError: the policy is refused, or the checkpoint is another one.
        """
        path = Path(path)
        policy = read_policy(path, accept_edited=accept_edited)
        folder = path if path.is_dir() else path.parent
        checkpoint = Path(checkpoint_dir or folder / policy.router.checkpoint)
        check_checkpoint(policy, checkpoint)
        router = load_router(checkpoint, embedder)
        if not isinstance(policy.threshold, str):
            router.strong_win_rate([_WARM_UP])  # models are read at their first use
        return cls(policy, router, time_limit_s=time_limit_s)

    def route(self, query: str) -> Decision:
        """Decide for one query; whatever happens to the router, there is a decision."""
        started, text = time.monotonic(), _well_formed(query)
        if self._needs_no_score:
            return self._decided(text, math.nan, started)
        return self._by(text, self._worker.request([text], self.time_limit_s).wait(), started)

    def route_batch(self, queries: Iterable[str]) -> list[Decision]:
        """Decide for several queries, scored together; one that fails does not harm the others.

        All of them may wait as long as they would one after another.
        """
        started = time.monotonic()
        texts = [_well_formed(query) for query in queries]
        if self._needs_no_score or not texts:
            return [self._decided(text, math.nan, started) for text in texts]
        said = self._worker.request(texts, self.time_limit_s * len(texts)).wait()
        if isinstance(said, list):
            return [self._decided(t, rate, started) for t, rate in zip(texts, said, strict=True)]
        if said.timed_out:
            return [self._fallback(text, started, said.reason) for text in texts]
        return [self.route(text) for text in texts]

    def route_messages(self, messages: Sequence[Mapping[str, Any]]) -> Decision:
        """Decide for a chat as OpenAI's API has it: what counts is the user's last message.

        Without a text of the user there is nothing to score, and the strong model is called.
        """
        text = text_of(messages)
        if text is None and not self._needs_no_score:
            return self._fallback("", time.monotonic(), "no text of the user to score")
        return self.route(text or "")

    async def route_messages_async(self, messages: Sequence[Mapping[str, Any]]) -> Decision:
        """`route_messages` for an event loop: it goes on meanwhile, and no thread waits."""
        started, text = time.monotonic(), text_of(messages)
        if text is None or self._needs_no_score:
            return self.route_messages(messages)
        text = _well_formed(text)
        said = await self._worker.request([text], self.time_limit_s).wait_async()
        return self._by(text, said, started)

    @property
    def _needs_no_score(self) -> bool:
        """True where the threshold is the word never or always, so that no score decides."""
        return isinstance(self.policy.threshold, str)

    def _by(self, text: str, said: Rates, started: float) -> Decision:
        if isinstance(said, NoScore):
            return self._fallback(text, started, said.reason)
        return self._decided(text, said[0], started)

    def _decided(self, text: str, rate: float, started: float) -> Decision:
        threshold = self.policy.alpha
        calls_strong = rate >= threshold if math.isfinite(rate) else threshold <= 0.0
        return self._decision(text, rate, calls_strong, started, None)

    def _fallback(self, text: str, started: float, reason: str) -> Decision:
        return self._decision(text, math.nan, True, started, reason)

    def _decision(
        self, text: str, rate: float, calls_strong: bool, started: float, reason: str | None
    ) -> Decision:
        return Decision(
            policy_id=self.policy.policy_id,
            query_hash=text_hash(text),
            strong_win_rate=rate,
            threshold=self.policy.alpha,
            calls_strong=calls_strong,
            model=self.called(calls_strong).provider_name,
            latency_s=time.monotonic() - started,
            fallback_reason=reason,
        )

    def called(self, calls_strong: bool) -> CalledModel:
        """The model that a decision means."""
        pair = self.policy.model_pair
        return pair.strong if calls_strong else pair.weak


def text_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """The text of the user's last message, parts joined; None where there is none.

    Args:
        messages: as in OpenAI's chat completions; `content` is a text or a list of parts.
    """
    for message in reversed(messages):
        if message.get("role") == "user":
            return _text_of_content(message.get("content"))
    return None


def _text_of_content(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return None
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    texts = [text for text in parts if isinstance(text, str)]
    return "\n".join(texts) if texts else None


def _well_formed(query: str) -> str:
    """The query with half surrogate pairs replaced, so that it has a hash."""
    return query.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
