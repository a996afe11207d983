"""A policy: the choice of a threshold as a document that leaves this machine and can be run.

It names the router and its checkpoint, the model pair, the threshold, how it was chosen and what
is known of it. Its last field is a hash over all others, so that a figure that was changed by hand
is noticed. What a field cannot mean is refused when the document is read.
"""

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, Self

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError, model_validator

from routellm_core.errors import DataError, NotTrainedError
from routellm_core.metrics.prices import list_price
from routellm_core.policy.fields import (
    CalledModel,
    CalledPair,
    ChosenBy,
    Evidence,
    Guarantee,
    ModelPrice,
    Part,
    PlainName,
    PolicyRouter,
    Prices,
    Share,
)
from routellm_core.routers.checkpoints import checkpoint_hash
from routellm_core.routers.fold_checkpoints import fold_checkpoint_name, held_out_fold

POLICY_VERSION: Final = 3
"""3 says what its money rests on; before it 2 has a guarantee and 1 has none."""
_OF_VERSION_3 = {
    "weak": {"kind", "cached_usd", "rests_on", "prompt_tokens", "answer_tokens"},
    "strong": {"kind", "cached_usd", "rests_on", "prompt_tokens", "answer_tokens"},
    "money": True,
    "warm_share": True,
    "forfeited_usd_per_query": True,
}
"""Fields of `prices` that a policy of an earlier version does not have."""
POLICY_NAME = "policy.json"
MAX_BYTES = 1 << 18
"""Of a policy file; a real one has some four thousand."""
RULE = "call the strong model when strong_win_rate >= threshold"


