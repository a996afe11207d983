// The matrix: the row's router over the column's. Each verdict is a button, one of them in the
// tab order; arrow keys walk the others, and what is looked at is told in full under the matrix.

function routerName(router, line) {
  const swatch = element("i", { class: `swatch ${line ?? ""}`, "aria-hidden": "true" });
  return [swatch, router.router, element("span", { class: "under" }, router.recipe)];
}

function verdict(cell, state, choose) {
  const { row, column } = cell;
  const node = button("", () => choose(row, column), {
    class: cell.is_ahead ? "ahead" : "open",
    "aria-label": `${cell.words}.`,
    "aria-pressed": String(state.row === row && state.column === column),
    tabindex: state.row === row && state.column === column ? 0 : -1,
    "data-place": `${row}-${column}`,
  });
  node.append(cell.short, element("span", { class: "under" }, cell.under));
  node.addEventListener("focus", () => choose(row, column));
  return node;
}

const STEPS = {
  ArrowRight: (row, column) => [row, column + 1],
  ArrowLeft: (row, column) => [row, column - 1],
  ArrowDown: (row, column) => [row + 1, column],
  ArrowUp: (row, column) => [row - 1, column],
};

function walk(event, table, state) {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  const [row, column] = step(state.row, state.column);
  table.querySelector(`[data-place="${row}-${column}"]`)?.focus();
}

function told(cell) {
  return [element("b", {}, `${cell.words}.`), ...cell.details.map((text) => element("span", {}, text))];
}

function matrix(data, lines, state) {
  const { routers, cells } = data;
  const at = new Map(cells.map((cell) => [`${cell.row}-${cell.column}`, cell]));
  const detail = element("p", { class: "told", "aria-live": "polite" });
  const choose = (row, column) => {
    Object.assign(state, { row, column });
    for (const node of table.querySelectorAll("button")) {
      const chosen = node.dataset.place === `${row}-${column}`;
      node.setAttribute("aria-pressed", String(chosen));
      node.tabIndex = chosen ? 0 : -1;
    }
    detail.replaceChildren(...told(at.get(`${row}-${column}`)));
  };
  const columns = routers.slice(1).map((_, i) => i + 1);
  const head = element(
    "tr",
    {},
    element("td", { class: "corner" }, "the row over the column"),
    ...columns.map((i) => element("th", { scope: "col" }, ...routerName(routers[i], lines[i]))),
  );
  const rows = routers.slice(0, -1).map((router, row) =>
    element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        ...routerName(router, lines[row]),
        element("span", { class: "figure" }, router.figure),
      ),
      ...columns.map((column) => {
        const cell = at.get(`${row}-${column}`);
        return element("td", {}, ...(cell ? [verdict(cell, state, choose)] : []));
      }),
    ),
  );
  const table = element(
    "table",
    {},
    element("caption", { class: "unseen" }, data.caption),
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
  table.addEventListener("keydown", (event) => walk(event, table, state));
  const first = at.get(`${state.row}-${state.column}`) ?? cells[0];
  Object.assign(state, { row: first.row, column: first.column });
  choose(first.row, first.column);
  return element(
    "div",
    { class: "matrix" },
    element("div", { class: "scrolls" }, table),
    detail,
  );
}
