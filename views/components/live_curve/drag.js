// One way to drag, for the chart and for the strip of scores.

// locate(clientX, event) → point index, or null where a press means nothing.
function makeDraggable(target, { locate, onMove, onEnd, onCancel }) {
  let pointer = null;
  let moved = false;

  function finish(event, callback) {
    if (event.pointerId !== pointer) return;
    pointer = null;
    target.classList.remove("dragging");
    callback();
  }

  target.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0 || locate(event.clientX, event) === null) return;
    pointer = event.pointerId;
    moved = false;
    target.setPointerCapture(pointer);
    target.classList.add("dragging");
    if (event.pointerType === "touch") return; // it may yet become a scroll of the page
    event.preventDefault(); // no text selection
    moved = true;
    onMove(locate(event.clientX), event);
  });
  target.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    moved = true;
    onMove(locate(event.clientX), event);
  });
  target.addEventListener("pointerup", (event) =>
    finish(event, () => {
      if (!moved) onMove(locate(event.clientX), event);
      onEnd();
    }),
  );
  target.addEventListener("pointercancel", (event) => finish(event, onCancel));

  return {
    get active() {
      return pointer !== null;
    },
    stop() {
      if (pointer === null) return;
      if (target.hasPointerCapture(pointer)) target.releasePointerCapture(pointer);
      pointer = null;
      target.classList.remove("dragging");
    },
  };
}
