"""Parts that the browser-side components share: number formats, nodes, theme and palette.

Plain files, joined in order and passed inline, so that nothing has to be built or installed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
_SHARED = ["format", "dom", "theme", "redrawn"]


def component(name: str, folder: Path, scripts: list[str], style: str) -> Callable[..., Any]:
    """Register a Custom Component v2; call it once a process and keep what it returns.

    Args:
        name: unique in the app.
        folder: holds the scripts and the style.
        scripts: names of .js files in the order in which they build on each other; only the last
            one exports.
        style: name of the .css file.
    """
    sources = [_FOLDER / f"{script}.js" for script in _SHARED]
    sources += [folder / f"{script}.js" for script in scripts]
    styles = [_FOLDER / "palette.css", folder / f"{style}.css"]
    return st.components.v2.component(
        name,
        css="\n".join(path.read_text("utf-8") for path in styles),
        js="\n".join(path.read_text("utf-8") for path in sources),
        isolate_styles=True,
    )
