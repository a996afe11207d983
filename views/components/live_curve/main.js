// Puts the parts together: what Python sent, what the hand does, what is told to Python.
// Streamlit calls the exported function again on every change of data or theme.

const PHONE_WIDTH = 640;
const KEY_PAUSE_MS = 120; // a held arrow key is one choice, told when it rests

function mountView(parentElement) {
  let component = null; // the latest call's callbacks
  let model = null;
  let reading = null;
  let width = 0;
  let drawn = null;
  let draftMode = null; // picked in the toolbar, its number still being typed
  let fromHand = false; // α was moved here and Python has not answered yet
  let leftMode = null; // the named mode a hand-moved α has left
  let beforeDrag = null;
  let pending = null;
  let frameRequest = 0;
  let keyTimer = 0;

  const choices = choiceKeeper((choice) => {
    const wanted = choice.mode === "alpha" ? alphaForPython(choice.wanted) : choice.wanted;
    component.setTriggerValue("choice", { ...choice, wanted });
  });

  const parts = createParts(parentElement, {
    svg: () => downloadSvg(chart.svg, sentence.text(), model.data.router),
    png: () => downloadPng(chart.svg, sentence.text(), model.data.router),
  });
  const { root, probe, figure, controls, sentence, chart, hover, histogram, tiles, table } = parts;
  const toolbar = createToolbar(controls, {
    draft: (mode) => {
      draftMode = mode;
      settle();
    },
    wish: (wish) => {
      draftMode = null;
      leftMode = null;
      clearTimeout(keyTimer);
      keyTimer = 0;
      if (wish.mode === "alpha") {
        const alpha = wish.wanted === Infinity ? null : wish.wanted;
        wish = { ...wish, wanted: alpha, alpha };
        goTo(model.nearestByAlpha(alpha));
      }
      choices.commit(wish);
      settle();
    },
    pin: () => {
      commitKeys();
      component.setTriggerValue("pin", { alpha: model.data.pin ? null : alphaForPython(reading.alpha) });
    },
    undo: () => goBack(choices.undo),
    reset: () => goBack(choices.reset),
    copyLink: async () => toolbar.confirmCopy(await copyLink()),
  });
  const promise = createPromise(controls);

  // --- showing -----------------------------------------------------------------------------

  function show() {
    chart.follow(reading);
    histogram.follow(reading);
    sentence.follow(model, reading);
    tiles.follow(reading);
    toolbar.follow(reading);
  }

  // Pointers report faster than the screen is drawn: one update a frame, with the latest.
  function goTo(index) {
    pending = Math.min(model.size - 1, Math.max(0, index));
    if (frameRequest) return;
    frameRequest = requestAnimationFrame(() => {
      frameRequest = 0;
      flush();
    });
  }

  function flush() {
    if (pending === null) return;
    fromHand = true;
    reading = model.pointReading(pending);
    pending = null;
    show();
  }

  // Who left a promise by hand is told so until another wish is named.
  function sayPromise() {
    const promised = model.data.promised ?? null;
    if (promised || leftMode !== "promise") promise.say(promised);
  }

  // What changes only when the hand rests.
  function settle() {
    flush();
    const { choice = {}, pin } = model.data;
    const standing = choices.committed;
    toolbar.settle({
      choice: standing,
      reading,
      mode: draftMode ?? standing.mode,
      status: draftMode ? "" : (!fromHand && choice.status) || (leftMode ? "custom α" : ""),
      problem: fromHand || draftMode ? "" : (choice.problem ?? ""),
      keepProblem: draftMode !== null,
      pinned: Boolean(pin),
      canUndo: choices.canUndo,
      canReset: choices.canReset,
    });
    chart.svg.setAttribute("aria-label", sentence.text());
    sentence.speak();
  }

  function draw(force) {
    const phone = width < PHONE_WIDTH;
    const theme = isDark(probe) ? "dark" : "light";
    root.dataset.size = phone ? "phone" : width < 900 ? "middle" : "wide";
    root.dataset.theme = theme;
    const { seq, choice, exact, pin, promised, ...lasting } = model.data;
    // The picture itself is redrawn only when something in it changed, not on each answer.
    const key = JSON.stringify([lasting, width, theme]);
    const same = key === drawn && !force;
    drawn = key;
    toolbar.draw(model);
    tiles.draw(model);
    if (!same) {
      const room = figure.clientWidth;
      chart.draw(model, room, phone ? 320 : Math.round(Math.min(440, Math.max(320, room * 0.58))), phone);
      histogram.draw(model, room, chart.plot);
      hover.draw(model, chart);
      table.draw(model);
      sentence.reserve(model, reading);
    }
    const pinned = pin ? { ...pin, alpha: alphaFromPython(pin.alpha) } : null;
    for (const part of [chart, histogram, tiles]) part.pin(pinned);
    const certified = promised ? exactReading(model) : null;
    for (const part of [chart, histogram]) part.promise(certified);
    show();
  }

  // --- the hand ----------------------------------------------------------------------------

  function startHand() {
    beforeDrag ??= { reading, fromHand };
    hover.hide();
    promise.leave();
  }

  function endHand() {
    beforeDrag = null;
    draftMode = null;
    flush();
    const { mode } = choices.committed;
    if (mode !== "alpha") leftMode = mode;
    choices.commit({ mode: "alpha", wanted: reading.alpha ?? null, alpha: reading.alpha ?? null });
    settle();
  }

  function cancelHand() {
    pending = null;
    if (beforeDrag) ({ reading, fromHand } = beforeDrag);
    beforeDrag = null;
    sayPromise();
    show();
    settle();
  }

  const dragged = (locate) => ({
    locate,
    onMove: (index) => {
      startHand();
      if (index !== null) goTo(index);
    },
    onEnd: endHand,
    onCancel: cancelHand,
  });
  const drags = [
    makeDraggable(
      chart.svg,
      dragged((clientX, press) => {
        const x = chart.xAt(clientX, press?.clientY);
        return x === null ? null : model.nearestByX(x);
      }),
    ),
    makeDraggable(
      histogram.strip,
      dragged((clientX, press) => {
        if (press) histogram.slider.focus({ preventScroll: true });
        return model.nearestByAlpha(histogram.alphaAt(clientX));
      }),
    ),
  ];
  const dragging = () => drags.some(({ active }) => active);

  chart.svg.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" || dragging()) return;
    const x = chart.xAt(event.clientX, event.clientY);
    if (x === null) hover.hide();
    else hover.show(model, chart, x, event.clientX, event.clientY);
  });
  chart.svg.addEventListener("pointerleave", hover.hide);

  function keyTo(index) {
    promise.leave();
    goTo(index);
    clearTimeout(keyTimer);
    keyTimer = setTimeout(commitKeys, KEY_PAUSE_MS, true);
  }

  function commitKeys(due = keyTimer !== 0) {
    clearTimeout(keyTimer);
    keyTimer = 0;
    if (due) endHand();
  }

  makeKeyboardSlider(histogram.slider, {
    step: (by) => keyTo((pending ?? reading.index) + by),
    jump: keyTo,
  });

  function goBack(step) {
    commitKeys();
    const choice = step();
    if (!choice) return;
    draftMode = null;
    leftMode = null;
    goTo(model.nearestByAlpha(choice.alpha));
    settle();
  }

  function onKey(event) {
    if (event.key === "Escape" && dragging()) {
      drags.forEach((drag) => drag.stop());
      cancelHand();
      return;
    }
    if (!isUndo(event) || !choices.canUndo) return;
    event.preventDefault();
    goBack(choices.undo);
  }

  // --- life --------------------------------------------------------------------------------

  document.addEventListener("keydown", onKey);
  const schemes = matchMedia("(prefers-color-scheme: dark)");
  const onScheme = () => model && draw(false);
  schemes.addEventListener("change", onScheme);
  const observer = new ResizeObserver(() => {
    const now = root.clientWidth;
    if (!now || now === width || !model) return;
    width = now;
    draw(false);
  });
  observer.observe(root);

  return {
    token: null,
    receive(newComponent) {
      component = newComponent;
      const alphaInHand = reading?.alpha;
      model = curveModel(component.data);
      const accepted = choices.accept(component.data);
      const busy = dragging() || keyTimer !== 0;
      if (reading === null || (accepted && !busy)) {
        if (choices.committed.mode !== "alpha") leftMode = null;
        reading = exactReading(model);
        fromHand = false;
        pending = null;
        sayPromise();
      } else {
        // The curve may be another one now: stay at the α in hand.
        reading = model.pointReading(model.nearestByAlpha(alphaInHand));
        pending = null;
      }
      width = root.clientWidth;
      draw(false);
      settle();
    },
    destroy() {
      cancelAnimationFrame(frameRequest);
      clearTimeout(keyTimer);
      toolbar.stop();
      observer.disconnect();
      schemes.removeEventListener("change", onScheme);
      document.removeEventListener("keydown", onKey);
      root.remove();
    },
  };
}

const views = new WeakMap();

export default function liveCurve(component) {
  const { parentElement } = component;
  if (!views.has(parentElement)) views.set(parentElement, mountView(parentElement));
  const view = views.get(parentElement);
  // A clean-up of an overtaken call may come late: only the latest call's one counts.
  const token = (view.token = {});
  view.receive(component);
  return () => {
    if (view.token !== token) return;
    view.destroy();
    views.delete(parentElement);
  };
}
