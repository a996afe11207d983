// One row's picture. Positions are percents of its width, so that nothing is stretched with the
// column.

function place(value, { low, high }) {
  return `${(100 * Math.min(1, Math.max(0, (value - low) / (high - low)))).toFixed(2)}%`;
}

function picture(row, ...shapes) {
  return shape("svg", { class: row.line ?? "quiet", "aria-hidden": "true" }, ...shapes);
}

function bar(from, to, axis, attributes) {
  if (!isNumber(from) || !isNumber(to)) return [];
  const [left, right] = [Math.min(from, to), Math.max(from, to)].map((end) => place(end, axis));
  const width = parseFloat(right) - parseFloat(left);
  return [shape("rect", { x: left, width: `${width}%`, ...attributes })];
}

function band(low, high, axis) {
  return bar(low, high, axis, { class: "random", height: "100%" });
}

function upright(value, axis, attributes) {
  const x = place(value, axis);
  return shape("line", { x1: x, x2: x, y1: 0, y2: "100%", ...attributes });
}

function dashed(axis) {
  const blind = axis.blind === undefined ? 0.5 : axis.blind;
  return isNumber(blind) ? [upright(blind, axis, { class: "half" })] : [];
}

function whisker(low, high, axis) {
  if (!isNumber(low) || !isNumber(high)) return [];
  const ends = { x1: place(low, axis), x2: place(high, axis) };
  return [shape("line", { class: "whisker", ...ends, y1: "50%", y2: "50%" })];
}

function outline(value, axis, attributes) {
  const at = { x: place(value, axis), y: "50%", overflow: "visible" };
  return shape("svg", at, shape("path", attributes));
}

// What lies outside the axis is an arrow at its end; the figure stands in the next column.
function dot(value, axis, attributes) {
  if (!isNumber(value)) return [];
  if (value <= axis.high && value >= axis.low) {
    return [shape("circle", { cx: place(value, axis), cy: "50%", r: 4.5, ...attributes })];
  }
  const d = value > axis.high ? "M-9 -5L0 0L-9 5Z" : "M9 -5L0 0L9 5Z";
  return [outline(value, axis, { d })];
}

function theirs(value, axis) {
  return isNumber(value) ? [outline(value, axis, { class: "theirs", d: "M0 -6L6 0L0 6L-6 0Z" })] : [];
}

// The interval as a line, the figure as a dot, and behind it what blind scores get, as a band, the
// row's own or the random router's, and a dashed line.
function range(row, axis, { figure = "apgr" }) {
  return picture(
    row,
    ...band(row.band_low ?? axis.random_low, row.band_high ?? axis.random_high, axis),
    ...dashed(axis),
    ...whisker(row[`${figure}_low`], row[`${figure}_high`], axis),
    ...theirs(row.paper_apgr, axis),
    ...dot(row[figure], axis),
  );
}

// APGR = 1/2 + recognising + ranking: two bars, the second below the first and open, from one half
// to the figure; behind them, as a line and its band, what the slice alone has.
function parts(row, axis) {
  return picture(
    row,
    ...band(axis.prior_low, axis.prior_high, axis),
    upright(0.5, axis, { class: "half" }),
    upright(axis.prior, axis, { class: "prior" }),
    ...bar(0.5, row.until_slice, axis, { class: "full", y: "22%", height: "24%" }),
    ...bar(row.until_slice, row.apgr, axis, { class: "hollow", y: "54%", height: "24%" }),
    ...dot(row.apgr, axis),
  );
}

// What routing got, between both models.
function ends(row, axis) {
  return picture(
    row,
    shape("line", { class: "rail", x1: 0, x2: "100%", y1: "50%", y2: "50%" }),
    ...dot(row.weak, axis, { class: "weak" }),
    outline(row.strong, axis, { class: "strong", d: "M-4 -4H4V4H-4Z" }),
    outline(row.quality, axis, { class: "routed", d: "M-1.75 -8H1.75V8H-1.75Z" }),
  );
}

function ticks(axis) {
  const labels = (axis.ticks ?? []).map((tick, i) =>
    shape(
      "text",
      {
        class: axis.labels || Math.round(10 * tick) % 2 ? null : "between",
        x: place(tick, axis),
        y: "85%",
        "text-anchor": "middle",
      },
      axis.labels?.[i] ?? fixed(tick, 1),
    ),
  );
  return labels.length ? [shape("svg", { class: "ticks", "aria-hidden": "true" }, ...labels)] : [];
}
