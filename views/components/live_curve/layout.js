// The parts of the view and where each one lives; curve.css lays them out by width.

function createParts(parentElement, save) {
  const [top, figure, controls, scores, tileHost, tableHost] = [
    "top",
    "figure",
    "controls",
    "scores",
    "tiles",
    "alternative",
  ].map((name) => element("div", { class: name }));
  const probe = element("span", { class: "probe", "aria-hidden": "true" });
  const root = element(
    "section",
    { class: "live-curve palette", "aria-label": "Live curve" },
    ...[probe, top, figure, controls, scores, tileHost, tableHost],
  );
  parentElement.append(root);

  const sentence = createSentence(top);
  const chart = createChart(figure);
  const hover = createHover(figure);
  figure.append(
    element(
      "div",
      { class: "save" },
      button("SVG", save.svg, { title: "Save the chart as SVG" }),
      button("PNG", save.png, { title: "Save the chart as PNG" }),
    ),
  );
  const histogram = createHistogram(scores);
  scores.append(
    element(
      "p",
      { class: "caption" },
      "Score of each query (strong win rate). Drag the line, click the curve, or type. " +
        "Arrow keys move one step.",
    ),
  );
  const tiles = createTiles(tileHost, createHelp(root));
  const table = createTable(tableHost);
  return { root, probe, figure, controls, sentence, chart, hover, histogram, tiles, table };
}
