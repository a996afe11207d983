"""Slow, literal twins of the formulas, with loops over thresholds and queries."""

import itertools
import math


def routed_quality(scores, weak, strong, threshold):
    answers = [
        s if float(score) >= threshold else w
        for score, w, s in zip(scores, weak, strong, strict=True)
    ]
    return sum(answers) / len(answers)


def strong_call_share(scores, threshold):
    return sum(float(score) >= threshold for score in scores) / len(scores)


def curve(scores, weak, strong):
    """(threshold, share, quality) at +inf and every distinct score, falling."""
    thresholds = [math.inf, *sorted({float(s) for s in scores}, reverse=True)]
    return [
        (t, strong_call_share(scores, t), routed_quality(scores, weak, strong, t))
        for t in thresholds
    ]


def pgr(quality, weak, strong):
    low, high = sum(weak) / len(weak), sum(strong) / len(strong)
    return (quality - low) / (high - low) if high != low else math.nan


def apgr(scores, weak, strong):
    points = [(c, pgr(q, weak, strong)) for _, c, q in curve(scores, weak, strong)]
    return sum((c1 - c0) * (p0 + p1) / 2 for (c0, p0), (c1, p1) in itertools.pairwise(points))


def cpt(scores, weak, strong, wanted):
    for _, share, quality in curve(scores, weak, strong):
        if pgr(quality, weak, strong) >= wanted - 1e-9:
            return share
    return math.nan


def routellm_points(scores, weak, strong, edges):
    """RouteLLM's eleven points: at decile edges, the last met with > and the others with >=."""
    points = []
    for i, edge in enumerate(edges):
        calls = [(s > edge) if i == 10 else (s >= edge) for s in (float(x) for x in scores)]
        answers = [b if c else a for c, a, b in zip(calls, weak, strong, strict=True)]
        points.append((sum(calls) / len(calls), sum(answers) / len(answers)))
    return points


def routed_seconds(scores, weak, strong, threshold, router_s):
    """Mean, p50, p95 and n of what was waited for, where both models were timed."""
    waited = []
    for score, w, s in zip(scores, weak, strong, strict=True):
        if math.isfinite(w) and math.isfinite(s):
            waited.append((s if float(score) >= threshold else w) + router_s)
    waited.sort()
    n = len(waited)
    if n == 0:
        return math.nan, math.nan, math.nan, 0
    p50, p95 = (
        next(t for i, t in enumerate(waited, start=1) if 100 * i >= part * n) for part in (50, 95)
    )
    return sum(waited) / n, p50, p95, n


def bradley_terry_two(weights, wins_a):
    """Win rate of a against b from weighted battles of one pair: the weighted share of wins."""
    return sum(w * y for w, y in zip(weights, wins_a, strict=True)) / sum(weights)


def log_likelihood(rating, battles):
    total = 0.0
    for a, b, win_a, weight in battles:
        p = 1 / (1 + math.exp(rating[b] - rating[a]))
        total += weight * (win_a * math.log(p) + (1 - win_a) * math.log(1 - p))
    return total


def hull_height(x, y, at):
    """Highest point at `at` on any segment between two of the points."""
    best = -math.inf
    for (x0, y0), (x1, y1) in itertools.product(zip(x, y, strict=True), repeat=2):
        if x0 == at:
            best = max(best, y0)
        if x0 < at <= x1:
            best = max(best, y0 + (y1 - y0) * (at - x0) / (x1 - x0))
    return best
