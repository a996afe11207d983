// What every line says under the pointer, in a small box that never catches the pointer.

const HOVER_WIDTH = 216;

function createHover(host) {
  const head = element("div", { class: "hover-head" });
  const rows = element("div", { class: "hover-rows" });
  const box = element("div", { class: "hover", "aria-hidden": "true" }, head, rows);
  const across = shape("line", { class: "hover-line" });
  box.hidden = true;
  host.append(box);
  let lines = [];
  let svg = null;

  // Rows are built with the chart; hovering only changes their numbers.
  function draw(model, chart) {
    svg = chart.svg;
    if (across.parentNode !== svg) svg.append(across);
    hide();
    const styles = lineStyles(model.others.map((line) => line.name));
    const row = (line, colour, dash) => {
      const value = element("span", { class: "hover-value" });
      const swatch = shape(
        "svg",
        { width: 18, height: 8 },
        shape("line", { x1: 0, x2: 18, y1: 4, y2: 4, class: colour, "stroke-dasharray": dash }),
      );
      const node = element("div", {}, swatch, element("span", { class: "hover-name" }, line.name), value);
      return { line, value, node };
    };
    lines = [
      row(model.chosen, "chosen"),
      ...model.others.map((line, k) => row(line, styles[k].colour, styles[k].dash)),
      ...[model.random, model.hull, model.oracle]
        .filter(Boolean)
        .map((line) => row(line, line.name, null)),
    ];
    rows.replaceChildren(...lines.map(({ node }) => node));
  }

  function show(model, chart, x, clientX, clientY) {
    const digits = model.inPgr ? 2 : model.format.digits;
    const unit = model.inPgr ? "" : model.format.unit;
    const near = model.pointReading(model.nearestByX(x));
    setText(head, `${percent(near.share)} strong · ${money(near.cost, model.moneyDigits)} per 1,000`);
    lines.forEach(({ line, value }, k) => {
      const y = k === 0 ? model.yOf(near.quality) : valueAt(line.xs, line.ys, x);
      let text = `${fixed(y, digits)}${isNumber(y) ? unit : ""}`;
      if (k === 0 && isNumber(near.low) && isNumber(near.high)) {
        text += ` [${fixed(model.yOf(near.low), digits)}, ${fixed(model.yOf(near.high), digits)}]`;
      }
      setText(value, text);
    });
    box.hidden = false;
    const bounds = svg.getBoundingClientRect();
    const [left, top] = [clientX - bounds.left, clientY - bounds.top];
    const flips = left + 18 + HOVER_WIDTH > chart.plot.right;
    const height = 40 + lines.length * 19;
    const boxLeft = Math.max(0, flips ? left - 18 - HOVER_WIDTH : left + 18);
    const boxTop = Math.max(0, Math.min(top + 12, chart.plot.bottom - height));
    box.style.transform = `translate(${boxLeft.toFixed(0)}px, ${boxTop.toFixed(0)}px)`;
    across.setAttribute("y1", chart.plot.top);
    across.setAttribute("y2", chart.plot.bottom);
    move(across, left, 0);
    across.style.display = "";
  }

  function hide() {
    box.hidden = true;
    across.style.display = "none";
  }

  return { draw, show, hide };
}
