// The curves, the two models' levels and their names.

function drawLines(model, frame, styles, clipId) {
  const { plot, toX, toY } = frame;
  const layer = shape("g", { "clip-path": `url(#${clipId})` });
  const add = (line, attributes) => {
    if (!line) return;
    layer.append(shape("path", { ...attributes, d: linePath(line.xs, line.ys, toX, toY) }));
  };
  const addBand = (line, name) => {
    if (!line?.low) return;
    const d = bandPath(line.xs, line.low, line.high, toX, toY);
    layer.append(shape("path", { class: name, d }));
  };
  addBand(model.random, "band-random");
  addBand(model.chosen, "band");
  add(model.hull, { class: "hull" });
  add(model.oracle, { class: "oracle" });
  add(model.random, { class: "random" });
  for (const who of ["weak", "strong"]) {
    const level = model.yOf(model.data[who].quality);
    if (!isNumber(level)) continue;
    const y = toY(level).toFixed(1);
    layer.append(
      shape("line", { class: `level ${who}-stroke`, x1: plot.left, x2: plot.right, y1: y, y2: y }),
    );
  }
  model.others.forEach((line, k) =>
    add(line, { class: `other ${styles[k].colour}`, "stroke-dasharray": styles[k].dash }),
  );
  add(model.chosen, { class: "chosen" });
  return layer;
}

// "■ always GPT-4 / 80.6%": beside the plot where there is room, else inside on its line.
function drawLevels(model, frame, font) {
  const { plot, toY, phone, width } = frame;
  const layer = shape("g", { class: "levels" });
  const taken = [];
  const levels = ["strong", "weak"].map((who) => {
    const level = model.yOf(model.data[who].quality);
    return { who, level, y: isNumber(level) ? toY(level) : null };
  });
  if (levels.some(({ y }) => y === null)) return { layer, taken };
  if (!phone) {
    // Two lines of text each: push them apart where the models are close.
    const [a, b] = levels;
    const lacking = 34 - Math.abs(a.y - b.y);
    const [upper, lower] = a.y <= b.y ? [a, b] : [b, a];
    if (lacking > 0) {
      upper.y -= lacking / 2;
      lower.y += lacking / 2;
    }
  }
  const close = Math.abs(levels[0].y - levels[1].y) < 18;
  for (const { who, level, y } of levels) {
    const name = `${MARKS[who]} always ${model.data.names[who]}`;
    const value = model.inPgr ? fixed(level, 2) : `${fixed(level, model.format.digits)}${model.format.unit}`;
    if (phone) {
      const text = `${shortened(name, font, (plot.right - plot.left) * 0.62)} ${value}`;
      const right = who === "weak";
      const x = right ? plot.right : plot.left + 4;
      const size = textWidth(text, font);
      const lower = levels.find((each) => each.who !== who).y <= y;
      const base = close && lower && right ? y + 15 : y - 6;
      layer.append(
        shape(
          "text",
          { class: `name ${who}-fill`, x, y: base, "text-anchor": right ? "end" : "start" },
          text,
        ),
      );
      const left = right ? x - size : x;
      taken.push({ left, right: left + size, top: base - 14, bottom: base + 8 });
    } else {
      const x = plot.right + 8;
      layer.append(
        shape(
          "text",
          { class: `name ${who}-fill`, x, y: y - 1 },
          shape("title", {}, name),
          shape("tspan", {}, shortened(name, font, width - x)),
          shape("tspan", { x, dy: 15 }, value),
        ),
      );
      taken.push({ left: plot.right - 2, right: plot.right + 2, top: y - 4, bottom: y + 4 });
    }
  }
  return { layer, taken };
}

function drawNames(model, frame, styles, font, taken) {
  const { plot, toX, toY } = frame;
  const layer = shape("g", { class: "names" });
  const columnsOf = (line) => inkColumns(line.xs.map(toX), line.ys.map((y) => (isNumber(y) ? toY(y) : null)), plot);
  const entry = (line, name, more) => ({
    text: shortened(line.name, font, 130),
    columns: columnsOf(line),
    name,
    ...more,
  });
  const wanted = [
    entry(model.chosen, "name chosen-fill", { prefer: 0.62, sides: ["above", "below"] }),
    model.oracle && entry(model.oracle, "name quiet", { prefer: 0.12, from: 0, to: 0.5, steep: true }),
    ...model.others.map((line, k) => entry(line, `name ${styles[k].colour}-fill`, { prefer: 0.45 })),
    model.random && entry(model.random, "name quiet", { prefer: 0.75, sides: ["below", "above"] }),
    model.hull && entry(model.hull, "name quiet", { prefer: 0.42 }),
  ].filter(Boolean);
  for (const label of wanted) label.width = textWidth(label.text, font) + 4;
  const levels = ["weak", "strong"]
    .map((who) => model.yOf(model.data[who].quality))
    .filter(isNumber)
    .map((level) => wanted[0].columns.map(() => toY(level)));
  const ink = [...wanted.map((label) => label.columns), ...levels];
  placeLabels(wanted, plot, taken, ink).forEach((place, k) => {
    if (!place) return;
    const { text, name } = wanted[k];
    if (place.far && !wanted[k].steep) {
      const end = place.y + (place.anchorY > place.y ? 6 : -6);
      layer.append(
        shape("line", { class: "leader", x1: place.x, x2: place.x, y1: end, y2: place.anchorY }),
      );
    }
    layer.append(
      shape("text", { class: name, x: place.x, y: place.y, dy: "0.33em", "text-anchor": "middle" }, text),
    );
  });
  return layer;
}
