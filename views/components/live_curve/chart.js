// The call-performance chart. `draw` lays everything out once; `follow` moves the marker and
// its guides only, by transforms, and is cheap enough for every frame.

function createChart(host) {
  const clipId = freshId("plot");
  const clip = shape("rect");
  const still = shape("g");
  const pinMark = shape(
    "g",
    { class: "pin" },
    shape("circle", { r: 7 }),
    shape("text", { y: -12, "text-anchor": "middle" }, "A"),
  );
  const promiseMark = shape("path", { class: "promise-mark", d: diamond(15) });
  const across = shape("line", { class: "guide across" });
  const upright = shape("line", { class: "guide" });
  const marker = shape("circle", { class: "marker", r: 7.5 });
  const xFlag = flag();
  const yFlag = flag();
  const moving = shape("g", {}, across, upright, promiseMark, pinMark, xFlag.node, yFlag.node, marker);
  const empty = shape("text", { class: "title", "text-anchor": "middle" });
  const svg = shape(
    "svg",
    { class: "chart", role: "img" },
    shape("defs", {}, shape("clipPath", { id: clipId }, clip)),
    still,
    empty,
    moving,
  );
  host.append(svg);

  let model = null;
  let frame = null;
  let marks = { x: [], y: [] };

  // A small filled reading at the end of a guide line.
  function flag() {
    const box = shape("rect", { rx: 3, height: 18, y: -9 });
    const text = shape("text", { "text-anchor": "middle", dy: "0.35em" });
    return { node: shape("g", { class: "flag" }, box, text), box, text };
  }

  // Digits are of equal width, so a flag's width follows from the count of its characters.
  function write(target, text, x, y, anchor) {
    const width = text.length * 6.9 + 10;
    setText(target.text, text);
    target.box.setAttribute("width", width.toFixed(1));
    target.box.setAttribute("x", (-width / 2).toFixed(1));
    move(target.node, anchor === "end" ? x - width / 2 : x, y);
  }

  function stepAside(marks, at, room) {
    for (const mark of marks) {
      const hidden = Math.abs(mark.at - at) < room;
      if (mark.hidden === hidden) continue;
      mark.hidden = hidden;
      mark.node.style.opacity = hidden ? "0" : "";
    }
  }

  function spot(reading) {
    const x = model.xOf(reading.share, reading.cost);
    const y = model.inPgr ? reading.pgr : model.yOf(reading.quality);
    return isNumber(x) && isNumber(y) ? [frame.toX(x), frame.toY(y)] : null;
  }

  function follow(reading) {
    const place = spot(reading);
    for (const node of [across, upright, marker, xFlag.node, yFlag.node]) {
      node.style.display = place ? "" : "none";
    }
    if (!place) return;
    const [x, y] = place;
    const { plot } = frame;
    move(marker, x, y);
    move(upright, x, 0);
    move(across, 0, y);
    across.setAttribute("x2", x.toFixed(1));
    const xText = model.inMoney ? money(reading.cost, model.moneyDigits) : percent(reading.share);
    write(xFlag, xText, Math.max(x, plot.left), plot.bottom + 14);
    const yText = model.inPgr ? fixed(reading.pgr, 2) : readableQuality(model, reading.quality);
    write(yFlag, yText, plot.left - 2, y, "end");
    stepAside(marks.x, x, 44);
    stepAside(marks.y, y, 15);
  }

  function draw(newModel, width, height, phone) {
    model = newModel;
    frame = chartFrame(model, width, height, phone);
    const { plot } = frame;
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    clip.setAttribute("x", plot.left);
    clip.setAttribute("y", plot.top);
    clip.setAttribute("width", Math.max(0, plot.right - plot.left));
    clip.setAttribute("height", Math.max(0, plot.bottom - plot.top));
    upright.setAttribute("y1", plot.top);
    upright.setAttribute("y2", plot.bottom);
    across.setAttribute("x1", plot.left);
    const font = `12px ${getComputedStyle(host).fontFamily}`;
    const styles = lineStyles(model.others.map((line) => line.name));
    const axes = drawAxes(model, frame);
    marks = axes.marks;
    const levels = drawLevels(model, frame, font);
    still.replaceChildren(
      axes.layer,
      drawLines(model, frame, styles, clipId),
      levels.layer,
      drawNames(model, frame, styles, font, levels.taken),
    );
    const nothing = model.inPgr && !isNumber(model.pgrOf(model.data.weak.quality));
    setText(empty, nothing ? "Both models score the same: there is no gap to recover." : "");
    empty.setAttribute("x", (plot.left + plot.right) / 2);
    empty.setAttribute("y", (plot.top + plot.bottom) / 2);
  }

  function pin(reading) {
    const place = reading && spot(reading);
    pinMark.style.display = place ? "" : "none";
    if (place) move(pinMark, place[0], place[1]);
  }

  // Round the marker while it is there; where α was promised while the hand has left.
  function promise(reading) {
    const place = reading && spot(reading);
    promiseMark.style.display = place ? "" : "none";
    if (place) move(promiseMark, place[0], place[1]);
  }

  // The value on the x axis under the pointer, or null beside the plot.
  function xAt(clientX, clientY) {
    const box = svg.getBoundingClientRect();
    const x = clientX - box.left;
    const { plot } = frame;
    if (clientY !== undefined) {
      const y = clientY - box.top;
      if (x < plot.left - 8 || x > plot.right + 8 || y < plot.top - 8 || y > plot.bottom + 26) {
        return null;
      }
    }
    return frame.toX.invert(Math.min(plot.right, Math.max(plot.left, x)));
  }

  return { svg, draw, follow, pin, promise, xAt, get plot() { return frame.plot; } };
}
