// The loss of a fit against its steps. Lines live in a stretched drawing, words beside it, so that
// nothing has to be measured and the height stays the same from the first poll to the last.

const WIDTH = 1000;
const HEIGHT = 200;

function bounds(fits) {
  const values = fits.flatMap((fit) => [...fit.training, ...fit.held_out]).map(([, loss]) => loss);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((high - low) * 0.08, 0.005);
  return { low: Math.max(0, low - margin), high: high + margin };
}

function path(points, total, { low, high }) {
  return points
    .map(([done, loss], i) => {
      const x = (WIDTH * done) / Math.max(total, 1);
      const y = HEIGHT * (1 - (loss - low) / (high - low));
      return `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}

function line(points, fit, range, kind) {
  if (!points.length) return [];
  // One point is no line: a short dash makes it visible.
  const [done, loss] = points[0];
  const drawn = points.length > 1 ? points : [[done * 0.98, loss], [done, loss]];
  return [shape("path", { class: kind, d: path(drawn, fit.total, range) })];
}

function last(points) {
  return fixed(points.at(-1)?.[1], 4);
}

function legend(kind, name, points) {
  if (!points.length) return [];
  const swatch = shape("svg", { "aria-hidden": "true" }, shape("path", { class: kind, d: "M0 6H22" }));
  return [element("span", {}, swatch, name)];
}

function filled({ fits }) {
  const range = bounds(fits);
  const [latest, earlier] = [fits[fits.length - 1], fits.slice(0, -1)];
  const lines = [
    ...earlier.flatMap((fit) => line(fit.training, fit, range, "earlier")),
    ...line(latest.training, latest, range, "training"),
    ...line(latest.held_out, latest, range, "held-out"),
  ];
  const said = [
    ...legend("training", `training ${last(latest.training)}`, latest.training),
    ...legend("held-out", `held out ${last(latest.held_out)}`, latest.held_out),
  ];
  if (earlier.length) said.push(...legend("earlier", "earlier fits", earlier.at(-1).training));
  const picture = shape(
    "svg",
    {
      class: "plot",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `Loss of ${latest.stage} over ${fixed(latest.total, 0)} steps`,
    },
    ...lines,
  );
  return [
    element("p", { class: "said" }, element("b", {}, "Loss, nats"), ...said),
    element(
      "div",
      { class: "frame" },
      element("span", { class: "high", "aria-hidden": "true" }, fixed(range.high, 3)),
      element("span", { class: "low", "aria-hidden": "true" }, fixed(range.low, 3)),
      picture,
    ),
    element("p", { class: "under" }, element("span", {}, latest.stage), ` · ${fixed(latest.total, 0)} steps`),
  ];
}

function draw(root, state, data) {
  root.replaceChildren(
    ...(data.fits.length ? filled(data) : [element("p", { class: "empty" }, data.empty)]),
  );
}

export default redrawn("loss-curve", draw, () => ({}));
