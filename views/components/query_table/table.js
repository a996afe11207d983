// Queries as a real table: a row is marked by its box and opened by its text. Texts come from
// people, so they enter as text only, each in a direction of its own.

const COLUMNS = [
  { id: "mark", title: "mark", unseen: true },
  { id: "query", title: "query" },
  { id: "goes", title: "goes to" },
  { id: "score", title: "win rate", kind: "figure wide", help: "strong win rate" },
  { id: "margin", title: "to α", kind: "figure", help: "strong win rate minus α" },
  { id: "strong_quality", kind: "figure wide" },
  { id: "weak_quality", kind: "figure wide" },
  { id: "usd", title: "cost", kind: "figure wide", help: "of the call that is made" },
];

function columnsOf(data) {
  return COLUMNS.filter((column) => data.has_usd || column.id !== "usd");
}

function heading(column, { names }) {
  const title =
    { strong_quality: `${names.strong} ${MARKS.strong}`, weak_quality: `${names.weak} ${MARKS.weak}` }[
      column.id
    ] ?? column.title;
  const text = column.unseen ? element("span", { class: "unseen" }, title) : title;
  return element("th", { scope: "col", class: column.kind, title: column.help }, text);
}

// The nearest ones are nearer than a score's digits can say: two figures of each, at most six.
function margin(value, digits) {
  const needed = value ? Math.ceil(-Math.log10(Math.abs(value))) + 1 : digits;
  return signed(value, Math.min(6, Math.max(digits, needed)));
}

function goes(row) {
  const where = row.strong ? "strong" : "weak";
  const regret = row.regret ? [element("span", { class: "regret" }, row.regret)] : [];
  const mark = element("span", { class: where, "aria-hidden": "true" }, `${MARKS[where]} `);
  return [mark, where, ...regret];
}

function box(row, state, send) {
  const node = element("input", {
    type: "checkbox",
    "data-at": `mark ${row.id}`,
    "aria-label": `Mark ${row.text}`,
    checked: state.marked.has(row.id) && "",
  });
  node.addEventListener("change", () => {
    state.marked[node.checked ? "add" : "delete"](row.id);
    send("mark", { ids: [...state.marked] });
  });
  return node;
}

function name(row, root, send) {
  const open = () => {
    send("open", { id: row.id });
    toTop(root);
  };
  return [
    button(row.text, open, { class: "open", dir: "auto", "data-at": `open ${row.id}` }),
    element("span", { class: "under" }, row.under),
  ];
}

function cell(column, row, { root, state, data, send }) {
  const kind = { class: column.kind };
  switch (column.id) {
    case "mark":
      return element("td", { class: "mark" }, box(row, state, send));
    case "query":
      return element("th", { scope: "row" }, ...name(row, root, send));
    case "goes":
      return element("td", { class: "goes" }, ...goes(row));
    case "score":
      return element("td", kind, fixed(row.score, data.digits));
    case "margin":
      return element("td", kind, margin(row.margin, data.digits));
    case "usd":
      return element("td", kind, money(row.usd, moneyDigits(data.dearest)));
    default:
      return element("td", kind, row[column.id]);
  }
}

function draw(root, state, data, send) {
  const focused = root.getRootNode().activeElement?.dataset?.at;
  state.marked = new Set(data.marked);
  const columns = columnsOf(data);
  const all = { root, state, data, send };
  const line = (row) =>
    element(
      "tr",
      { "aria-current": row.id === data.opened && "true" },
      ...columns.map((column) => cell(column, row, all)),
    );
  root.replaceChildren(
    element(
      "table",
      {},
      element("caption", { class: "unseen" }, data.caption),
      element("thead", {}, element("tr", {}, ...columns.map((c) => heading(c, data)))),
      element("tbody", {}, ...data.rows.map(line)),
    ),
  );
  const again = focused && root.querySelector(`[data-at="${CSS.escape(focused)}"]`);
  if (again) again.focus({ preventScroll: true });
}

export default redrawn("query-table", draw, () => ({}));
