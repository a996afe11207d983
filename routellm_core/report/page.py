"""The page: one file of HTML with its style and picture inside, every text of others escaped."""

import base64
import re
from collections.abc import Sequence
from functools import partial
from html import escape

from routellm_core.evaluation.best_of_all import AllModels
from routellm_core.evaluation.overhead.routed_seconds import RoutedSeconds
from routellm_core.metrics.baselines import random_line
from routellm_core.metrics.curve import calls_strong
from routellm_core.policy.bill import Bill, break_even_words
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.policy.document import POLICY_NAME, Policy
from routellm_core.policy.guarantee.sentences import scope_and_test
from routellm_core.policy.money import cache_words
from routellm_core.report import words
from routellm_core.report.figures import Option, ReportFigures, SliceFigures, figures_of
from routellm_core.report.picture import curve_picture
from routellm_core.report.style import STYLE
from routellm_core.statistics.pair_standing import gain_over_best, pair_standing
from routellm_core.statistics.routed_money import RoutedMoney
from routellm_core.types import Estimate, Interval
from routellm_core.wording import money, standing
from routellm_core.wording.numbers import (
    DASH,
    both_ends,
    percent,
    plus,
    points_text,
    quality_with_unit,
    seconds_text,
    span,
    usd_digits,
    usd_text,
)
from routellm_core.wording.text import one_line

_HYPHENATED = re.compile(r"(?<!\S)(?=\S{3,24}(?!\S))\S*\w-\w*\d\S*")


def report_page(
    choice: SelectedThreshold,
    policy: Policy,
    queries_per_month: float = 100_000.0,
    bill: Bill | None = None,
    seconds: RoutedSeconds | None = None,
    models: AllModels | None = None,
) -> str:
    """A policy for the person who pays.

    Args:
        choice: that the policy was made of.
        policy: is told of, and lies in the page as a file.
        queries_per_month: for which money is given.
        bill: of the choice; None: it is left out.
        seconds: of the choice; None: they are left out.
        models: all of the benchmark; None: there are no more than the pair's.
    """
    figures = figures_of(choice, policy, queries_per_month, bill, seconds, models)
    return page_of(choice, policy, figures)


def page_of(choice: SelectedThreshold, policy: Policy, figures: ReportFigures) -> str:
    """The page of figures that are known already."""
    parts = [
        _head(policy, figures),
        _standing(choice, figures),
        _tiles(policy, figures),
        _guarantee(policy),
        _curve(choice, policy, figures),
        _options(policy, figures),
        _money(choice, policy, figures),
        _bill(figures),
        _seconds(figures),
        _list(
            "What is not known",
            [*words.not_known(policy, choice), *words.broken_slices(figures)],
        ),
        _slices(policy, figures),
        _foot(policy),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(policy.policy_id)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(part for part in parts if part)}\n</main></body></html>\n"
    )


def _head(policy: Policy, figures: ReportFigures) -> str:
    evidence = policy.evidence
    return (
        f"<header><p class=kicker>{_text(evidence.title)} · n = {evidence.n_queries:,} queries · "
        f"{policy.created_at:%Y-%m-%d}</p>"
        f"<h1>{_text(words.decision(policy, figures))}</h1>"
        f"<p>{_text(words.rule(policy))}</p></header>"
    )


def _standing(choice: SelectedThreshold, figures: ReportFigures) -> str:
    """The best single models beside the choice; first of all that one of both is to be called."""
    outcomes, unit = choice.outcomes, choice.benchmark.quality_unit
    found = pair_standing(outcomes, choice.costs, choice.benchmark)
    called = calls_strong(choice.strong_win_rate, choice.point.threshold)
    gain = gain_over_best(found, outcomes, called)
    said = standing.announcement(found, *outcomes.model_pair, unit)
    single = f"{standing.best_single(found, unit)}; {standing.against_best(gain, unit)}."
    announced = "" if said is None else f"<p><b>{_text(said)}</b></p>"
    of_all = figures.best_of_all
    said_of = [single] if of_all is None else [single, f"{standing.best_of_all(of_all, unit)}."]
    beside = "".join(f"<p>{_text(one[0].upper() + one[1:])}</p>" for one in said_of)
    return f"<section>{announced}{beside}</section>"


