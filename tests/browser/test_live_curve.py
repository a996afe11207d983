"""The live curve under a real hand: mouse, keys, typed numbers, a phone, a screen reader."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.browser.checks import nothing_serious

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

HARNESS = Path(__file__).with_name("harness_live_curve.py")
SEND_MS = 600  # longer than any pause after which a choice is told to Python


@pytest.fixture
def opened(streamlit_server, browser_page):
    def opened(*, env=None, **screen):
        page = browser_page(**screen)
        page.goto(streamlit_server(HARNESS, env))
        expect(page.locator(".live-curve .chart")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("events 0", exact=True)).to_be_visible()
        return page

    return opened


def number(page, tile):
    return page.locator(f"[data-tile={tile}] .number")


def last_event(page, n):
    """The n-th event that Python received, once it is there."""
    last = page.locator("[data-testid=stText]", has_text=f"last {n} ")
    expect(last).to_be_visible()
    return json.loads(last.inner_text().removeprefix(f"last {n} "))


def nothing_new(page, n):
    page.wait_for_timeout(SEND_MS)
    expect(page.get_by_text(f"events {n}", exact=True)).to_be_visible()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def choose(page, mode):
    page.locator(".modes label", has_text=mode).click()


def test_everything_follows_the_hand_and_python_hears_of_it_on_release(opened):
    page = opened()
    expect(number(page, "share")).to_have_text("31.0")
    shown = [page.locator(".sentence"), *(number(page, t) for t in ("alpha", "share", "quality"))]
    before = [each.inner_text() for each in shown]
    x, y = middle(page.locator(".handle .knob"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y)
    page.mouse.move(x - 120, y)
    for each, text in zip(shown, before, strict=True):
        expect(each).not_to_have_text(text)
    expect(page.locator(".modes input[value=share]")).to_be_checked()
    nothing_new(page, 0)
    dragged = number(page, "alpha").inner_text()
    page.mouse.up()
    choice = last_event(page, 1)["choice"]
    assert choice["mode"] == "alpha"
    assert choice["seq"] == 1
    assert f"{choice['wanted']:.3f}" == dragged
    expect(number(page, "alpha")).to_have_text(dragged)
    expect(page.locator(".modes input[value=alpha]")).to_be_checked()
    expect(page.locator(".status")).to_have_text("custom α")


def test_a_click_on_the_curve_sets_alpha(opened):
    page = opened()
    x, y = middle(page.locator(".chart"))
    page.mouse.click(x, y)
    assert last_event(page, 1)["choice"]["mode"] == "alpha"
    flag = float(page.locator(".flag text").first.text_content().rstrip("%"))
    assert 35 < flag < 75
    expect(number(page, "share")).to_have_text(f"{flag:.1f}")


def test_escape_takes_a_drag_back(opened):
    page = opened()
    x, y = middle(page.locator(".handle .knob"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 90, y)
    expect(number(page, "share")).not_to_have_text("31.0")
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(number(page, "share")).to_have_text("31.0")
    nothing_new(page, 0)


def test_keys_move_by_points_and_a_pause_is_one_choice(opened):
    page = opened()
    slider = page.get_by_role("slider", name="Threshold α")
    slider.focus()
    at = int(slider.input_value())
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_value(str(at + 3))
    assert last_event(page, 1)["choice"]["mode"] == "alpha"
    page.keyboard.press("PageDown")
    expect(slider).to_have_value(str(at - 7))
    expect(slider).to_have_attribute(
        "aria-valuetext", re.compile(r"^α 0\.\d+, \d+% strong, quality")
    )
    last_event(page, 2)
    page.keyboard.press("Home")
    expect(number(page, "share")).to_have_text("100.0")
    last_event(page, 3)
    page.keyboard.press("End")
    expect(number(page, "alpha")).to_have_text("∞")
    expect(number(page, "share")).to_have_text("0.0")
    assert last_event(page, 4)["choice"]["wanted"] == 2
    nothing_new(page, 4)


def test_a_budget_sends_both_numbers(opened):
    page = opened()
    choose(page, "Budget")
    nothing_new(page, 0)
    expect(page.get_by_label("queries a month")).to_have_value("100,000")
    page.get_by_label("$ a month").fill("$500")
    page.get_by_label("$ a month").press("Enter")
    choice = last_event(page, 1)["choice"]
    assert choice == {"mode": "budget", "wanted": 500, "queries_per_month": 100_000, "seq": 1}
    expect(page.locator(".status")).to_contain_text("achieved")
    page.get_by_label("queries a month").fill("200 000")
    page.get_by_label("queries a month").press("Tab")
    assert last_event(page, 2)["choice"]["queries_per_month"] == 200_000
    nothing_new(page, 2)


def test_share_is_typed_in_percent_and_sent_as_a_fraction(opened):
    page = opened()
    field = page.get_by_label("% strong calls")
    field.fill("12.5")
    field.press("Enter")
    assert last_event(page, 1)["choice"]["wanted"] == 0.125
    expect(number(page, "share")).to_have_text("12.5")
    expect(field).to_have_value("12.5")


def test_what_is_no_number_is_not_sent(opened):
    page = opened()
    field = page.get_by_label("% strong calls")
    field.fill("some")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Type a number")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    nothing_new(page, 0)


def test_a_problem_is_said(opened):
    page = opened()
    choose(page, "Budget")
    page.get_by_label("$ a month").fill("2000000")
    page.get_by_label("$ a month").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="More than always")).to_be_visible()


def test_undo_and_reset(opened):
    page = opened()
    field = page.get_by_label("% strong calls")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    for n, share in enumerate(["20", "60"], start=1):
        field.fill(share)
        field.press("Enter")
        last_event(page, n)
        expect(number(page, "share")).to_have_text(f"{share}.0")
    # In a text field Ctrl+Z belongs to the text.
    field.press("Control+z")
    nothing_new(page, 2)
    page.get_by_role("slider", name="Threshold α").press("Control+z")
    assert last_event(page, 3)["choice"]["wanted"] == 0.2
    expect(number(page, "share")).to_have_text("20.0")
    page.get_by_role("button", name="Undo").click()
    assert last_event(page, 4)["choice"]["wanted"] == 0.31
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    field.fill("80")
    field.press("Enter")
    last_event(page, 5)
    page.get_by_role("button", name="Reset").click()
    assert last_event(page, 6)["choice"]["wanted"] == 0.31
    expect(number(page, "share")).to_have_text("31.0")


def test_pin_compares_with_a(opened):
    page = opened()
    page.get_by_role("button", name="Pin A").click()
    assert 0 < last_event(page, 1)["pin"]["alpha"] < 1
    expect(page.locator(".chart .pin")).to_be_visible()
    page.get_by_label("% strong calls").fill("41")
    page.get_by_label("% strong calls").press("Enter")
    expect(page.locator("[data-tile=share] .delta")).to_have_text("A 31.0% · +10.0 pts")
    page.get_by_role("button", name="Unpin A").click()
    assert last_event(page, 3)["pin"]["alpha"] is None
    expect(page.locator("[data-tile=share] .delta")).to_have_text("")
    expect(page.locator(".chart .pin")).to_be_hidden()


def test_a_stale_answer_does_not_move_the_marker(opened):
    page = opened(env={"HARNESS_FROZEN_SEQ": "1"})
    slider = page.get_by_role("slider", name="Threshold α")
    slider.press("PageUp")
    expect(number(page, "share")).not_to_have_text("31.0")
    shown = number(page, "share").inner_text()
    last_event(page, 1)
    # The pin's answer comes with the old seq, too.
    page.get_by_role("button", name="Pin A").click()
    last_event(page, 2)
    expect(page.locator(".chart .pin")).to_be_visible()
    expect(number(page, "share")).to_have_text(shown)


def test_saving_can_be_counted_against_the_random_router(opened):
    page = opened()
    before = number(page, "saving").inner_text()
    page.get_by_label("Saving is counted against").select_option("random")
    expect(number(page, "saving")).not_to_have_text(before)
    nothing_new(page, 0)


def test_hover_reads_every_line_and_leaves_alpha_alone(opened):
    page = opened()
    page.mouse.move(*middle(page.locator(".chart")))
    hover = page.locator(".hover")
    for name in ("mf", "causal_llm", "sw_ranking", "random", "oracle"):
        expect(hover).to_contain_text(name)
    expect(number(page, "share")).to_have_text("31.0")


def test_names_are_text_and_never_markup(opened):
    page = opened(env={"HARNESS_HOSTILE": "1"})
    page.on("dialog", lambda _: pytest.fail("a name was run as script"))
    expect(page.locator(".sentence")).to_contain_text("<script>alert(2)</script>")
    page.locator("summary").click()
    expect(page.locator(".table caption")).to_have_text('Router "><b>mf')
    page.mouse.move(*middle(page.locator(".chart")))
    for tag in ("img", "script", "b b"):
        assert page.locator(f".live-curve {tag}").count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert re.fullmatch(r"routellm-[\w.-]+\.svg", download.value.suggested_filename)
    ET.parse(download.value.path())


def test_svg_and_png_downloads(opened):
    page = opened()
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert download.value.suggested_filename == "routellm-mf.svg"
    svg = ET.parse(download.value.path()).getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in Path(download.value.path()).read_text("utf-8")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "routellm-mf.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_copy_link_is_confirmed(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied ✓")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_the_table_holds_the_curve(opened):
    page = opened()
    page.locator("summary").click()
    expect(page.locator(".table tbody tr")).to_have_count(21)
    expect(page.locator(".table tbody tr").first).to_contain_text("∞")


def test_the_spoken_sentence_waits_for_the_release(opened):
    page = opened()
    spoken = page.locator(".live-curve [aria-live=polite]").first
    x, y = middle(page.locator(".handle .knob"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 120, y)
    expect(number(page, "share")).not_to_have_text("31.0")
    expect(spoken).to_have_text("")
    page.mouse.up()
    expect(spoken).to_have_text(re.compile("^At α = "))


@pytest.mark.parametrize("axes", [{"HARNESS_X": "cost"}, {"HARNESS_Y": "pgr"}])
def test_other_axes(opened, axes):
    page = opened(env=axes)
    x, y = middle(page.locator(".chart"))
    page.mouse.click(x, y)
    last_event(page, 1)
    expect(page.locator(".chart .marker")).to_be_visible()


def test_a_phone_scrolls_downwards_only(opened):
    page = opened(width=390, height=844, has_touch=True)
    expect(page.locator(".live-curve")).to_have_attribute("data-size", "phone")
    choose(page, "Budget")
    wide = page.evaluate("""() => {
        const main = document.querySelector("[data-testid=stMain]");
        return main.scrollWidth - main.clientWidth;
    }""")
    assert wide <= 0
    edge = page.locator(".live-curve").bounding_box()
    for part in (".chart", ".controls", ".strip", ".tiles", ".wish"):
        box = page.locator(part).bounding_box()
        assert box["x"] + box["width"] <= edge["x"] + edge["width"] + 1, part
    for target in page.locator(".controls button, .modes label, .field input").all():
        assert target.bounding_box()["height"] >= 40


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, color_scheme):
    page = opened(color_scheme=color_scheme)
    expect(page.locator(".live-curve")).to_have_attribute("data-theme", color_scheme)
    page.get_by_role("button", name="Pin A").click()
    last_event(page, 1)
    page.locator("summary").click()
    nothing_serious(page, "<table>")  # it looks into the shadow root
