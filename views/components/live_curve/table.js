// The curve as a table, for readers and for whoever wants figures. Built when first opened.

const TABLE_ROWS = 20;

function createTable(host) {
  const body = element("tbody");
  const caption = element("caption");
  const heads = ["strong calls", "α", "quality", "95%", "PGR", "$ per 1,000"];
  const details = element(
    "details",
    { class: "table" },
    element("summary", {}, "Table of the curve"),
    element(
      "table",
      {},
      caption,
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      body,
    ),
  );
  host.append(details);
  let model = null;

  function fill() {
    if (!model || !details.open) return;
    const { share } = model.data.points;
    const wanted = Array.from({ length: TABLE_ROWS + 1 }, (_, k) => k / TABLE_ROWS);
    const indices = [...new Set(wanted.map((part) => nearestIndex(share, part)))];
    setText(caption, `Router ${model.data.router}`);
    body.replaceChildren(
      ...indices.map((index) => {
        const r = model.pointReading(index);
        const interval = isNumber(r.low) && isNumber(r.high);
        const cells = [
          alphaText(r.alpha, model.alphaDigits),
          readableQuality(model, r.quality) + (isNumber(r.quality) ? model.format.unit : ""),
          interval ? `${readableQuality(model, r.low)} – ${readableQuality(model, r.high)}` : DASH,
          fixed(r.pgr, 2),
          money(r.cost, model.moneyDigits),
        ];
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, percent(r.share)),
          ...cells.map((text) => element("td", {}, text)),
        );
      }),
    );
  }

  details.addEventListener("toggle", fill);
  return {
    draw(newModel) {
      model = newModel;
      fill();
    },
  };
}
