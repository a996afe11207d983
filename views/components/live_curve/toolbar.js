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
  let entries = [];
  let choice = null;
  let reading = null;
  let radios = new Map();

  const definition = () => list.find(({ id }) => id === mode);

  function drawModes() {
    radios = new Map();
    modes.replaceChildren(
      ...list.map(({ id, label, title }) => {
        const radio = element("input", { type: "radio", name: group, value: id });
        radio.addEventListener("change", () => {
          choose(id);
          on.draft(id);
          if (definition().isAtOnce) commit();
        });
        radios.set(id, radio);
        return element("label", { title }, radio, element("span", {}, label));
      }),
    );
  }

  const entryOn = {
    commit: () => commit(),
    forget() {
      entries.forEach((entry) => (entry.isDirty = false));
      refresh();
    },
    // Another promise has a number of its own, and begins with the usual one.
    picked(field, value) {
      const governed = entries.find((entry) => entry.field.name === field.governs);
      if (governed) {
        governed.form = governed.field.of(value);
        governed.isDirty = false;
        governed.show(governed.form.now(), { asWished: true, mode });
      }
      commit();
    },
  };

  function choose(id) {
    mode = id;
    host.dataset.mode = id;
    if (radios.has(id)) radios.get(id).checked = true;
    entries = definition().fields.map((field) => createEntry(field, entryOn));
    fields.replaceChildren(...entries.map(({ node }) => node));
    refresh();
  }

  // Fields show the standing wish, or in a mode just picked where the marker is now.
  function refresh() {
    if (!choice) return;
    const stands = mode !== "alpha" && choice.mode === mode;
    let governing = null;
    for (const entry of entries) {
      const { field } = entry;
      if (field.of) entry.form = field.of(governing);
      const asWished = stands || field.name === "queries_per_month";
      const offered = field.options ? field.usual : entry.form.now(reading, choice);
      const value = asWished ? choice[field.name] : offered;
      if (field.governs) governing = value;
      entry.show(value, { asWished, mode });
    }
  }

  function commit() {
    const read = entries.map((entry) => entry.read(mode));
    const wish = { mode };
    entries.forEach(({ field }, k) => (wish[field.name] = read[k].value));
    if (read.some(({ isBad }) => isBad)) {
      // The second number of a budget is still to come: do not scold before it can be there.
      if (read.some(({ isBad, isEmpty }) => isBad && !isEmpty)) setText(problem, NOT_A_NUMBER);
      return;
    }
    setText(problem, "");
    entries.forEach((entry) => (entry.isDirty = false));
    on.wish(wish);
  }

  function draw(newModel) {
    model = newModel;
    const words = JSON.stringify([model.format, model.alphaDigits, model.data.promises]);
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
