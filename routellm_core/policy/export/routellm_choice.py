"""The choice as a document: which threshold, how it was chosen, what it achieves and on what."""

from datetime import UTC, datetime
from typing import Any

from routellm_core.metrics.thresholds import ThresholdChoice, threshold_of
from routellm_core.policy.document import RULE
from routellm_core.policy.fields import EVIDENCE
from routellm_core.types import Interval, ModelPair, OperatingPoint, RoutingCurve

FORMAT = "routellm-explorer-choice"
FORMAT_VERSION = 1


def routellm_model_name(router_name: str, threshold: float) -> str:
    """The model name by which a RouteLLM server is told router and threshold.

    It splits the name at '-' and reads the threshold as a float in [0, 1], so all digits are kept
    and a threshold that means "never" has no such name.

    Raises:
        ValueError: the threshold is outside [0, 1], or the router's name holds a '-'.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold {threshold} is outside [0, 1]")
    if "-" in router_name:
        raise ValueError(f"router name {router_name!r} holds a '-'")
    return f"router-{router_name}-{threshold!r}"


def _model_name_or_none(router_name: str, threshold: float) -> str | None:
    try:
        return routellm_model_name(router_name, threshold)
    except ValueError:
        return None


def choice_document(
    *,
    router: dict[str, Any],
    model_pair: ModelPair,
    benchmark_id: str,
    n_queries: int,
    data_hash: str,
    curve: RoutingCurve,
    calibration: ThresholdChoice,
    achieved: OperatingPoint,
    quality_interval: Interval,
    money: dict[str, Any],
) -> dict[str, Any]:
    """What the Trade-off page offers for download.

    Args:
        router: router_id, router_name, recipe and view of the scores.
        model_pair: by the outcomes' model names.
        benchmark_id: on which the threshold was chosen.
        n_queries: of the benchmark with both outcomes, contaminated ones left out.
        data_hash: of the data the store was built from.
        curve: of the router on the benchmark.
        calibration: the target and the threshold.
        achieved: what the threshold gives.
        quality_interval: 95%, of the achieved quality.
        money: cost of the routed answers, baseline, prices and token sources.

    Returns:
        A JSON object; quality in the benchmark's scale, shares as fractions, money in USD.
    """
    threshold = threshold_of(curve, calibration)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "router": router,
        "model_pair": {"strong": model_pair.strong, "weak": model_pair.weak},
        "threshold": threshold,
        "rule": RULE,
        "routellm_model_name": _model_name_or_none(router["router_name"], threshold),
        "chosen_by": {
            "mode": calibration.mode,
            "wanted": calibration.wanted,
            "achieved": calibration.achieved,
        },
        "evidence": {
            "benchmark": benchmark_id,
            "n_queries": n_queries,
            "scores": EVIDENCE[router["view"]],
            "strong_call_share": achieved.strong_call_share,
            "quality": achieved.quality,
            "quality_interval": list(quality_interval),
            "quality_weak": float(curve.quality[0]),
            "quality_strong": float(curve.quality[-1]),
            "pgr": achieved.pgr,
            "money": money,
            "data_hash": data_hash,
        },
    }