def _tiles(policy: Policy, figures: ReportFigures) -> str:
    evidence, own, strong = policy.evidence, figures.policy, figures.names[1]
    per_month, unit = figures.queries_per_month, evidence.quality_unit
    usd = own.usd_per_query
    mix = figures.mix_usd_per_query
    quality = partial(quality_with_unit, quality_unit=unit)
    return (
        "<section class=tiles>"
        + _tile(
            f"Money a month, {per_month:,.0f} queries",
            usd_text(usd.value * per_month),
            span(_scaled(usd.interval, per_month), usd_text),
            f"{usd_text(usd.value * 1_000)} for 1,000 queries",
        )
        + _tile(
            f"Saved, against always {strong}",
            percent(own.saving.value),
            span(own.saving.interval, percent),
            f"always {strong}: {usd_text(evidence.usd_per_query_strong * per_month)} a month",
        )
        + _tile(
            "Saved, against a random mix of equal quality",
            percent(figures.saving_over_mix.value),
            span(figures.saving_over_mix.interval, percent),
            f"random mix: {usd_text(mix * per_month)} a month",
        )
        + _tile(
            "Quality",
            quality(evidence.quality.value),
            span(evidence.quality.interval, quality),
            f"as many random strong calls: {quality(evidence.quality_random.value)}",
        )
        + "</section>"
    )


def _tile(label: str, value: str, interval: str, note: str) -> str:
    return (
        f"<div><span class=label>{_text(label)}</span><b>{_text(value)}</b>"
        f"<small>{_text(interval)}</small><small>{_text(note)}</small></div>"
    )


def _guarantee(policy: Policy) -> str:
    guarantee = policy.guarantee
    if guarantee is None:
        return ""
    return (
        f"<section><h2>Guarantee</h2><p><b>{_text(guarantee.words)}.</b> "
        f"{_text(scope_and_test(guarantee))}.</p></section>"
    )


def _curve(choice: SelectedThreshold, policy: Policy, figures: ReportFigures) -> str:
    outcomes, evidence, (weak, strong) = choice.outcomes, policy.evidence, figures.names
    picture = curve_picture(
        choice.curve,
        figures.intervals,
        random_line(outcomes.quality_weak, outcomes.quality_strong),
        choice.point,
        evidence.quality_unit,
    )
    quality = partial(quality_with_unit, quality_unit=evidence.quality_unit)
    shown = (
        (
            "point",
            "◆",
            f"this policy: {percent(evidence.strong_call_share.value)} strong calls, quality "
            f"{quality(evidence.quality.value)}",
        ),
        ("curve", "━", f"{policy.router.router_id} at its other thresholds, 95% band"),
        ("random", "┅", "random choice"),
        ("strong", "■", f"always {strong}: {quality(evidence.quality_strong.value)}"),
        ("weak", "●", f"always {weak}: {quality(evidence.quality_weak.value)}"),
    )
    legend = "".join(
        f'<li><i class="{kind}">{mark}</i>{_text(text)}</li>' for kind, mark, text in shown
    )
    return (
        "<section><h2>Where it stands</h2>"
        f"<figure>{picture}<figcaption><ul>{legend}</ul></figcaption></figure></section>"
    )


def _options(policy: Policy, figures: ReportFigures) -> str:
    rows = [_option_row(option, policy, figures) for option in figures.options]
    return (
        "<section><h2>What else you could do</h2>"
        + _table(
            [
                "choice",
                "strong calls",
                "quality",
                "quality, against this policy",
                f"money a month, {figures.queries_per_month:,.0f} queries",
                f"saved, against always {figures.names[1]}",
            ],
            rows,
            "options",
        )
        + "<p class=quiet>“Better” stands where the 95% interval of the difference is above 0, "
        f"“cheaper” where the money is less. Small figures are 95% intervals; n = "
        f"{policy.evidence.n_queries:,} in every row.</p></section>"
    )


