// Where to write a line's name beside the line itself, so that no legend is needed.
// Each name tries places along its line, above and below, and takes the calmest one.

const LABEL_HEIGHT = 14;
const COLUMN = 4; // pixels between the samples against which collisions are tested

// A drawn line as heights at regular columns, for quick "is there ink here?" questions.
function inkColumns(xs, ys, { left, right }) {
  const columns = [];
  for (let x = left; x <= right; x += COLUMN) columns.push(valueAt(xs, ys, x));
  return columns;
}

function inkIn(columns, box, left) {
  const from = Math.max(0, Math.floor((box.left - left) / COLUMN));
  const to = Math.min(columns.length - 1, Math.ceil((box.right - left) / COLUMN));
  for (let k = from; k < to; k += 1) {
    const [a, b] = [columns[k], columns[k + 1]];
    if (a === null || b === null) continue;
    if (Math.max(a, b) > box.top && Math.min(a, b) < box.bottom) return true;
  }
  return false;
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// wanted: [{columns, width, sides: ["above", "below"], from, to}], most important first.
// Returns for each {x, y, anchorX, anchorY, far}, or null where no place is calm enough.
function placeLabels(wanted, plot, taken, allColumns) {
  const boxes = [...taken];
  return wanted.map((label) => {
    let best = null;
    const { from = 0.06, to = 0.94 } = label;
    for (let step = 0; step <= 30; step += 1) {
      const middle = plot.left + (from + ((to - from) * step) / 30) * (plot.right - plot.left);
      const own = label.columns[Math.round((middle - plot.left) / COLUMN)];
      if (own === null || own === undefined) continue;
      for (const side of label.sides ?? ["above", "below"]) {
        for (const distance of [7, 15, 26, 40, 60]) {
          const y = side === "above" ? own - distance - LABEL_HEIGHT / 2 : own + distance + LABEL_HEIGHT / 2;
          const box = {
            left: middle - label.width / 2 - 3,
            right: middle + label.width / 2 + 3,
            top: y - LABEL_HEIGHT / 2,
            bottom: y + LABEL_HEIGHT / 2,
          };
          if (box.left < plot.left || box.right > plot.right) continue;
          if (box.top < plot.top || box.bottom > plot.bottom) continue;
          if (boxes.some((other) => overlap(box, other))) continue;
          // A name belongs to the line nearest to it, and to one that runs alone there.
          const at = Math.round((middle - plot.left) / COLUMN);
          let doubt = 0;
          for (const columns of allColumns) {
            const other = columns[at];
            if (columns === label.columns || other === null || other === undefined) continue;
            if (Math.abs(other - y) < Math.abs(own - y)) doubt += 22;
            else if (Math.abs(other - own) < 7) doubt += 7;
          }
          const crossed = allColumns.filter((columns) => inkIn(columns, box, plot.left)).length;
          const offMiddle = Math.abs(step / 30 - (label.prefer ?? 0.6));
          const cost = crossed * 30 + doubt + distance + offMiddle * 14;
          if (best === null || cost < best.cost) {
            best = { cost, box, x: middle, y, anchorX: middle, anchorY: own, far: distance > 20 };
          }
        }
      }
    }
    if (best === null || best.cost > 150) return null;
    boxes.push(best.box);
    return best;
  });
}

// Width of a text in the chart's font, without touching the page's layout.
const measuring = document.createElement("canvas").getContext("2d");

function textWidth(text, font) {
  measuring.font = font;
  return measuring.measureText(text).width;
}

function shortened(text, font, room) {
  if (textWidth(text, font) <= room) return text;
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`, font) > room) end -= 1;
  return `${text.slice(0, end)}…`;
}
