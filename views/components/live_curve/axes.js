// Grid, ticks and axis titles of the chart. The tick texts are handed back too: one that
// would lie half under a flag of the marker steps aside.

function chartFrame(model, width, height, phone) {
  const plot = {
    left: phone ? 38 : 46,
    right: width - (phone ? 14 : 124),
    top: 30,
    bottom: height - 46,
  };
  const dearest = extent(model.chosen.xs, ...model.others.map((line) => line.xs))[1];
  const xHigh = model.inMoney ? Math.max(dearest, model.data.strong.cost ?? 0) : 100;
  const [low, high] = verticalRange(model);
  return {
    width,
    height,
    phone,
    plot,
    toX: linearScale(0, xHigh || 1, plot.left, plot.right),
    toY: linearScale(low, high, plot.bottom, plot.top),
    xTicks: niceTicks(0, xHigh || 1, phone ? 4 : 5),
    yTicks: niceTicks(low, high, phone ? 4 : 5),
  };
}

function drawAxes(model, frame) {
  const { plot, toX, toY, xTicks, yTicks } = frame;
  const layer = shape("g", { class: "axes" });
  const marks = { x: [], y: [] };
  for (const value of yTicks.values) {
    const y = toY(value).toFixed(1);
    const text = shape(
      "text",
      { class: "tick", x: plot.left - 8, y, dy: "0.35em", "text-anchor": "end" },
      fixed(value, yTicks.digits),
    );
    layer.append(shape("line", { class: "grid", x1: plot.left, x2: plot.right, y1: y, y2: y }), text);
    marks.y.push({ at: toY(value), node: text });
  }
  xTicks.values.forEach((value) => {
    const text = shape(
      "text",
      { class: "tick", x: toX(value).toFixed(1), y: plot.bottom + 18, "text-anchor": "middle" },
      model.inMoney
        ? money(value, xTicks.digits)
        : `${fixed(value, 0)}${value === 0 ? "" : "%"}`,
    );
    layer.append(text);
    marks.x.push({ at: toX(value), node: text });
  });
  layer.append(
    shape("line", {
      class: "base",
      x1: plot.left,
      x2: plot.right,
      y1: plot.bottom,
      y2: plot.bottom,
    }),
    shape(
      "text",
      {
        class: "title",
        x: (plot.left + plot.right) / 2,
        y: plot.bottom + 37,
        "text-anchor": "middle",
      },
      model.inMoney ? "cost, $ per 1,000 queries" : "queries sent to the strong model",
    ),
    shape(
      "text",
      { class: "title", x: frame.phone ? 0 : plot.left, y: 14 },
      model.inPgr ? "gap recovered (PGR)" : model.format.title,
    ),
  );
  return { layer, marks };
}
