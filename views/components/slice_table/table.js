// The slices as a table that sorts itself: one row a slice, a picture of weak, routed and strong,
// and the figures beside it. A real table, so that every reader can walk it.

const FIRST_ROWS = 12;
const PICTURE = { width: 180, height: 22, margin: 8 };

const COLUMNS = [
  { id: "name", title: "slice", text: (row) => row.name.replaceAll("_", " ") },
  { id: "n", title: "n", text: (row) => fixed(row.n, 0) },
  { id: "gap", title: "picture" },
  { id: "quality", title: "quality", text: (row, format) => shownQuality(row.quality, format) },
  { id: "weak", title: "weak", text: (row, format) => shownQuality(row.weak, format), wide: true },
  {
    id: "strong",
    title: "strong",
    text: (row, format) => shownQuality(row.strong, format),
    wide: true,
  },
  { id: "pgr", title: "PGR", text: (row) => fixed(row.pgr, 2) },
  { id: "share", title: "to strong", text: (row) => percent(row.share, 0), wide: true },
];

function shownQuality(value, format) {
  const text = fixed(isNumber(value) ? value * format.scale : null, format.digits);
  return text === DASH ? text : text + format.unit;
}

function compare(a, b, { column, falling }) {
  const [one, other] = [a[column], b[column]];
  if (typeof one === "string") return falling ? other.localeCompare(one) : one.localeCompare(other);
  if (!isNumber(one)) return isNumber(other) ? 1 : 0; // undefined comes last either way
  if (!isNumber(other)) return -1;
  return falling ? other - one : one - other;
}

function picture(row, { low, high }) {
  const { width, height, margin } = PICTURE;
  const x = (value) => margin + ((width - 2 * margin) * (value - low)) / (high - low || 1);
  const y = height / 2;
  return shape(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    shape("path", { class: "rail", d: `M${margin} ${y}H${width - margin}` }),
    shape("circle", { class: "weak", cx: x(row.weak), cy: y, r: 4.5 }),
    shape("rect", { class: "strong", x: x(row.strong) - 4, y: y - 4, width: 8, height: 8 }),
    shape("rect", { class: "routed", x: x(row.quality) - 1.75, y: y - 8, width: 3.5, height: 16 }),
  );
}

function cell(column, row, data) {
  if (column.id === "gap") return element("td", { class: "picture" }, picture(row, data));
  const kind = [column.id === "name" ? "name" : "figure", column.wide ? "wide" : ""].join(" ");
  const text = column.text(row, data.quality_format);
  if (column.id !== "name") return element("td", { class: kind }, text);
  const mark = row.broken ? element("span", { title: "published outcomes look broken" }, " ⚠") : "";
  return element("th", { class: kind, scope: "row" }, text, mark);
}

function heading(column, state, data, redraw) {
  const { weak, strong } = data.names;
  const titles = {
    gap: `${weak} ${MARKS.weak} got ▮ ${strong} ${MARKS.strong}`,
    weak: `${weak} ${MARKS.weak}`,
    strong: `${strong} ${MARKS.strong}`,
  };
  const sorted = state.column === column.id;
  const press = () => {
    state.falling = sorted ? !state.falling : column.id !== "name";
    state.column = column.id;
    redraw();
  };
  const arrow = sorted ? (state.falling ? " ↓" : " ↑") : "";
  const label = (titles[column.id] ?? column.title) + arrow;
  return element(
    "th",
    {
      scope: "col",
      class: [column.id === "name" || column.id === "gap" ? "" : "figure", column.wide ? "wide" : ""].join(" "),
      "aria-sort": sorted ? (state.falling ? "descending" : "ascending") : "none",
    },
    button(label, press, { title: column.id === "gap" ? "sort by the gap" : "sort" }),
  );
}

function draw(root, state, data) {
  const redraw = (focused) => {
    draw(root, state, data);
    if (focused !== undefined) root.querySelectorAll("thead button")[focused]?.focus();
  };
  const rows = [...data.rows].sort((a, b) => compare(a, b, state));
  const shown = state.all ? rows : rows.slice(0, FIRST_ROWS);
  const head = COLUMNS.map((column, i) => heading(column, state, data, () => redraw(i)));
  const table = element(
    "table",
    {},
    element("caption", { class: "unseen" }, "Slices of the benchmark at this threshold"),
    element("thead", {}, element("tr", {}, ...head)),
    element(
      "tbody",
      {},
      ...shown.map((row) => element("tr", {}, ...COLUMNS.map((column) => cell(column, row, data)))),
    ),
  );
  const more = button(
    state.all ? "Show fewer" : `Show all ${fixed(rows.length, 0)}`,
    () => {
      state.all = !state.all;
      redraw();
    },
    { class: "more" },
  );
  setShown(more, rows.length > FIRST_ROWS);
  root.replaceChildren(table, more);
}

export default redrawn("slice-table", draw, () => ({ column: "n", falling: true, all: false }));
