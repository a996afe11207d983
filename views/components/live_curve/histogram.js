// How the router scored the queries, and the slider: what lies left of α goes to the weak
// model, what lies right of it to the strong one. The bars exist twice, in both colours, and
// two clip rectangles decide how much of each is seen; moving them is all a drag costs.

const STRIP_HEIGHT = 124;
const BARS_TOP = 24;
const BARS_BOTTOM = 92;

function createHistogram(host) {
  const [weakClipId, strongClipId] = [freshId("weak"), freshId("strong")];
  const weakClip = shape("rect", { y: 0, height: STRIP_HEIGHT });
  const strongClip = shape("rect", { y: 0, height: STRIP_HEIGHT });
  const weakBars = shape("path", { class: "bars weak-fill", "clip-path": `url(#${weakClipId})` });
  const strongBars = shape("path", {
    class: "bars strong-fill",
    "clip-path": `url(#${strongClipId})`,
  });
  const axis = shape("g");
  const weakText = shape("text", { class: "name weak-fill", y: 13 });
  const strongText = shape("text", { class: "name strong-fill", y: 13, "text-anchor": "end" });
  const pinName = shape("text", { x: 9, y: 33, "text-anchor": "middle" }, "A");
  const pinMark = shape(
    "g",
    { class: "pin-tick" },
    shape("path", { d: "M0 26V92M-5 19L5 19L0 26Z" }),
    pinName,
  );
  const promiseMark = shape("path", { class: "promise-mark", d: diamond(17) });
  const handle = shape(
    "g",
    { class: "handle" },
    shape("line", { y1: BARS_TOP - 4, y2: BARS_BOTTOM }),
    shape("circle", { class: "halo", cy: BARS_BOTTOM, r: 15 }),
    shape("circle", { class: "knob", cy: BARS_BOTTOM, r: 9.5 }),
  );
  const svg = shape(
    "svg",
    { class: "histogram", height: STRIP_HEIGHT, "aria-hidden": "true" },
    shape(
      "defs",
      {},
      shape("clipPath", { id: weakClipId }, weakClip),
      shape("clipPath", { id: strongClipId }, strongClip),
    ),
    weakBars,
    strongBars,
    axis,
    weakText,
    strongText,
    pinMark,
    promiseMark,
    handle,
  );
  // The native slider lies invisibly over the strip: it brings the keyboard and the reader.
  const slider = element("input", {
    type: "range",
    class: "slider",
    min: 0,
    step: 1,
    "aria-label": "Threshold α",
  });
  const strip = element("div", { class: "strip" }, slider, svg);
  host.append(strip);

  let model = null;
  let toX = null;
  let plot = null;
  let font = "";
  let names = { weak: "", strong: "" };

  function draw(newModel, width, newPlot) {
    model = newModel;
    plot = newPlot;
    toX = linearScale(model.range[0], model.range[1], plot.left, plot.right);
    svg.setAttribute("width", width);
    svg.setAttribute("viewBox", `0 0 ${width} ${STRIP_HEIGHT}`);
    slider.max = model.size - 1;
    font = `12px ${getComputedStyle(host).fontFamily}`;

    const { edges, count } = model.data.histogram;
    const most = Math.max(1, ...count);
    let bars = "";
    count.forEach((n, k) => {
      if (!n) return;
      const left = Math.max(plot.left, toX(edges[k]) + 0.5);
      const right = Math.min(plot.right, Math.max(toX(edges[k + 1]) - 0.5, left + 0.8));
      if (!(right > left)) return;
      const top = BARS_BOTTOM - Math.max(1, (n / most) * (BARS_BOTTOM - BARS_TOP));
      bars += `M${left.toFixed(1)} ${BARS_BOTTOM}V${top.toFixed(1)}H${right.toFixed(1)}V${BARS_BOTTOM}Z`;
    });
    weakBars.setAttribute("d", bars);
    strongBars.setAttribute("d", bars);
    weakClip.setAttribute("x", 0);
    weakText.setAttribute("x", plot.left);
    strongText.setAttribute("x", plot.right);
    const room = (plot.right - plot.left) / 2 - 60;
    names = {
      weak: `${MARKS.weak} ${shortened(model.data.names.weak, font, room)}`,
      strong: `${MARKS.strong} ${shortened(model.data.names.strong, font, room)}`,
    };

    const ticks = niceTicks(model.range[0], model.range[1], width < 500 ? 4 : 5);
    axis.replaceChildren(
      shape("line", { class: "base", x1: plot.left, x2: plot.right, y1: BARS_BOTTOM, y2: BARS_BOTTOM }),
      ...ticks.values.map((value) =>
        shape(
          "text",
          { class: "tick", x: toX(value).toFixed(1), y: BARS_BOTTOM + 27, "text-anchor": "middle" },
          fixed(value, ticks.digits),
        ),
      ),
    );
  }

  const placeOf = (alpha) =>
    Math.min(plot.right, Math.max(plot.left, toX(isNumber(alpha) ? alpha : model.range[1])));

  function follow(reading) {
    const x = placeOf(reading.alpha);
    move(handle, x, 0);
    weakClip.setAttribute("width", x.toFixed(1));
    strongClip.setAttribute("x", x.toFixed(1));
    strongClip.setAttribute("width", Math.max(0, plot.right - x).toFixed(1));
    const share = reading.share;
    setText(weakText, `${names.weak} ${percent(isNumber(share) ? 1 - share : null)}`);
    setText(strongText, `${names.strong} ${percent(share)}`);
    // Rightwards is a greater α, so the slider counts the points from the other end.
    slider.value = model.size - 1 - reading.index;
    slider.setAttribute("aria-valuetext", spokenReading(model, reading));
  }

  function pin(reading) {
    pinMark.style.display = reading ? "" : "none";
    if (!reading) return;
    const x = placeOf(reading.alpha);
    move(pinMark, x, 0);
    pinName.setAttribute("x", x > plot.right - 16 ? -9 : 9);
  }

  function promise(reading) {
    promiseMark.style.display = reading ? "" : "none";
    if (reading) move(promiseMark, placeOf(reading.alpha), BARS_BOTTOM);
  }

  const alphaAt = (clientX) => toX.invert(clientX - svg.getBoundingClientRect().left);

  return { strip, slider, draw, follow, pin, promise, alphaAt };
}
