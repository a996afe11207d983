// One row's picture of APGR = 1/2 + recognising + ranking: two bars, the second below the first and
// open, from one half to the figure; behind them, as a line and its band, what the slice alone has.

function parts(row, axis) {
  return shape(
    "svg",
    { class: row.line ?? "quiet", "aria-hidden": "true" },
    ...band(axis.prior_low, axis.prior_high, axis),
    upright(0.5, axis, { class: "half" }),
    upright(axis.prior, axis, { class: "prior" }),
    ...bar(0.5, row.until_slice, axis, { class: "full", y: "22%", height: "24%" }),
    ...bar(row.until_slice, row.apgr, axis, { class: "open", y: "54%", height: "24%" }),
    ...dot(row.apgr, axis),
  );
}
