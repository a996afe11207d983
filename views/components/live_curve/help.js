// One line about a term, on hover, on focus and on tap; one box serves them all.

function createHelp(root) {
  const box = element("div", { class: "help", role: "tooltip", id: freshId("help") });
  box.hidden = true;
  root.append(box);

  function show(term, text) {
    setText(box, text);
    box.hidden = false;
    const outer = root.getBoundingClientRect();
    const inner = term.getBoundingClientRect();
    const left = Math.min(inner.left - outer.left, outer.width - box.offsetWidth);
    box.style.transform = `translate(${Math.max(0, left)}px, ${inner.bottom - outer.top + 6}px)`;
  }
  const hide = () => (box.hidden = true);

  // The word itself, as a button when there is something to say about it.
  return function term(label, text) {
    if (!text) return element("span", { class: "label" }, label);
    const node = button(label, () => show(node, text), { class: "label term", "aria-describedby": box.id });
    node.addEventListener("pointerenter", () => show(node, text));
    node.addEventListener("pointerleave", hide);
    node.addEventListener("focus", () => show(node, text));
    node.addEventListener("blur", hide);
    node.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    return node;
  };
}