def _option_row(
    option: Option, policy: Policy, figures: ReportFigures
) -> list[str | tuple[str, str]]:
    is_own = option is figures.policy
    unit = policy.evidence.quality_unit
    points = partial(points_text, quality_unit=unit)
    quality = partial(quality_with_unit, quality_unit=unit)
    gain = option.gain
    difference = (
        (DASH, "")
        if is_own
        else (
            f"{plus(points(gain.value))} points",
            both_ends(gain.interval, lambda end: plus(points(end))),
        )
    )
    is_baseline = option.strong_call_share == 1.0
    return [
        words.option_words(option, figures.policy),
        percent(option.strong_call_share),
        (quality(option.quality.value), both_ends(option.quality.interval, quality)),
        difference,
        _usd(option.usd_per_query, figures.queries_per_month),
        ("baseline", "")
        if is_baseline
        else (percent(option.saving.value), both_ends(option.saving.interval, percent)),
    ]


def _money(choice: SelectedThreshold, policy: Policy, figures: ReportFigures) -> str:
    costs, (weak, strong) = choice.costs, figures.names
    said = money.of_pair(weak, costs.weak_source, strong, costs.strong_source)
    rows = [
        ["this policy", *_usd(figures.policy.usd_per_query, 1_000)],
        [f"always {strong} ■", *_usd(_usd_at(figures, 1.0), 1_000)],
        [f"always {weak} ●", *_usd(_usd_at(figures, 0.0), 1_000)],
        ["random mix of equal quality", usd_text(figures.mix_usd_per_query * 1_000), DASH],
    ]
    return (
        "<section><h2>Where the money comes from</h2>"
        f"<p>{_text(said)} Tokens of a query: {_text(costs.tokens.prompt)}; of an answer: "
        f"{_text(costs.tokens.answer)}. The 95% interval is that of the mean over queries like "
        "these. It leaves out that prices may change.</p>"
        + _table(["USD for 1,000 queries", "mean", "95% interval"], rows, "usd")
        + (f"<p>{_text(cache)}</p>" if (cache := cache_words(policy)) else "")
        + "</section>"
    )


def _bill(figures: ReportFigures) -> str:
    """What comes beside the answers, where each dollar is from, and when it has paid."""
    bill = figures.bill
    if bill is None:
        return ""
    monthly, strong = bill.queries_per_month, bill.names[1]
    deciding = bill.deciding.usd_per_query
    rows = [
        ["answers", *_usd(bill.answers.usd_per_query, 1_000), "as above"],
        ["deciding", usd_text(1_000 * deciding), DASH, bill.deciding.source],
        ["in all", *_usd(bill.total.usd_per_query, 1_000), "answers and deciding"],
        [
            f"in all a month, {monthly:,.0f} queries",
            *_usd(bill.total.usd_per_query, monthly),
            "the same",
        ],
        [
            f"saved in all, against always {strong}",
            percent(bill.total.saving.value),
            both_ends(bill.total.saving.interval, percent),
            "the same",
        ],
        ["labelling so far", usd_text(bill.labelling.usd), DASH, bill.labelling.source],
    ]
    table = _table(["USD for 1,000 queries", "figure", "95% interval", "from"], rows, "usd")
    return (
        f"<section><h2>The whole bill</h2>{table}"
        f"<p><b>{_text(break_even_words(bill))}</b> It counts what the saving pays for labels "
        "once, deciding taken off.</p></section>"
    )


def _seconds(figures: ReportFigures) -> str:
    """How long answers take, routed and with each model alone."""
    found, (weak, strong) = figures.seconds, figures.names
    if found is None:
        return ""
    rows: list[list[str | tuple[str, str]]] = [
        [
            name,
            *(
                (seconds_text(value), both_ends(ends, seconds_text))
                for value, ends in (
                    (at.mean_s, at.mean_interval),
                    (at.p50_s, at.p50_interval),
                    (at.p95_s, at.p95_interval),
                )
            ),
        ]
        for name, at in (
            ("this policy, router included", found.routed),
            (f"always {strong} ■", found.strong),
            (f"always {weak} ●", found.weak),
        )
    ]
    headings = ["seconds to the full answer", "mean", "half are faster", "95% are faster"]
    missing = f", {found.routed.n_missing:,} without a time left out"
    return (
        "<section><h2>How long answers take</h2>"
        + _table(headings, rows, "options")
        + f"<p class=quiet>Small figures are 95% intervals; n = {found.routed.n_queries:,}"
        + (missing if found.routed.n_missing else "")
        + f". The router itself takes {_text(seconds_text(found.own.seconds))}: "
        f"{_text(found.own.source)}.</p></section>"
    )


