// One row's picture: the interval as a line, the figure as a dot, and behind it what blind scores
// get, as a band, the row's own or the random router's, and a dashed line. Positions are percents,
// so that nothing is stretched with the column.

function place(value, { low, high }) {
  return `${(100 * Math.min(1, Math.max(0, (value - low) / (high - low)))).toFixed(2)}%`;
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

// What lies outside the axis is an arrow at its end; the figure stands in the next column.
function dot(value, axis) {
  if (!isNumber(value)) return [];
  if (value <= axis.high && value >= axis.low) {
    return [shape("circle", { cx: place(value, axis), cy: "50%", r: 4.5 })];
  }
  const path = value > axis.high ? "M-9 -5L0 0L-9 5Z" : "M9 -5L0 0L9 5Z";
  const at = { x: place(value, axis), y: "50%", overflow: "visible" };
  return [shape("svg", at, shape("path", { d: path }))];
}

function theirs(value, axis) {
  if (!isNumber(value)) return [];
  const at = { x: place(value, axis), y: "50%", overflow: "visible" };
  return [shape("svg", at, shape("path", { class: "theirs", d: "M0 -6L6 0L0 6L-6 0Z" }))];
}

function range(row, axis, figure = "apgr") {
  return shape(
    "svg",
    { class: row.line ?? "quiet", "aria-hidden": "true" },
    ...band(row.band_low ?? axis.random_low, row.band_high ?? axis.random_high, axis),
    ...dashed(axis),
    ...whisker(row[`${figure}_low`], row[`${figure}_high`], axis),
    ...theirs(row.paper_apgr, axis),
    ...dot(row[figure], axis),
  );
}

function ticks(axis) {
  const labels = axis.ticks.map((tick, i) =>
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
  return shape("svg", { class: "ticks", "aria-hidden": "true" }, ...labels);
}
