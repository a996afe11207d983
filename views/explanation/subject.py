"""Subject of an explanation: a query, the checkpoint that reads it, and what prevents it."""

from typing import Any, NamedTuple

from routellm_core.explain import EXPLAINED
from routellm_core.explain.explanation import Explanation
from routellm_core.routers.checkpoints import has_weights
from routellm_core.types import ModelPair
from views.cache import benchmarks, models, workspace
from views.selection.frame import Selection
from views.selection.point import Readings
from views.text import format
from views.text.names import short_name


class Subject(NamedTuple):
    """One query and the checkpoint that reads it."""

    selection: Selection
    query_id: str
    text: str
    stored: float
    """The strong win rate that decisions are made by."""
    calls_strong: bool
    """Decision by the stored score."""
    threshold: float
    folder: str
    """Folder of the checkpoint, as in the store."""

    @property
    def version(self) -> int:
        return self.selection.key.version

    @property
    def digits(self) -> int:
        """Digits of a win rate, enough to compare it with α."""
        return format.score_digits(benchmarks.histogram(self.selection.key)[2])

    @property
    def alpha(self) -> str:
        return format.alpha_text(self.threshold, self.digits)

    @property
    def fitted_for(self) -> ModelPair:
        """The pair that the checkpoint was fitted for, which need not be the one selected."""
        return models.checkpoint(self.version, self.folder).model_pair

    def explained(self, text: str | None = None) -> Explanation:
        """Why the checkpoint gives the query its win rate, or another text."""
        wanted = self.text if text is None else text
        return models.explanation(self.version, self.folder, wanted)

    def rate_text(self, rate: float) -> str:
        return f"{rate:.{self.digits}f}"

    def goes_to(self, calls_strong: bool) -> str:
        """The model that is called, with its mark."""
        weak, strong = map(short_name, self.selection.pair)
        return f"{strong}\u00a0■" if calls_strong else f"{weak}\u00a0●"


def subject_of(selection: Selection, readings: Readings, query: dict[str, Any]) -> Subject:
    """The subject of a query for which `hindrance` finds nothing."""
    entry = workspace.store().router(selection.key.router_id)
    return Subject(
        selection=selection,
        query_id=query["query_id"],
        text=query["text"],
        stored=query["strong_win_rate"],
        calls_strong=query["calls_strong"],
        threshold=readings.point.threshold,
        folder=entry.checkpoint or "",
    )


def hindrance(selection: Selection, text: str | None) -> str | None:
    """Why there is nothing to explain, as far as it is known before anything is loaded."""
    entry = workspace.store().router(selection.key.router_id)
    if entry.router_name == "random":
        return "There is nothing to explain: random draws its score from a hash of the text."
    if entry.router_name not in EXPLAINED:
        return f"This dashboard knows no explanation of {entry.router_name}."
    if text is None:
        return (
            "A router explains a score by reading the query, and the text of this one is not on "
            "this machine."
        )
    folder = workspace.DATA_DIR / (entry.checkpoint or "")
    if entry.checkpoint is None or not has_weights(entry.router_name, folder):
        return (
            f"The weights of this router are not on this machine: of {entry.router_name} "
            f"({entry.recipe}) the scores ship alone. Choose a router of the recipe golden in the "
            "sidebar, or train one on the Train page."
        )
    return None


def two_scores(subject: Subject, found: Explanation) -> tuple[str, str]:
    """The stored score beside the checkpoint's own, and what that means."""
    row = subject.selection.router
    own = found.strong_win_rate
    learned = subject.selection.benchmark.benchmark_id in row["trained_on"].split(", ")
    how = {"in_domain": "out of fold", "unseen_slices": "out of fold, its slice left out"}.get(
        row["view"], "never trained on"
    )
    said = (
        f"Stored, {how}: {subject.rate_text(subject.stored)}; this checkpoint: "
        f"{subject.rate_text(own)}."
    )
    if learned:
        meant = (
            "The decision above uses a router that never saw this query. The explanation below is "
            "of the checkpoint that reads new queries. It was trained on this benchmark too, so it "
            "may have seen the answer."
        )
    else:
        meant = (
            "The decision above uses the stored score. The explanation below is of the checkpoint "
            "that reads new queries. It was not trained on this benchmark either."
        )
    return said, " ".join([meant, *_otherwise(subject, own)])


def _otherwise(subject: Subject, own: float) -> list[str]:
    """Notes: the checkpoint decides otherwise, or was fitted for other models."""
    said = []
    if (own >= subject.threshold) != subject.calls_strong:
        said.append(
            f"At α = {subject.alpha} the stored score calls {subject.goes_to(subject.calls_strong)}"
            f", the checkpoint calls {subject.goes_to(not subject.calls_strong)}."
        )
    if subject.fitted_for != subject.selection.pair:
        weak, strong = map(short_name, subject.fitted_for)
        said.append(f"It was fitted for {strong} over {weak} and is used for this pair as it is.")
    return said
