// Keys of the native slider, made even: one point, ten points, the ends.
function makeKeyboardSlider(slider, { step, jump }) {
  const steps = { ArrowRight: -1, ArrowUp: -1, ArrowLeft: 1, ArrowDown: 1, PageUp: -10, PageDown: 10 };
  slider.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) step(steps[event.key]);
    else if (event.key === "Home") jump(Number(slider.max));
    else if (event.key === "End") jump(0);
    else return;
    event.preventDefault();
  });
  // Screen readers on touch screens set the value without keys.
  slider.addEventListener("input", () => jump(Number(slider.max) - Number(slider.value)));
}

// Ctrl+Z or ⌘Z, except where it belongs to a text being typed.
function isUndo(event) {
  if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return false;
  if (event.shiftKey || event.altKey || event.defaultPrevented) return false;
  const at = event.composedPath()[0];
  const typed = "textarea, select, input:not([type=range], [type=radio], [type=checkbox])";
  return !at.matches?.(typed) && !at.isContentEditable;
}
