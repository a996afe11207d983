// Queries as a real table. Texts come from people, so they enter as text only, each in a
// direction of its own.

function kindOf(column) {
  return [column.is_figure && "figure", column.is_wide && "wide"].filter(Boolean).join(" ") || null;
}

function name(row, root, send) {
  const open = () => {
    send("open", { id: row.id });
    toTop(root);
  };
  const text = { class: "text", dir: "auto" };
  return [
    row.id === null
      ? element("span", text, row.text)
      : button(row.text, open, { ...text, class: "text open", title: "Open this query" }),
    element("span", { class: "under" }, row.under),
  ];
}

function draw(root, _state, { caption, columns, rows }, send) {
  const [first, ...others] = columns.map(kindOf);
  const line = (row) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", class: first }, ...name(row, root, send)),
      ...row.cells.map((text, i) => element("td", { class: others[i] }, text)),
    );
  const heads = columns.map((c) => element("th", { scope: "col", class: kindOf(c) }, c.title));
  root.replaceChildren(
    element(
      "table",
      {},
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...rows.map(line)),
    ),
  );
}

export default redrawn("query-links", draw, () => ({}));
