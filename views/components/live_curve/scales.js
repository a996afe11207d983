// Arithmetic of axes and curves: pure functions over plain arrays.

function linearScale(fromLow, fromHigh, toLow, toHigh) {
  const ratio = fromHigh === fromLow ? 0 : (toHigh - toLow) / (fromHigh - fromLow);
  const scale = (value) => toLow + (value - fromLow) * ratio;
  scale.invert = (value) => (ratio === 0 ? fromLow : fromLow + (value - toLow) / ratio);
  return scale;
}

// Round numbers inside [low, high], and how many digits they need.
function niceTicks(low, high, count) {
  const width = high - low;
  if (!(width > 0)) return { values: [low], digits: 2 };
  const rough = width / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= rough * 0.999);
  const step = factor * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step)) + (factor === 2.5 ? 1 : 0));
  const values = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let k = first; k * step <= high + step * 1e-9; k += 1) values.push(k * step);
  return { values, digits };
}

// Index of the value nearest to `wanted`. A plain scan: the axis in money need not be
// monotone, and 1,200 comparisons cost microseconds.
function nearestIndex(values, wanted) {
  let best = 0;
  let distance = Infinity;
  for (let i = 0; i < values.length; i += 1) {
    const d = Math.abs(values[i] - wanted);
    if (d < distance) {
      distance = d;
      best = i;
    }
  }
  return best;
}

// y at x along a polyline, or null outside it and across holes.
function valueAt(xs, ys, x) {
  for (let i = 1; i < xs.length; i += 1) {
    const [left, right] = xs[i - 1] <= xs[i] ? [i - 1, i] : [i, i - 1];
    if (x < xs[left] || x > xs[right]) continue;
    if (!isNumber(ys[left]) || !isNumber(ys[right])) continue;
    const width = xs[right] - xs[left];
    return width === 0 ? ys[right] : ys[left] + ((x - xs[left]) / width) * (ys[right] - ys[left]);
  }
  return null;
}

function extent(...lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list ?? []) {
      if (!isNumber(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}