class Policy(Part):
    """Which queries go to the strong model, and why."""

    model_config = ConfigDict(
        title="Policy of RouteLLM Explorer", json_schema_extra={"$comment": RULE}
    )

    policy_version: Literal[1, 2, 3] = POLICY_VERSION
    policy_id: PlainName
    created_at: Annotated[AwareDatetime, Field(strict=False)]
    project_version: PlainName
    router: PolicyRouter
    model_pair: CalledPair
    threshold: Share | Literal["never", "always"]
    """Midway between two scores, all digits; a word where no score matters."""
    chosen_by: ChosenBy
    guarantee: Guarantee | None = None
    evidence: Evidence
    prices: Prices
    content_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Of all other fields; see `content_hash`."""

    @property
    def alpha(self) -> float:
        """The threshold as a number: +inf for never, 0 for always."""
        words = {"never": math.inf, "always": 0.0}
        return words[self.threshold] if isinstance(self.threshold, str) else self.threshold

    @model_validator(mode="after")
    def _check_guarantee(self) -> Self:
        """A guarantee, the threshold and the checkpoint that it is about come together or not."""
        guarantee, router = self.guarantee, self.router
        if guarantee is None:
            if self.policy_version == 2 or self.chosen_by.mode == "promise":
                raise ValueError("it is one with a guarantee and lacks the field 'guarantee'")
            return self
        if self.policy_version == 1 or self.chosen_by.mode != "promise":
            raise ValueError(
                f"it has a guarantee, but is of version {self.policy_version} and chosen by "
                f"{self.chosen_by.mode}"
            )
        if self.threshold != ("never" if guarantee.threshold > 1 else guarantee.threshold):
            raise ValueError(
                f"the guarantee is about the threshold {guarantee.threshold!r}, and it has "
                f"{self.threshold!r}"
            )
        fold = guarantee.left_out_fold
        if fold is None and self.evidence.view != "untouched" and router.router_name != "random":
            raise ValueError("its checkpoint has seen the queries that the guarantee rests on")
        if fold is not None and not router.checkpoint.endswith(fold_checkpoint_name("", fold)):
            raise ValueError(
                f"the guarantee is about the checkpoint that never saw fold {fold}, and it names "
                f"{router.checkpoint}"
            )
        return self

    def document(self) -> dict[str, Any]:
        """The policy as a JSON object."""
        left_out: dict[str, Any] = {} if self.guarantee else {"guarantee": True}
        if self.policy_version < POLICY_VERSION:
            left_out["prices"] = _OF_VERSION_3
        return self.model_dump(mode="json", exclude=left_out)

    def signed(self) -> Self:
        """The same with the hash over its content."""
        return self.model_copy(update={"content_sha256": content_hash(self)})

    def as_bytes(self) -> bytes:
        """The file: indented UTF-8 JSON, the same for the same policy."""
        text = json.dumps(self.document(), indent=2, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode("utf-8")


def content_hash(policy: Policy) -> str:
    """SHA-256 of the policy without its own hash: sorted JSON without blanks, in UTF-8."""
    fields = policy.model_copy(update={"content_sha256": ""}).document()
    text = json.dumps(
        fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


# Reading


def read_policy(path: Path, *, accept_edited: bool = False) -> Policy:
    """A policy from its file, or from the folder that holds it as policy.json.

    Args:
        path: of the file or the folder.
        accept_edited: take it although its content is not what it was exported with.

    Raises:
        DataError: there is none, or `parse_policy` refuses it.
    """
    file = path / POLICY_NAME if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"the policy {file} cannot be read: {error.strerror or error}") from error
    return parse_policy(raw, str(file), accept_edited=accept_edited)


def parse_policy(raw: bytes, name: str, *, accept_edited: bool = False) -> Policy:
    """A policy from the bytes of its file; one plain sentence says what is wrong with it.

    Args:
        raw: of the file.
        name: of the file, for that sentence.
        accept_edited: take it although its content is not what it was exported with.

    Raises:
        DataError: too large, no JSON, of a newer version, a field that is unknown, missing or out
            of its range, or content that is not what it was exported with.
    """
    if len(raw) > MAX_BYTES:
        raise DataError(f"{name} is larger than {MAX_BYTES:,} bytes: a policy never is")
    try:
        fields = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_named_once, parse_constant=_no_number
        )
    except _PolicyError as error:
        raise DataError(f"{name} is refused: {error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not JSON in UTF-8, so it is not a policy") from error
    if not isinstance(fields, dict) or "policy_version" not in fields:
        raise DataError(f"{name} is not a policy: it has no policy_version; export one again")
    version = fields["policy_version"]
    if isinstance(version, int) and version > POLICY_VERSION:
        raise DataError(
            f"{name} was written by a newer version of this project (policy version {version}, "
            f"this one reads {POLICY_VERSION}): update the project"
        )
    try:
        policy = Policy.model_validate(fields)
    except ValidationError as error:
        raise DataError(f"{name} is refused: {first_problem(error)}") from error
    if policy.content_sha256 != content_hash(policy) and not accept_edited:
        raise DataError(
            f"{name} was edited by hand, so its evidence may not be that of its threshold: export "
            "it again, or accept it as it is with --accept-edited (accept_edited=True)"
        )
    return policy


class _PolicyError(ValueError):
    """A fault in a policy that is valid JSON; the text says what is wrong."""


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _PolicyError(f"the field {twice!r} stands in it twice")
    return fields


def _no_number(word: str) -> NoReturn:
    raise _PolicyError(f"{word} is no number that a policy may hold")


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, as half a sentence that names the field, and its value cut."""
    problem = error.errors(include_url=False)[0]
    place = problem["loc"]
    path, shown = ".".join(str(step) for step in place), _cut(repr(problem["input"]))
    match problem["type"]:
        case "extra_forbidden":
            return f"it has a field {_cut(path)!r} that this version does not know"
        case "missing":
            return f"it lacks the field {path!r}"
        case "value_error" if not place:
            return str(problem["ctx"]["error"])
        case _ if place[:1] == ("threshold",):
            return f"the threshold {shown} is neither a number in [0, 1] nor 'never' or 'always'"
        case _:
            return f"{path} is {shown}: {problem['msg'].removeprefix('Value error, ')}"


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


# The checkpoint