def _usd_at(figures: ReportFigures, share: float) -> Estimate:
    return next(o.usd_per_query for o in figures.options if o.strong_call_share == share)


def _slices(policy: Policy, figures: ReportFigures) -> str:
    if len(figures.slices) < 2:
        return ""
    weak, strong = figures.names
    money_of = {g.name: g.money for g in figures.bill.slices} if figures.bill else {}
    rows = [
        _slice_row(found, policy.evidence.quality_unit)
        + _slice_money(money_of[found.name] if money_of else None)
        for found in figures.slices
    ]
    of_money = ["answers, USD for 1,000", f"saved, against always {strong}"] if money_of else []
    return (
        "<section><h2>Kind by kind</h2>"
        + _table(
            [
                *("slice", "n", f"to {strong}", "quality"),
                *(f"always {strong} ■", f"always {weak} ●", *of_money),
            ],
            rows,
            "slices",
        )
        + "<p class=quiet>Small figures are 95% intervals, for each slice alone: one in 20 misses "
        "the true figure.</p></section>"
    )


def _slice_row(found: SliceFigures, unit: str) -> list[str | tuple[str, str]]:
    quality = partial(quality_with_unit, quality_unit=unit)
    return [
        one_line(found.name.replace("_", " ")) + (" ⚠" if found.looks_broken else ""),
        f"{found.n_queries:,}",
        percent(found.strong_call_share, 0),
        (quality(found.quality.value), both_ends(found.quality.interval, quality)),
        quality(found.quality_strong),
        quality(found.quality_weak),
    ]


def _slice_money(money: RoutedMoney | None) -> list[str | tuple[str, str]]:
    """Money of answers and saving of a slice; nothing where there is no bill."""
    if money is None:
        return []
    return [
        _usd(money.usd_per_query, 1_000),
        (percent(money.saving.value), both_ends(money.saving.interval, percent)),
    ]


def _foot(policy: Policy) -> str:
    file = base64.b64encode(policy.as_bytes()).decode("ascii")
    return (
        f"<footer><p>{_text(words.provenance(policy))}.</p>"
        f"<p>Policy <b>{_text(policy.policy_id)}</b>, threshold {_text(repr(policy.threshold))}, "
        f"SHA-256 <code>{policy.content_sha256}</code>. "
        f'<a download="{POLICY_NAME}" href="data:application/json;base64,{file}">'
        "The policy as a file</a> lies in this page.</p>"
        f"<p>Made {policy.created_at:%Y-%m-%d %H:%M} UTC by RouteLLM Explorer "
        f"{_text(policy.project_version)}.</p></footer>"
    )


def _text(text: str) -> str:
    """A text as HTML; a short name with a hyphen and a number stays in one line."""
    return _HYPHENATED.sub(r"<span class=word>\g<0></span>", escape(text))


def _list(title: str, items: Sequence[str]) -> str:
    listed = "".join(f"<li>{_text(item)}</li>" for item in items)
    return f"<section><h2>{title}</h2><ul>{listed}</ul></section>"


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str | tuple[str, str]]], kind: str
) -> str:
    """A cell is a text, or a figure with what stands in small below; the first heads its row."""
    head = "".join(f"<th scope=col>{_text(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr><th scope=row>{_text(str(first))}</th>"
        + "".join(
            f'<td data-of="{escape(heading)}">{_cell(cell)}</td>'
            for heading, cell in zip(headings[1:], others, strict=True)
        )
        + "</tr>"
        for first, *others in rows
    )
    return f"<table class={kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: str | tuple[str, str]) -> str:
    if isinstance(cell, str):
        return _text(cell)
    value, note = cell
    return _text(value) + (f" <small>{_text(note)}</small>" if note else "")


def _usd(usd: Estimate, n_queries: float) -> tuple[str, str]:
    """Money of so many queries, and its interval with as many digits."""
    value = usd.value * n_queries
    digits = usd_digits(value)
    interval = _scaled(usd.interval, n_queries)
    return usd_text(value, digits), both_ends(interval, usd_text, digits=digits)


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(interval.low * factor, interval.high * factor)
