"""The live curve: chart, tiles, sentence and α slider that follow the hand in the browser.

A Streamlit Custom Component v2. Plain script files, joined here in order and passed inline, so
that nothing has to be built or installed. Each file is one idea; `main.js` puts them together.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit

_SCRIPTS = [
    "scales",
    "model",
    "choices",
    "drag",
    "labels",
    "paths",
    "axes",
    "lines",
    "chart",
    "hover",
    "keys",
    "histogram",
    "sentence",
    "help",
    "tiles",
    "modes",
    "entries",
    "toolbar",
    "promise",
    "download",
    "table",
    "layout",
    "main",
]


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("live_curve", Path(__file__).parent, _SCRIPTS, "curve")


def live_curve(
    data: dict[str, Any],
    *,
    key: str,
    on_choice: Callable[[], None],
    on_pin: Callable[[], None],
) -> Any:
    """The live curve with its tiles, sentence and controls.

    Args:
        data: what it shows; None for what is infinite or undefined, shown as a dash.
        key: of the component; `st.session_state[key].choice` and `.pin` hold the events.
        on_choice: called on a new choice `{"mode", "wanted", "queries_per_month", "seq"}`, with
            `promise` and `confidence` where a guarantee is given. Its answer must carry this `seq`
            (or a later one), or it counts as out of date. A wanted α above 1 means that no query
            goes to the strong model.
        on_pin: called on a new pin `{"alpha"}`; None takes the pin away.

    Returns:
        The component's state, as Streamlit gives it.
    """
    return _component()(
        key=key,
        data=data,
        width="stretch",
        height="content",
        on_choice_change=on_choice,
        on_pin_change=on_pin,
    )
