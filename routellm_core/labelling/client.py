"""One request to one endpoint: a reply, or what went wrong and what that means.

Texts leave this machine here, to the address that the plan names and nowhere else: redirects are
not followed. A key comes from the environment, goes into one header, and is struck out of
what comes back.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from routellm_core.errors import DataError, MissingPackageError, RoutingError
from routellm_core.importing.usage import Tokens, tokens_of
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.labelling.protocol import Call, Reply
from routellm_core.labelling.token_counts import count_tokens

if TYPE_CHECKING:
    import openai

PACKAGE = "openai==3.54.0"
_QUOTED = 200
_SHORTEST_IN_ERRORS, _SHORTEST_IN_REPLIES = 4, 16
"""Characters of a key that is struck out. A server that wants no key takes any word for one, such
as EMPTY, which answers may hold too."""


class EndpointError(RoutingError, OSError):
    """An endpoint will answer nothing more; what was finished is kept."""


class Trouble(NamedTuple):
    """Why there is no reply."""

    reason: str
    spoils: Literal["request", "call", "endpoint"]
    """`request`: another one may succeed; `call`: none will; `endpoint`: no call will."""
    wait_s: float = math.nan
    """How long the endpoint asks to be left alone; NaN where it does not say."""
    may_be_billed: bool = False
    """The model may have answered, and nobody heard how many tokens that took."""


def read_keys(plan: LabellingPlan, environ: Mapping[str, str]) -> dict[str, str]:
    """The keys by the name of their variable.

    Raises:
        DataError: a variable is not set, or holds what no header can.
    """
    keys = {}
    for endpoint in plan.endpoints:
        variable = endpoint.key_variable
        if variable is None:
            continue
        key = environ.get(variable, "").strip()
        if not key:
            raise DataError(
                f"endpoint {endpoint.name!r}: the environment variable {variable} is not set; set "
                "it to the key and start again"
            )
        if not (key.isascii() and key.isprintable()):
            raise DataError(f"{variable} holds characters that no key has; set it anew")
        keys[variable] = key
    return keys


@asynccontextmanager
async def connected(
    plan: LabellingPlan, keys: Mapping[str, str]
) -> AsyncIterator[Mapping[Endpoint, "Connection"]]:
    """Every endpoint of a plan, ready for requests until the context ends.

    Raises:
        MissingPackageError: the client is not installed.
    """
    try:
        import openai
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"asking endpoints needs openai: pip install {PACKAGE}"
        ) from error
    async with openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=None) as transport:
        yield {
            end: Connection(end, keys.get(end.key_variable or ""), plan.timeout_s, transport)
            for end in dict.fromkeys(plan.endpoints)
        }


class Connection:
    """An endpoint with its key.

    The client's own retries are off: whoever asks must see each request, since each may be billed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: str | None,
        timeout_s: float,
        transport: "openai.DefaultAsyncHttpxClient",
    ) -> None:
        import openai

        self._endpoint, self._key, self._timeout_s = endpoint, key, timeout_s
        self._client = openai.AsyncOpenAI(
            api_key=key or "",
            admin_api_key="",  # what the environment holds for OpenAI is for OpenAI alone
            base_url=endpoint.base_url,
            default_headers={"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()},  # type: ignore[dict-item]
            max_retries=0,
            timeout=None,
            http_client=transport,
            _enforce_credentials=False,
        )

    async def request(self, call: Call) -> Reply | Trouble:
        """Send a call once."""
        import httpx2
        import openai

        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                completion = await self._client.chat.completions.create(**self._sent(call))
        except TimeoutError:
            return Trouble(f"no answer within {self._timeout_s:g} s", "request", may_be_billed=True)
        except openai.APIStatusError as error:
            return self._refused(error)
        except openai.APIConnectionError as error:
            # Nothing was sent where not even a connection came about.
            unsent = isinstance(error.__cause__, httpx2.ConnectError)
            what = "cannot be reached" if unsent else "broke off its reply"
            reason = f"{what} ({self._quoted(str(error.__cause__ or error))})"
            return Trouble(reason, "request", may_be_billed=not unsent)
        except (openai.OpenAIError, ValueError) as error:
            reason = f"gave a reply that is no JSON ({self._quoted(type(error).__name__)})"
            return Trouble(reason, "request", may_be_billed=True)
        return self._reply(call, completion, time.monotonic() - begun)

    def _sent(self, call: Call) -> dict[str, Any]:
        import openai

        end = self._endpoint
        sent: dict[str, Any] = {
            "model": end.model,
            "messages": [{"role": role, "content": text} for role, text in call.messages],
            end.limit_parameter: end.max_answer_tokens,
        }
        if end.temperature is not None:
            sent["temperature"] = end.temperature
        if self._key is None:
            sent["extra_headers"] = {"Authorization": openai.Omit()}
        return sent

    def _reply(self, call: Call, completion: Any, seconds: float) -> Reply | Trouble:
        try:
            choice = completion.choices[0]
            content = choice.message.content or ""
            text = self._scrubbed(content, _SHORTEST_IN_REPLIES)
        except (AttributeError, IndexError, TypeError):  # JSON of some other form
            return Trouble("gave a reply that is no chat completion", "request", may_be_billed=True)
        prompt_tokens, answer_tokens = _billed(getattr(completion, "usage", None))
        is_counted_here = math.isnan(prompt_tokens + answer_tokens)
        if is_counted_here:
            most = call.most_prompt_tokens, self._endpoint.max_answer_tokens
            sent = "\n".join(shown for _, shown in call.messages)
            prompt_tokens, answer_tokens = map(min, count_tokens([sent, text]).tolist(), most)
        return Reply(
            text=text,
            prompt_tokens=prompt_tokens,
            answer_tokens=answer_tokens,
            tokens_are_counted_here=is_counted_here,
            is_cut=getattr(choice, "finish_reason", None) == "length",
            usd=self._endpoint.usd(prompt_tokens, answer_tokens),
            latency_s=seconds,
        )

    def _refused(self, error: "openai.APIStatusError") -> Trouble:
        status, said = error.status_code, self._quoted(error.message)
        if status in (401, 403):
            variable = self._endpoint.key_variable
            fix = f"check the key in {variable}" if variable else "name its key_variable"
            return Trouble(f"refuses access ({status}); {fix}", "endpoint")
        if status == 404:
            return Trouble(
                f"knows no model {self._endpoint.model!r}, or base_url is wrong (404)", "endpoint"
            )
        if status == 402 or getattr(error, "code", None) == "insufficient_quota":
            return Trouble(f"says that nothing is left to spend there ({status})", "endpoint")
        if 300 <= status < 400:
            return Trouble(
                f"redirects elsewhere ({status}); put the final address into base_url", "endpoint"
            )
        if status in (408, 409, 429) or status >= 500:
            wait_s = _retry_after(error.response.headers)
            return Trouble(f"answered {status} ({said})", "request", wait_s)
        return Trouble(f"refused it with {status} ({said})", "call")

    def _quoted(self, text: str) -> str:
        line = " ".join(self._scrubbed(text, _SHORTEST_IN_ERRORS).split())
        return line if len(line) <= _QUOTED else line[:_QUOTED] + "…"

    def _scrubbed(self, text: str, shortest: int) -> str:
        """Without a key of that length, and without half surrogate pairs, which cannot be sent."""
        text = text.encode("utf-8", "replace").decode()
        return text.replace(self._key, "***") if self._key and len(self._key) >= shortest else text


def _billed(usage: Any) -> Tokens:
    """Tokens that an endpoint says it took, thoughts among the answer's; NaN where it does not."""
    try:
        tokens = tokens_of(usage.to_dict(), "usage")
    except (AttributeError, DataError):  # none, or none that can be read
        return Tokens()
    return tokens if min(tokens) >= 0 else Tokens()


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the header asks for, in either of its forms; NaN without it."""
    said = headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return math.nan
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
