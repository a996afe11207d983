"""Mounts the live curve on invented data and says in words what it receives."""

import json
import os

import numpy as np
import streamlit as st

from views.components.live_curve import live_curve

KEY = "curve"
HOSTILE = os.environ.get("HARNESS_HOSTILE") == "1"
FROZEN_SEQ = os.environ.get("HARNESS_FROZEN_SEQ") == "1"
N = 2000

st.set_page_config(layout="wide")
state = st.session_state
state.setdefault("seq", 0)
state.setdefault("choice", {"mode": "share", "wanted": 0.31, "queries_per_month": 100_000})
state.setdefault("pin", None)
state.setdefault("log", [])


def take_choice():
    event = state[KEY].choice
    state.log.append({"choice": event})
    state.choice = event
    if not FROZEN_SEQ:
        state.seq = event["seq"]


def take_pin():
    event = state[KEY].pin
    state.log.append({"pin": event})
    state.pin = event["alpha"]


@st.cache_data
def invented():
    """Scores and outcomes of a router, and of three worse ones, on N invented queries."""
    rng = np.random.default_rng(7)
    hardness = rng.beta(1.6, 2.4, N)
    weak = rng.random(N) < 0.95 - 0.65 * hardness
    strong = rng.random(N) < 0.94 - 0.28 * hardness
    routers = {}
    for name, noise in [("mf", 0.1), ("causal_llm", 0.4), ("sw_ranking", 0.8), ("bert", 1.4)]:
        routers[name] = 0.3 + 0.4 * hardness + noise * rng.normal(size=N) * 0.4
    routers["oracle"] = strong * 1.0 - weak + 1e-3 * rng.random(N)
    return weak * 1.0, strong * 1.0, {k: np.clip(v, -2, 2) for k, v in routers.items()}


def curve(score):
    order = np.argsort(-score, kind="stable")
    gained = np.concatenate([[0], np.cumsum((strong - weak)[order])]) / N
    share = np.arange(N + 1) / N
    return np.concatenate([[np.inf], score[order]]), share, weak.mean() + gained


def drawn(line, step=8):
    _, share, quality = line
    return {
        "share": share[::step].tolist(),
        "quality": quality[::step].tolist(),
        "cost": (0.09 + 8.78 * share[::step]).tolist(),
    }


weak, strong, scores = invented()
chosen, *others = [name for name in scores if name != "oracle"]
threshold, share, quality = curve(scores[chosen])
cost = 0.09 + 8.78 * share
gap = strong.mean() - weak.mean()
spread = 1.96 * np.sqrt(quality * (1 - quality) / N)


def index_of(target):
    match target["mode"]:
        case "alpha":
            return int(np.flatnonzero(threshold >= target["wanted"])[-1])
        case "share":
            return int(np.abs(share - target["wanted"]).argmin())
        case "budget":
            monthly = cost / 1000 * (target["queries_per_month"] or 0)
            return int(np.abs(monthly - target["wanted"]).argmin())
        case "quality":
            return int((quality >= target["wanted"]).argmax())
        case "pgr":
            return int(((quality - weak.mean()) / gap >= target["wanted"]).argmax())


def figures(i):
    return {
        "alpha": threshold[i],
        "share": share[i],
        "quality": quality[i],
        "pgr": (quality[i] - weak.mean()) / gap,
        "cost": cost[i],
        "low": quality[i] - spread[i],
        "high": quality[i] + spread[i],
    }


names = {"weak": "Mixtral 8x7B", "strong": "GPT-4"}
if HOSTILE:
    names = {"weak": "<img src=x onerror=alert(1)>", "strong": "</title><script>alert(2)</script>"}
kept = np.arange(0, N + 1, 2)
at = index_of(state.choice)
counts, edges = np.histogram(scores[chosen], bins=60, range=(0.2, 0.8))
status = f"wanted {state.choice['wanted']:g} · achieved {share[at]:.2%}"
template = (
    "At α = {alpha}, {share} of queries go to {strong}: {quality} right, {of_strong} of what "
    "always {strong} gets, for {saving} %s money."
)
data = {
    "seq": state.seq,
    "n": N,
    "names": names,
    "router": '"><b>mf' if HOSTILE else chosen,
    "points": {
        "threshold": threshold[kept].tolist(),
        "share": share[kept].tolist(),
        "quality": quality[kept].tolist(),
        "cost": cost[kept].tolist(),
        "low": (quality - spread)[kept].tolist(),
        "high": (quality + spread)[kept].tolist(),
    },
    "lines": [{"name": name, "apgr": 0.6, **drawn(curve(scores[name]))} for name in others],
    "oracle": drawn(curve(scores["oracle"])),
    "hull": None,
    "random": {
        "share": [0, 0.5, 1],
        "quality": [weak.mean(), (weak.mean() + strong.mean()) / 2, strong.mean()],
        "cost": [0.09, 4.48, 8.87],
        "low": [weak.mean() - 0.002, (weak.mean() + strong.mean()) / 2 - 0.006, strong.mean()],
        "high": [weak.mean() + 0.002, (weak.mean() + strong.mean()) / 2 + 0.006, strong.mean()],
    },
    "weak": {"quality": weak.mean(), "cost": 0.09},
    "strong": {"quality": strong.mean(), "cost": 8.87},
    "histogram": {"edges": edges.tolist(), "count": counts.tolist()},
    "alpha_range": [0.2, 0.8],
    "axes": {
        "x": os.environ.get("HARNESS_X", "share"),
        "y": os.environ.get("HARNESS_Y", "quality"),
    },
    "quality_format": {"scale": 100, "digits": 1, "unit": "%", "title": "quality, % right"},
    "choice": {
        **state.choice,
        "alpha": threshold[at],
        "status": "" if state.choice["mode"] == "alpha" else status,
        "problem": "More than always GPT-4." if state.choice["wanted"] > 1e6 else None,
    },
    "exact": figures(at),
    "pin": None if state.pin is None else figures(index_of({"mode": "alpha", "wanted": state.pin})),
    "baseline": {"label": f"always {names['strong']}", "cost": 8.87},
    "sentence": template % "less",
    "sentence_more": template % "more",
    "static_tiles": [
        {
            "label": "APGR",
            "value": "0.638",
            "unit": "",
            "note": "95% .619 – .658 · n 2,000",
            "help": "Average gap recovered.",
        },
        {
            "label": "CPT 50 / 80",
            "value": "27 / 55",
            "unit": "%",
            "note": "random 50 / 80",
            "help": "Least strong calls for half and for 80% of the gap.",
        },
    ],
    "help": {
        "alpha": "Queries that score at least α go to the strong model.",
        "pgr": "Part of the gap between weak and strong that is recovered.",
    },
    "saving_baselines": [
        {"id": "always_strong", "label": f"always {names['strong']}", "cost": 8.87},
        {"id": "random", "label": "random at equal quality", "cost": None},
    ],
}


def with_nulls(value):
    """JSON has no infinity: undefined and infinite numbers are None."""
    if isinstance(value, dict):
        return {name: with_nulls(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_nulls(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


live_curve(with_nulls(data), key=KEY, on_choice=take_choice, on_pin=take_pin)
st.text(f"events {len(state.log)}")
st.text(f"last {len(state.log)} {json.dumps(state.log[-1]) if state.log else 'none'}")
