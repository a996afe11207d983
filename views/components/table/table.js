// A table that sorts itself: a real one, so that every reader can walk it.

function compare(a, b, { column, falling }) {
  const [one, other] = [a[column], b[column]];
  if ((one ?? null) === null) return (other ?? null) === null ? 0 : 1; // undefined comes last
  if ((other ?? null) === null) return -1;
  const rising = typeof one === "string" ? one.localeCompare(other) : one - other;
  return falling ? -rising : rising;
}

function heading(column, { state, data, redraw }) {
  const attributes = { scope: "col", class: classes(column) };
  if (!data.is_sortable) {
    const seen = column.form === "mark" ? element("span", { class: "unseen" }, column.title) : column.title;
    return element("th", { ...attributes, title: column.help }, seen);
  }
  const id = column.sort ?? column.id;
  const isSorted = state.column === id;
  const press = () => {
    state.falling = isSorted ? !state.falling : !["name", "text"].includes(column.form);
    state.column = id;
    redraw();
  };
  const [arrow, order] = !isSorted ? ["", "none"] : state.falling ? [" ↓", "descending"] : [" ↑", "ascending"];
  const sort = { title: column.help ?? "sort", "data-at": `sort ${column.id}` };
  return element(
    "th",
    { ...attributes, "aria-sort": order },
    button(column.title + arrow, press, sort),
    ...(column.form in PICTURES ? ticks(data.axis) : []),
  );
}

// A router keeps its colour in all tables; the random one is as quiet as its band.
function withLines(rows) {
  const names = [...new Set(rows.map((row) => row.router))].filter((name) => name !== "random");
  const styles = lineStyles(names);
  return rows.map((row) => ({ ...row, line: styles[names.indexOf(row.router)]?.colour ?? "quiet" }));
}

function more({ state, data, redraw }) {
  const { rows, n_first: first } = data;
  if (first === null || rows.length <= first) return [];
  const press = () => {
    state.all = !state.all;
    redraw();
  };
  const label = state.all ? "Show fewer" : `Show all ${fixed(rows.length, 0)}`;
  return [button(label, press, { class: "more", "data-at": "more" })];
}

function draw(root, state, data, send) {
  const focused = root.getRootNode().activeElement?.dataset?.at;
  const table = { root, state, data, send, redraw: () => draw(root, state, data, send) };
  const { title, beside, sentence } = data;
  root.replaceChildren(
    ...(title ? [element("h3", {}, title, " ", element("span", {}, beside))] : []),
    ...(sentence ? [element("p", { class: "sentence" }, sentence)] : []),
    ...(data.columns.length ? [body(table), ...more(table)] : []),
  );
  const again = focused && root.querySelector(`[data-at="${CSS.escape(focused)}"]`);
  if (again) again.focus({ preventScroll: true });
}

function body(table) {
  const { state, data } = table;
  state.marked = new Set(data.marked);
  const rows = withLines(data.rows);
  if (state.column) rows.sort((a, b) => compare(a, b, state));
  const shown = state.all ? rows : rows.slice(0, data.n_first ?? rows.length);
  const line = (row, kind) =>
    element(
      "tr",
      { class: kind, "aria-current": data.opened !== null && row.id === data.opened && "true" },
      ...data.columns.map((column) => cell(column, row, table)),
    );
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, data.caption),
    element("thead", {}, element("tr", {}, ...data.columns.map((column) => heading(column, table)))),
    element(
      "tbody",
      {},
      ...data.pinned.map((row) => line(row, "pinned")),
      ...shown.map((row) => line(row)),
    ),
  );
}

const start = (data) => ({ column: data.sorted_by, falling: true, all: false, marked: new Set() });

export default redrawn("data-table", draw, start);
