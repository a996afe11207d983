// What the data says, in the units of the axes on screen. A "reading" is the set of figures
// at one setting: {alpha, share, quality, pgr, cost} and their intervals; `low` and `high` are
// those of the quality.

const INTERVALS = ["", "share_", "pgr_", "cost_", "saving_"].flatMap((of) => [`${of}low`, `${of}high`]);

function curveModel(data) {
  const { points, weak, strong, axes } = data;
  const format = { scale: 100, digits: 1, unit: "%", title: "quality", ...data.quality_format };
  const range = data.alpha_range ?? [0, 1];
  const gap = strong.quality - weak.quality;
  const pgrOf = (quality) =>
    isNumber(quality) && Math.abs(gap) > 1e-12 ? (quality - weak.quality) / gap : null;
  const inMoney = axes.x === "cost";
  const inPgr = axes.y === "pgr";

  const xOf = (share, cost) => (inMoney ? cost : isNumber(share) ? share * 100 : null);
  const yOf = (quality) =>
    inPgr ? pgrOf(quality) : isNumber(quality) ? quality * format.scale : null;
  const curve = (line) => ({
    name: line.name,
    apgr: line.apgr,
    xs: (inMoney ? line.cost : line.share).map((value) => (inMoney ? value : value * 100)),
    ys: line.quality.map(yOf),
    low: line.low?.map(yOf),
    high: line.high?.map(yOf),
  });

  const chosen = curve({ ...points, name: data.router });
  // α = +∞ has no place on the axis: it stands at its right end.
  const alphas = points.threshold.map((alpha) => (isNumber(alpha) ? alpha : range[1]));

  return {
    data,
    format,
    range,
    gap,
    inMoney,
    inPgr,
    xOf,
    yOf,
    pgrOf,
    chosen,
    alphas,
    size: points.share.length,
    others: (data.lines ?? []).map(curve),
    random: data.random ? curve({ ...data.random, name: "random" }) : null,
    oracle: data.oracle ? curve({ ...data.oracle, name: "oracle" }) : null,
    hull: data.hull ? curve({ ...data.hull, name: "hull" }) : null,
    alphaDigits: alphaDigits(range),
    moneyDigits: moneyDigits(Math.max(weak.cost ?? 0, strong.cost ?? 0)),
    nearestByX: (x) => nearestIndex(chosen.xs, x),
    nearestByAlpha: (alpha) => (isNumber(alpha) ? nearestIndex(alphas, alpha) : 0),
    pointReading: (index) => ({
      index,
      alpha: points.threshold[index],
      share: points.share[index],
      quality: points.quality[index],
      pgr: pgrOf(points.quality[index]),
      cost: points.cost[index],
      ...Object.fromEntries(INTERVALS.map((name) => [name, points[name]?.[index]])),
    }),
  };
}

// Python's exact figures at the accepted choice; a shipped point where it sent none.
function exactReading(model) {
  const { choice, exact } = model.data;
  const alpha = alphaFromPython(choice?.alpha);
  const index = model.nearestByAlpha(alpha);
  if (!exact) return model.pointReading(index);
  return { pgr: model.pgrOf(exact.quality), ...exact, alpha, index };
}

// Where mixing the two models at random costs the same quality; null where it never gets there.
function randomCostAt(random, quality) {
  if (!random || !isNumber(quality)) return null;
  for (let i = 1; i < random.quality.length; i += 1) {
    const [a, b] = [random.quality[i - 1], random.quality[i]];
    if (quality < Math.min(a, b) || quality > Math.max(a, b)) continue;
    const part = a === b ? 0 : (quality - a) / (b - a);
    return random.cost[i - 1] + part * (random.cost[i] - random.cost[i - 1]);
  }
  return null;
}

function savingAgainst(model, reading, baseline) {
  const cost = baseline.id === "random" ? randomCostAt(model.data.random, reading.quality) : baseline.cost;
  if (!isNumber(cost) || !isNumber(reading.cost) || cost <= 0) return null;
  return 1 - reading.cost / cost;
}

// From the weaker of everything drawn to a little above the best. The oracle may leave at
// the top, and PGR may pass 1: nothing is clipped at a tidy number.
function verticalRange(model) {
  const { data, chosen, others, random, yOf } = model;
  const ends = [yOf(data.weak.quality), yOf(data.strong.quality)];
  const lists = [ends, chosen.ys, chosen.low, chosen.high, random?.ys];
  let [low, high] = extent(...lists, ...others.map((line) => line.ys));
  if (!(high >= low)) [low, high] = [0, 1];
  if (high === low) [low, high] = [low - 1, high + 1];
  const width = high - low;
  return [low - width * 0.07, high + width * 0.16];
}

function readableQuality(model, quality) {
  return isNumber(quality) ? fixed(quality * model.format.scale, model.format.digits) : DASH;
}

function spokenReading(model, reading) {
  return (
    `α ${alphaText(reading.alpha, model.alphaDigits)}, ` +
    `${percentInProse(reading.share)} strong, ` +
    `quality ${readableQuality(model, reading.quality)}${model.format.unit}`
  );
}
