"""Small headings inside the explanation, and the queries' texts as boxes."""

from html import escape

import streamlit as st


def heading(text: str) -> None:
    """A heading of a part."""
    st.html(f'{_STYLE}<h4 class="why">{escape(text)}</h4>')


def box(label: str, html: str) -> None:
    """A text that scrolls where it is long; `html` is made by `coloured`."""
    st.html(
        f'{_STYLE}<div class="why-text" dir="auto" role="region" tabindex="0" '
        f'aria-label="{escape(label)}">{html}</div>'
    )


_STYLE = """<style>
h4.why { margin: 0; padding: 8px 0 0; font-size: 16px; font-weight: 650; }
.why-text { max-height: 26rem; overflow: auto; padding: 10px 14px; white-space: pre-wrap;
  overflow-wrap: anywhere; unicode-bidi: isolate; font-size: 15px; line-height: 1.8;
  border: 1px solid color-mix(in srgb, currentColor 14%, transparent); border-radius: 6px; }
.why-text .strong, .why-text .weak, .why-key .strong, .why-key .weak {
  --tint: 207 106 44; padding: 1px 0; border-radius: 2px; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; background: rgb(var(--tint) / calc(0.55 * var(--share)));
  border-bottom: 2px solid rgb(var(--tint) / calc(0.2 + 0.8 * var(--share))); }
.why-text .weak, .why-key .weak { --tint: 21 154 120; border-bottom-style: dotted; }
.why-text .unread, .why-text .cut { color: color-mix(in srgb, currentColor 66%, transparent); }
.why-text del { color: color-mix(in srgb, currentColor 72%, transparent);
  text-decoration: line-through 2px #cf6a2c; }
.why-key { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin: 0;
  font-size: 14px; font-variant-numeric: tabular-nums; }
.why-key .strong, .why-key .weak { --share: 1; padding: 1px 4px; }
.why-key .scale { flex: 0 1 120px; height: 8px; border-radius: 4px; background: linear-gradient(to
  right, rgb(21 154 120 / 0.75), transparent 50%, rgb(207 106 44 / 0.75)); }
@media (max-width: 640px) { .why-key { gap: 4px 8px; } .why-key .scale { flex-basis: 50px; } }
.why-key .quiet { color: color-mix(in srgb, currentColor 72%, transparent); }
.why-sum.why-sum { display: flex; flex-wrap: wrap; gap: 8px 24px; margin: 0; padding: 0;
  font-size: 15px; font-variant-numeric: tabular-nums; }
.why-sum div { display: flex; flex-direction: column-reverse; }
.why-sum dt { font-size: 12px; color: color-mix(in srgb, currentColor 72%, transparent); }
.why-sum dd { margin: 0; padding: 0; }
.why-sum div { margin: 0; padding: 0; }
.why-sum .total dd { font-weight: 650; }
</style>"""
