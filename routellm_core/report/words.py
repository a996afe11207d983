"""Sentences on what a policy does and what is not known of it, for page and screen."""

import math

from routellm_core.metrics.costs import CostKind
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.policy.document import Policy
from routellm_core.policy.guarantee.sentences import alpha_words
from routellm_core.report.figures import Option, ReportFigures
from routellm_core.wording.names import distinct_names
from routellm_core.wording.numbers import percent, quality_with_unit
from routellm_core.wording.text import joined, one_line

_FEW = 1_000
"""Queries below which an interval of quality is some points wide."""
_JUDGED_BY_QUALITY = ("quality", "pgr", "budget")


def decision(policy: Policy, figures: ReportFigures) -> str:
    """The decision in one sentence."""
    evidence, (weak, strong) = policy.evidence, figures.names
    share = evidence.strong_call_share.value
    if share in (0.0, 1.0):
        alone = strong if share else weak
        said = f"Send every query to {alone}"
    else:
        said = f"Send {percent(share)} of the queries to {strong} and the others to {weak}"
    quality, of_strong = (
        quality_with_unit(figure.value, evidence.quality_unit)
        for figure in (evidence.quality, evidence.quality_strong)
    )
    said += f": quality is {quality}"
    if share < 1.0:
        beside = ", as" if quality == of_strong else f" instead of {of_strong}"
        said += f"{beside} with {strong} alone"
        saved = figures.policy.saving.value
        if not math.isfinite(saved):
            return f"{said}; what it costs is not known."
        money = f"{percent(abs(saved))} {'less' if saved > 0 else 'more'} money"
        said += f", for {money if round(saved, 3) else 'about as much money'}"
    return f"{said}."


def rule(policy: Policy) -> str:
    """The rule by which each query is sent."""
    weak, strong = _names(policy)
    if policy.threshold == "never":
        return f"Every query goes to {weak} ●."
    if policy.threshold == "always":
        return f"Every query goes to {strong} ■."
    return (
        f"A query goes to {strong} ■ when {policy.router.router_id} gives it a strong win rate of "
        f"at least {alpha_words(policy.alpha)}, otherwise to {weak} ●. Where the router fails or "
        f"is late, {strong} is called."
    )


def option_words(option: Option, policy: Option) -> str:
    """The name of another threshold with what it is known to be; any other name as it is."""
    if not option.name.startswith("Half"):
        return option.name
    if option.gain.interval.low > 0:
        return f"Better: {option.name[0].lower()}{option.name[1:]}"
    if option.usd_per_query.value < policy.usd_per_query.value:
        return f"Cheaper: {option.name[0].lower()}{option.name[1:]}"
    return option.name


def provenance(policy: Policy) -> str:
    """On what the figures stand."""
    evidence, chosen = policy.evidence, policy.chosen_by
    return (
        f"n = {evidence.n_queries:,} queries of {evidence.title}, {evidence.n_contaminated:,} "
        f"contaminated ones left out; {evidence.meaning}. Chosen by {chosen.mode}: wanted "
        f"{chosen.wanted:g}, achieved {chosen.achieved:g}. Checkpoint {policy.router.checkpoint}, "
        f"SHA-256 {policy.router.checkpoint_sha256[:12]}…"
    )


def not_known(policy: Policy, choice: SelectedThreshold) -> list[str]:
    """Points that a reader should not take for shown, a sentence or two each."""
    evidence = policy.evidence
    items = [f"Your own traffic: all figures are of {evidence.title}."]
    if evidence.view == "in_domain":
        items.append(
            "New subjects: the router learned from other queries of this benchmark. On subjects "
            "that it never saw it is usually weaker."
        )
    if policy.guarantee is not None:
        items.append(
            "Queries unlike these: the guarantee is about an average over distinct queries drawn "
            "as these were, never about a single one."
        )
    else:
        items.append(
            "There is no guarantee: all figures are estimates. A 95% interval misses the true "
            "figure once in 20 times."
        )
        if policy.chosen_by.mode in _JUDGED_BY_QUALITY:
            items.append(
                "The threshold was chosen on these same queries, so its quality may look a little "
                "too good."
            )
    if evidence.n_queries < _FEW:
        items.append(f"Small differences: n is only {evidence.n_queries:,}.")
    if evidence.n_contaminated:
        items.append(
            f"Contaminated queries: {evidence.n_contaminated:,} of the benchmark stand in what "
            "routers learned from. They are left out of every figure."
        )
    if not math.isfinite(evidence.pgr.low):
        items.append(
            "Whether the models differ at all: the 95% interval of the gap between them contains 0."
        )
    return [
        *items,
        *_money_not_known(policy, choice),
        "The models and prices of tomorrow: providers change both.",
    ]


def _money_not_known(policy: Policy, choice: SelectedThreshold) -> list[str]:
    """What the money leaves open, where each model's comes from."""
    costs = choice.costs
    sources = dict(zip(_names(policy), (costs.weak_source, costs.strong_source), strict=True))

    def of(kind: CostKind) -> list[str]:
        return [name for name, source in sources.items() if source.kind is kind]

    items = []
    if unknown := of(CostKind.UNKNOWN):
        items.append(
            f"Money: of {joined(unknown)} neither dollars nor a price are known, so there is no "
            "figure of money here."
        )
    if assumed := of(CostKind.ASSUMED):
        items.append(
            f"The length of the answers of {joined(assumed)}: nobody counted their tokens. The "
            "money counts with the averages of the RouteLLM paper."
        )
    if typed := of(CostKind.TYPED):
        items.append(
            f"The length of the answers of {joined(typed)}: nobody counted their tokens. The money "
            "counts with the number that you typed."
        )
    for name, source in sources.items():
        if source.kind in (CostKind.MEASURED, CostKind.TOKENS):
            n_missing = source.n_queries - source.n_known
            if n_missing:
                items.append(
                    f"The money of {n_missing:,} of the {source.n_queries:,} answers of {name}: "
                    "the mean of the others stands for them."
                )
    if not unknown:
        items.append("The router's own machine: it is not in the money.")
    return items


def broken_slices(figures: ReportFigures) -> list[str]:
    """A warning of slices whose outcomes look broken; empty where none does."""
    broken = [one_line(s.name.replace("_", " ")) for s in figures.slices if s.looks_broken]
    if not broken:
        return []
    return [
        f"The outcomes of {joined(broken)}: they look broken, as a failed answer extraction "
        "leaves them. They count in every figure."
    ]


def _names(policy: Policy) -> tuple[str, str]:
    """Short names of the weak and the strong model."""
    pair = policy.model_pair
    weak, strong = distinct_names([pair.weak.name, pair.strong.name]).values()
    return weak, strong
