"""Sentences about own traffic beside a benchmark."""

from routellm_core.evaluation.traffic.transport import Transported
from routellm_core.evaluation.traffic.two_sample import FEWEST, TwoSample

_VERDICTS = {
    "no_difference": "do not clearly differ from",
    "different": "differ from",
    "far_apart": "are far apart from",
    "too_few_queries": "are too few to compare with",
}


def verdict_sentence(found: TwoSample, title: str) -> str:
    """A sentence about how like a benchmark's the own queries are."""
    return f"Your queries {_VERDICTS[found.verdict]} those of {title}."


def caution(found: Transported) -> str:
    """Why the carried-over figures may be far off; empty where nothing speaks against them."""
    tested = found.two_sample
    texts = {
        "too_few_queries": (
            f"one side has only {min(tested.n_own, tested.n_benchmark)} different queries, and "
            f"fewer than {FEWEST} do not show how similar the two are"
        ),
        "far_apart": (
            f"a classifier tells own queries from the benchmark's (AUC {tested.auc:.2f}), and "
            f"where it did so quality was off by {found.usual_miss:.0%} of the scale on average"
        ),
        "few_covered": f"only {found.covered_share:.0%} of the own queries have a similar one",
        "few_effective": f"it rests on about {found.effective_n:.0f} queries of the benchmark",
    }
    reasons = [texts[doubt] for doubt in found.doubts]
    return f"This is a guess: {'; '.join(reasons)}." if reasons else ""
