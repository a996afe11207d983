// Mode, its number, what came of it, and the buttons. Tells wishes through `on`; keeps no
// figures of its own beyond what is being typed.

const NOT_A_NUMBER = "Type a number, for example 0.5 or 30.";

function createToolbar(host, on) {
  const group = freshId("mode");
  const modes = element("div", { class: "modes", role: "radiogroup", "aria-label": "Set the threshold by" });
  const fields = element("div", { class: "fields" });
  const status = element("p", { class: "status", role: "status" });
  const problem = element("p", { class: "problem", role: "alert" });
  const pinButton = button("Pin A", () => on.pin());
  const undoButton = button("Undo", () => on.undo(), { title: "Undo (Ctrl+Z)" });
  const resetButton = button("Reset", () => on.reset(), { title: "Back to the first setting" });
  const linkButton = button("Copy link", () => on.copyLink());
  const copied = element("span", { class: "unseen", "aria-live": "polite" });
  host.append(
    modes,
    element("div", { class: "actions" }, pinButton, undoButton, resetButton, linkButton, copied),
    element("div", { class: "wish" }, fields, element("div", { class: "answer" }, status, problem)),
  );

  let model = null;
  let list = [];
  let mode = null; // the mode on screen; differs from the standing choice while being filled in
  let inputs = [];
  let choice = null;
  let reading = null;
  let radios = new Map();

  function drawModes() {
    radios = new Map();
    modes.replaceChildren(
      ...list.map(({ id, label, title }) => {
        const radio = element("input", { type: "radio", name: group, value: id });
        radio.addEventListener("change", () => {
          choose(id);
          on.draft(id);
        });
        radios.set(id, radio);
        return element("label", { title }, radio, element("span", {}, label));
      }),
    );
  }

  function choose(id) {
    mode = id;
    if (radios.has(id)) radios.get(id).checked = true;
    inputs = list.find((each) => each.id === id).fields.map((field) => {
      const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
      const entry = { field, input, dirty: false };
      input.addEventListener("input", () => (entry.dirty = true));
      // Enter is followed by `change`, after which nothing new is in the field.
      input.addEventListener("change", () => entry.dirty && commit());
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") commit();
        if (event.key === "Escape") {
          inputs.forEach((each) => (each.dirty = false));
          refresh();
        }
      });
      return entry;
    });
    fields.replaceChildren(
      ...inputs.map(({ field, input }) =>
        element("label", { class: `field ${field.name}` }, element("span", {}, field.label), input),
      ),
    );
    refresh();
  }

  // Fields show the standing wish, or in a mode just picked where the marker is now.
  function refresh() {
    if (!reading) return;
    for (const { field, input, dirty } of inputs) {
      if (dirty) continue;
      const stands = mode !== "alpha" && choice.mode === mode;
      const wished = stands || field.name === "queries_per_month";
      const value = wished ? choice[field.name] : field.now(reading, choice);
      const never = mode === "alpha" && !isNumber(value);
      const text = never ? alphaText(value) : fieldText(field, value, wished);
      if (input.value !== text) input.value = text;
    }
  }

  function commit() {
    const texts = inputs.map(({ input }) => input.value.trim());
    const numbers = texts.map(parseNumber);
    const bad = numbers.map((number) => Number.isNaN(number) || (number === Infinity && mode !== "alpha"));
    inputs.forEach(({ input }, k) =>
      bad[k] ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid"),
    );
    const wish = { mode };
    inputs.forEach(({ field }, k) => (wish[field.name] = numbers[k] / field.factor));
    if (bad.some(Boolean)) {
      // The second number of a budget is still to come: do not scold before it can be there.
      if (texts.some((text, k) => bad[k] && text !== "")) setText(problem, NOT_A_NUMBER);
      return;
    }
    setText(problem, "");
    inputs.forEach((entry) => (entry.dirty = false));
    on.wish(wish);
  }

  function draw(newModel) {
    model = newModel;
    const words = JSON.stringify([model.format, model.alphaDigits]);
    if (words === host.dataset.words) return;
    host.dataset.words = words;
    list = modeList(model);
    if (!radios.size) drawModes();
    if (mode) choose(mode);
  }

  // Sixty times a second: only the number of mode α follows the hand.
  function follow(newReading) {
    reading = newReading;
    refresh();
  }

  function settle(state) {
    choice = state.choice;
    reading = state.reading;
    if (mode !== state.mode) choose(state.mode);
    setText(status, state.status);
    if (!state.keepProblem) setText(problem, state.problem);
    pinButton.setAttribute("aria-pressed", String(state.pinned));
    setText(pinButton, state.pinned ? "Unpin A" : "Pin A");
    undoButton.disabled = !state.canUndo;
    resetButton.disabled = !state.canReset;
    refresh();
  }

  let timer = 0;

  function confirmCopy(done) {
    setText(linkButton, done ? "Copied ✓" : "Copy failed");
    setText(copied, done ? "Link copied." : "The link could not be copied.");
    clearTimeout(timer);
    timer = setTimeout(() => {
      setText(linkButton, "Copy link");
      setText(copied, "");
    }, 1800);
  }

  return { draw, follow, settle, confirmCopy, stop: () => clearTimeout(timer), get mode() { return mode; } };
}
