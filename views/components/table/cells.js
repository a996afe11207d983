// What stands in a cell, by the form of its column. Texts come from people and their files, so they
// enter as text only, and queries in a direction of their own.

const PICTURES = { range, parts, ends };
const NUMBERS = {
  count: { digits: 0 },
  figure: { digits: 3 },
  signed: { digits: 3, write: signed },
  percent: { digits: 1, scale: 100, unit: "%" },
  money: { write: (value, _digits, { dearest }) => money(value, moneyDigits(dearest)) },
};

// What is nearly 0 needs more digits to show any, at most six.
function digitsOf(value, { digits, figures }) {
  if (!figures) return digits;
  const needed = value ? figures - 1 - Math.floor(Math.log10(Math.abs(value))) : 0;
  return Math.min(6, Math.max(digits, needed));
}

function written(value, column, unit) {
  const form = { scale: 1, write: fixed, ...NUMBERS[column.form], ...column };
  if (!(column.form in NUMBERS)) return value ?? DASH;
  if (!isNumber(value)) return DASH;
  return form.write(form.scale * value, digitsOf(value, form), form) + (unit ?? form.unit ?? "");
}

// A second line: a text, or the ends of an interval.
function second(column, row) {
  const [low, high] = [row[`${column.id}_low`], row[`${column.id}_high`]];
  const ends = low === undefined ? "" : [low, high].map((end) => written(end, column, "")).join(" – ");
  const text = row[`${column.id}_second`] ?? ends;
  return text ? [element("span", { class: "second" }, text)] : [];
}

function name(column, row) {
  const line = { class: `swatch ${row.line}`, "aria-hidden": "true" };
  const swatch = row.router === undefined ? [] : [element("i", line)];
  const warned = { role: "img", title: row.warning, "aria-label": row.warning };
  const warning = row.warning ? [" ", element("span", { class: "warning", ...warned }, "⚠")] : [];
  const under = element("span", { class: "narrow" }, row.under ?? "");
  const text = row[column.id] ?? DASH;
  return element("th", { class: "name", scope: "row" }, ...swatch, text, ...warning, under);
}

function link(column, row, { root, send }) {
  const open = () => {
    send("open", { id: row.id });
    toTop(root);
  };
  const opens = { class: "open", dir: "auto", title: "Open this query", "data-at": `open ${row.id}` };
  const text = row[column.id];
  return element(
    "th",
    { class: "link", scope: "row" },
    row.id === null ? element("span", { dir: "auto" }, text) : button(text, open, opens),
    element("span", { class: "under" }, row.under),
  );
}

function model(column, row) {
  const called = row[column.id];
  const sign = element("span", { class: called, "aria-hidden": "true" }, `${MARKS[called]} `);
  return element("td", { class: "model" }, sign, called, ...second(column, row));
}

function mark(column, row, { state, send }) {
  const box = element("input", {
    type: "checkbox",
    "data-at": `mark ${row.id}`,
    "aria-label": `Mark ${row.text}`,
    checked: state.marked.has(row.id) && "",
  });
  box.addEventListener("change", () => {
    state.marked[box.checked ? "add" : "delete"](row.id);
    send("mark", { ids: [...state.marked] });
  });
  return element("td", { class: "mark" }, box);
}

const CELLS = { name, link, model, mark };

function classes({ form, wide }) {
  const kind = form === "written" || (form in NUMBERS && form !== "count") ? "figure" : form;
  return `${form in PICTURES ? "picture " : ""}${kind}${wide ? " wide" : ""}`;
}

function cell(column, row, table) {
  if (column.form in CELLS) return CELLS[column.form](column, row, table);
  const held =
    column.form in PICTURES
      ? [PICTURES[column.form](row, table.data.axis, column)]
      : [written(row[column.id], column), ...second(column, row)];
  return element("td", { class: classes(column) }, ...held);
}
