// The same verdicts where a matrix has no room: a router at a time, its figures on demand.

function told_of(cell) {
  return element(
    "li",
    { class: cell.is_ahead ? "ahead" : "open" },
    element(
      "details",
      {},
      element("summary", {}, cell.words),
      ...cell.details.map((text) => element("p", {}, text)),
    ),
  );
}

function list(data, lines) {
  const groups = data.routers.slice(0, -1).map((router, row) => {
    const cells = data.cells.filter((cell) => cell.row === row);
    const n_ahead = cells.filter((cell) => cell.is_ahead).length;
    return element(
      "details",
      { class: "router", open: row === 0 },
      element(
        "summary",
        {},
        ...routerName(router, lines[row]),
        element("span", { class: "figure" }, `${router.figure} · ahead of ${n_ahead} of the ${cells.length} below`),
      ),
      element("ul", {}, ...cells.map(told_of)),
    );
  });
  return element("div", { class: "list", role: "group", "aria-label": data.caption }, ...groups);
}

function draw(root, state, data) {
  const title = element("h3", {}, data.title);
  const sentence = element("p", { class: "sentence" }, data.sentence);
  if (!data.cells.length) return root.replaceChildren(title, sentence);
  const names = [...new Set(data.routers.map((r) => r.router))];
  const styles = lineStyles(names);
  const lines = data.routers.map((r) => styles[names.indexOf(r.router)].colour);
  root.replaceChildren(title, sentence, matrix(data, lines, state), list(data, lines));
}

export default redrawn("verdicts", draw, () => ({ row: 0, column: 1 }));
