// The sentence that reads the chart aloud. The visible one follows the hand; a hidden one,
// for screen readers, changes only when the hand lets go.

function createSentence(host) {
  const visible = element("p", { class: "sentence" });
  const spoken = element("p", { class: "unseen", "aria-live": "polite" });
  host.append(visible, spoken);
  let template = null;
  let slots = [];

  // A name or figure stays on one line unless it is too long for any line.
  function lay(text) {
    if (text === template) return;
    template = text;
    slots = [];
    const nodes = templateParts(text).map((part) => {
      if (typeof part === "string") return part;
      const isName = part.name === "strong" || part.name === "weak";
      const node = element(isName ? "span" : "b", { class: isName ? "who" : null });
      slots.push({ name: part.name, node });
      return node;
    });
    visible.replaceChildren(...nodes);
  }

  function values(model, reading) {
    const { data } = model;
    const saved = savingAgainst(model, reading, { ...data.baseline, id: "baseline" });
    const ofStrong = data.strong.quality ? reading.quality / data.strong.quality : null;
    return {
      saved,
      texts: {
        alpha: alphaText(reading.alpha, model.alphaDigits),
        share: percentInProse(reading.share),
        quality: isNumber(reading.quality)
          ? readableQuality(model, reading.quality) + model.format.unit
          : DASH,
        of_strong: isNumber(reading.quality) ? percent(ofStrong) : DASH,
        pgr: fixed(reading.pgr, 2),
        cost: money(reading.cost, model.moneyDigits),
        saving: percentInProse(saved === null ? null : Math.abs(saved)),
        strong: data.names.strong,
        weak: data.names.weak,
        n: fixed(data.n, 0),
      },
    };
  }

  // Without a baseline that costs something there is nothing to say about money.
  function wording(data, saved) {
    if (saved === null) return data.sentence_free ?? data.sentence;
    return saved < 0 ? (data.sentence_more ?? data.sentence) : data.sentence;
  }

  function follow(model, reading) {
    const { saved, texts } = values(model, reading);
    lay(wording(model.data, saved));
    for (const { name, node } of slots) {
      const text = texts[name] ?? DASH;
      setText(node, text);
      if (node.className === "who") node.classList.toggle("long", text.length > 22);
    }
  }

  // Room for the widest figures, so that nothing below moves while dragging.
  function reserve(model, reading) {
    follow(model, reading);
    visible.style.minHeight = "";
    const shown = slots.map(({ node }) => node.textContent);
    slots.forEach(({ name, node }) => {
      const widest = { share: "99.9%", of_strong: "100.0%", saving: "99.9%" }[name];
      if (widest) setText(node, widest);
    });
    const height = visible.offsetHeight;
    slots.forEach(({ node }, k) => setText(node, shown[k]));
    visible.style.minHeight = `${Math.max(height, visible.offsetHeight)}px`;
  }

  let first = true;

  return {
    follow,
    reserve,
    text: () => visible.textContent,
    // At first sight the page is read anyway: only changes are announced.
    speak() {
      if (!first) setText(spoken, visible.textContent);
      first = false;
    },
  };
}
