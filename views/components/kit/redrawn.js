// A component that is simply drawn anew each time its data change: `redrawn(name, draw, start)`
// gives what main.js-like files export. `draw(root, state, data, send)` fills the root; `start(data)`
// is the state that a person's clicks change and that outlives the drawing; `send(event, value)`
// tells Python.

const mounted = new WeakMap();

function redrawn(name, draw, start) {
  return function ({ data, parentElement, setTriggerValue }) {
    let view = mounted.get(parentElement);
    if (!view) {
      const root = element("div", { class: `${name} palette` });
      const probe = element("i", { class: "probe" });
      parentElement.append(probe, root);
      view = { root, probe, state: start(data) };
      mounted.set(parentElement, view);
    }
    // A clean-up of an overtaken call may come late: only the latest call's one counts.
    const token = (view.token = {});
    view.root.dataset.theme = isDark(view.probe) ? "dark" : "light";
    draw(view.root, view.state, data, setTriggerValue);
    return () => {
      if (view.token !== token) return;
      view.root.remove();
      view.probe.remove();
      mounted.delete(parentElement);
    };
  };
}
