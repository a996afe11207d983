// The fields of a mode as nodes: numbers that are typed, and lists from which is picked.

function createEntry(field, on) {
  return field.options ? pickedEntry(field, on) : typedEntry(field, on);
}

// `form` is the field as it reads beside what is picked now.
function typedEntry(field, on) {
  const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  const caption = element("span", {});
  const node = element("label", { class: `field ${field.name}` }, caption, input);
  const entry = { field, node, form: field, isDirty: false };
  input.addEventListener("input", () => (entry.isDirty = true));
  // Enter is followed by `change`, after which nothing new is in the field.
  input.addEventListener("change", () => entry.isDirty && on.commit());
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") on.commit();
    if (event.key === "Escape") on.forget();
  });
  return Object.assign(entry, {
    show(value, { asWished, mode }) {
      setText(caption, entry.form.label);
      const isNever = mode === "alpha" && !isNumber(value);
      const text = isNever ? alphaText(value) : fieldText(entry.form, value, asWished);
      if (!entry.isDirty && input.value !== text) input.value = text;
    },
    // What stands in it, and whether that is a number that the mode can take.
    read(mode) {
      const text = input.value.trim();
      const number = parseNumber(text);
      const isBad = Number.isNaN(number) || (number === Infinity && mode !== "alpha");
      if (isBad) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      return { value: number / entry.form.factor, isBad, isEmpty: text === "" };
    },
  });
}

function pickedEntry(field, on) {
  const options = field.options.map(([value, label]) => element("option", { value }, label));
  const select = element("select", { "aria-label": field.label }, ...options);
  const entry = { field, node: element("div", { class: `field ${field.name}` }, select), form: field };
  const value = () => field.options[select.selectedIndex][0];
  select.addEventListener("change", () => on.picked(field, value()));
  return Object.assign(entry, {
    show(wished) {
      select.selectedIndex = Math.max(0, field.options.findIndex(([each]) => each === wished));
    },
    read: () => ({ value: value(), isBad: false, isEmpty: false }),
  });
}
