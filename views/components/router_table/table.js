// Routers as a table that sorts itself: figures with their intervals under them, and a picture of
// APGR's. A real table, so that every reader can walk it; names enter as text only.


const WRITE = {
  name: (value) => value ?? DASH,
  text: (value) => value ?? DASH,
  written: (value) => value ?? DASH,
  count: (value) => fixed(value, 0),
  figure: (value) => fixed(value, 3),
  signed: (value) => signed(value, 3),
  bits: (value) => fixed(value, 2),
  percent: (value) => percent(value, 1),
};
const WRITE_END = {
  figure: (value) => fixed(value, 3),
  signed: (value) => signed(value, 3),
  percent: (value) => fixed(isNumber(value) ? 100 * value : value, 1),
};

const PICTURES = { range, parts };
const FIGURES = ["figure", "signed", "bits", "percent", "written"];

function isText(column) {
  return column.form === "name" || column.form === "text";
}

function sortedBy(column) {
  return column.sort ?? (column.form === "range" ? "apgr_low" : column.id);
}

function compare(a, b, { column, falling }) {
  const [one, other] = [a[column], b[column]];
  if ((one ?? null) === null) return (other ?? null) === null ? 0 : 1; // undefined comes last
  if ((other ?? null) === null) return -1;
  const rising = typeof one === "string" ? one.localeCompare(other) : one - other;
  return falling ? -rising : rising;
}

function classes(column) {
  const kind = FIGURES.includes(column.form) ? "figure" : column.form;
  return column.wide ? `${kind} wide` : kind;
}

function cell(column, row, data) {
  const picture = PICTURES[column.form];
  if (picture) {
    const drawn = picture(row, data.axis, column.figure);
    return element("td", { class: `range ${classes(column)}` }, drawn);
  }
  const text = WRITE[column.form](row[column.id]);
  if (column.form === "name") {
    const swatch = element("i", { class: `swatch ${row.line ?? ""}`, "aria-hidden": "true" });
    const under = element("span", { class: "narrow" }, row.under ?? "");
    return element("th", { class: "name", scope: "row" }, swatch, text, under);
  }
  const [low, high] = [row[`${column.id}_low`], row[`${column.id}_high`]];
  const ends = low === undefined ? "" : [low, high].map(WRITE_END[column.form]).join(" – ");
  const second = row[`${column.id}_second`] ?? ends;
  const interval = second ? [element("span", { class: "interval" }, second)] : [];
  return element("td", { class: classes(column) }, text, ...interval);
}

function heading(column, state, data, redraw) {
  const id = sortedBy(column);
  const isSorted = state.column === id;
  const press = () => {
    state.falling = isSorted ? !state.falling : !isText(column);
    state.column = id;
    redraw();
  };
  const arrow = isSorted ? (state.falling ? " ↓" : " ↑") : "";
  return element(
    "th",
    {
      scope: "col",
      class: classes(column),
      "aria-sort": isSorted ? (state.falling ? "descending" : "ascending") : "none",
    },
    button(column.title + arrow, press, { title: column.help ?? "sort" }),
    ...(column.form in PICTURES ? [ticks(data.axis)] : []),
  );
}

// A router keeps its colour in all tables; the random one is as quiet as its band.
function withLines(rows) {
  const names = [...new Set(rows.map((row) => row.router))].filter((name) => name !== "random");
  const styles = lineStyles(names);
  return rows.map((row) => ({ ...row, line: styles[names.indexOf(row.router)]?.colour ?? "quiet" }));
}

function draw(root, state, data) {
  const title = element("h3", {}, data.title, " ", element("span", {}, data.beside ?? ""));
  const sentence = element("p", { class: "sentence" }, data.sentence);
  root.replaceChildren(title, sentence, ...(data.columns.length ? [sorted(root, state, data)] : []));
}

function sorted(root, state, data) {
  const redraw = (focused) => {
    draw(root, state, data);
    if (focused !== undefined) root.querySelectorAll("thead button")[focused]?.focus();
  };
  const rows = withLines(data.rows);
  if (state.column) rows.sort((a, b) => compare(a, b, state));
  const line = (row, kind) =>
    element("tr", { class: kind }, ...data.columns.map((column) => cell(column, row, data)));
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, data.caption),
    element(
      "thead",
      {},
      element("tr", {}, ...data.columns.map((c, i) => heading(c, state, data, () => redraw(i)))),
    ),
    element(
      "tbody",
      {},
      ...data.pinned.map((row) => line(row, "pinned")),
      ...rows.map((row) => line(row)),
    ),
  );
}

export default redrawn("router-table", draw, (data) => ({ column: data.sorted_by, falling: true }));