def check_checkpoint(policy: Policy, checkpoint_dir: Path) -> None:
    """Refuse another checkpoint than the one that the policy was made with.

    Raises:
        NotTrainedError: the folder is not there or is empty.
        DataError: its files are others.
    """
    if not checkpoint_dir.is_dir():
        raise NotTrainedError(
            f"the checkpoint of policy {policy.policy_id} is missing: put the folder "
            f"{policy.router.checkpoint} at {checkpoint_dir}, or name where it lies"
        )
    if checkpoint_hash(checkpoint_dir) != policy.router.checkpoint_sha256:
        raise DataError(
            f"{checkpoint_dir} is another checkpoint than the one that policy {policy.policy_id} "
            "was made with, and its scores would mean something else at that threshold: bring "
            "that one back, or export the policy again"
        )
    guarantee = policy.guarantee
    if guarantee is not None and held_out_fold(checkpoint_dir) != guarantee.left_out_fold:
        raise DataError(
            f"the guarantee of policy {policy.policy_id} is about a checkpoint that never saw the "
            f"queries it rests on, and {checkpoint_dir} does not say that: export the policy again"
        )


# Comparing, and the way back


def diff(policy: Policy, other: Policy) -> list[str]:
    """Differences in the other policy, a line a field.

    A policy's own id, time and hash are left out; hashes of the checkpoint and of the data are
    compared as anything else.
    """
    before, after = dict(_leaves(policy.document())), dict(_leaves(other.document()))
    return [
        f"{name}: {_shown(before.get(name))} → {_shown(after.get(name))}"
        for name in before | after
        if before.get(name) != after.get(name) and name not in _NOT_COMPARED
    ]


_NOT_COMPARED = ("policy id", "created at", "content sha256")


def _leaves(fields: Mapping[str, Any], *above: str) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _leaves(value, *above, name)
        else:
            yield ", ".join((*above, name)).replace("_", " "), value


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


def link_state(policy: Policy) -> dict[str, str | None]:
    """The state of the dashboard's link that leads back to where the policy was made.

    None forgets what the link may hold: a price that was typed since, where the policy has the
    list price or none.
    """
    chosen, evidence, pair = policy.chosen_by, policy.evidence, policy.model_pair
    state: dict[str, str | None] = {
        "benchmark": evidence.benchmark_id,
        "strong": pair.strong.name,
        "weak": pair.weak.name,
        "router": f"{policy.router.router_id}.{evidence.view}",
        "mode": chosen.mode,
        "wanted": repr(chosen.wanted),
    }
    if policy.guarantee is not None:
        state["promise"] = policy.guarantee.kind
        state["confidence"] = repr(round(1 - policy.guarantee.delta, 12))
    if chosen.queries_per_month is not None:
        state["queries_per_month"] = repr(chosen.queries_per_month)
    for side in ("weak", "strong"):
        model: CalledModel = getattr(pair, side)
        state[f"{side}_provider@{model.name}"] = model.provider
        state[f"{side}_called@{model.name}"] = model.provider_name
        price: ModelPrice = getattr(policy.prices, side)
        state[f"{side}_usd"] = _typed_price(price, model.name)
        state[f"{side}_tokens"] = _at((price.prompt_tokens, price.answer_tokens), model.name)
    state["money"] = policy.prices.money
    share = policy.prices.warm_share
    state["warm_share"] = None if share is None else repr(share)
    return state


def _typed_price(price: ModelPrice, model: str) -> str | None:
    """A price as the link carries one; None for the list price and for an unknown one."""
    known = (price.prompt_usd, price.answer_usd)
    listed = list_price(model)
    is_listed = listed is not None and known == (listed.prompt_usd, listed.answer_usd)
    if is_listed if price.kind is None else price.kind != "typed":
        return None
    cached = [price.cached_usd] if math.isfinite(price.cached_usd) else []
    return _at([*known, *cached], model)


def _at(figures: Iterable[float | None], model: str) -> str | None:
    """Figures of a model as the link carries them; None where none is known."""
    written = ["" if f is None or not math.isfinite(f) else repr(f) for f in figures]
    return f"{'/'.join(written)}@{model}" if any(written) else None


def json_schema() -> str:
    """The JSON Schema of a policy file, as data/policy.schema.json holds it."""
    schema = Policy.model_json_schema(mode="validation")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
