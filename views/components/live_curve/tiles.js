// The figures at the point: label, number with unit, and under it what it rests on.

function tileDefinitions(model) {
  const { data, format } = model;
  const { names, n } = data;
  const quality = (value) => readableQuality(model, value);
  const points = format.unit === "%" ? " pts" : "";
  const queries = `n ${fixed(n, 0)}`;
  const interval = (low, high, write) =>
    isNumber(low) && isNumber(high) ? `95% ${write(low)} – ${write(high)}` : "no interval";
  const difference = (a, b, scale, digits) =>
    isNumber(a) && isNumber(b) ? signed((a - b) * scale, digits) : DASH;
  const dollars = (a, b) =>
    isNumber(a) && isNumber(b)
      ? `${a < b ? MINUS : "+"}${money(Math.abs(a - b), model.moneyDigits)}`
      : DASH;

  return [
    {
      id: "alpha",
      label: "Threshold α",
      value: (r) => [alphaText(r.alpha, model.alphaDigits), ""],
      note: () => `to ${names.strong} from this score up`,
      delta: (r, a) => difference(r.alpha, a.alpha, 1, model.alphaDigits),
    },
    {
      id: "share",
      label: "Strong calls",
      value: (r) => [isNumber(r.share) ? fixed(r.share * 100, 1) : DASH, "%"],
      note: (r) =>
        `${interval(r.share_low, r.share_high, (share) => fixed(share * 100, 1))} · ` +
        `${isNumber(r.share) ? fixed(r.share * n, 0) : DASH} of ${fixed(n, 0)}`,
      delta: (r, a) => `${difference(r.share, a.share, 100, 1)} pts`,
    },
    {
      id: "quality",
      label: "Quality",
      value: (r) => [quality(r.quality), format.unit],
      note: (r) => `${interval(r.low, r.high, quality)} · ${queries}`,
      delta: (r, a) => `${difference(r.quality, a.quality, format.scale, format.digits)}${points}`,
    },
    {
      id: "pgr",
      label: "Gap recovered (PGR)",
      value: (r) => [fixed(r.pgr, 2), ""],
      note: (r) => `${interval(r.pgr_low, r.pgr_high, (pgr) => fixed(pgr, 2))} · ${queries}`,
      delta: (r, a) => difference(r.pgr, a.pgr, 1, 2),
    },
    {
      id: "cost",
      label: "Cost per 1,000",
      value: (r) => [money(r.cost, model.moneyDigits), ""],
      note: (r) => {
        const write = (usd) => money(usd, model.moneyDigits);
        return `${interval(r.cost_low, r.cost_high, write)} · ${queries}`;
      },
      delta: (r, a) => dollars(r.cost, a.cost),
    },
    {
      id: "saving",
      label: "Saving",
      value: (r, baseline) => {
        const saved = savingAgainst(model, r, baseline);
        return [saved === null ? DASH : percentInProse(saved).slice(0, -1), "%"];
      },
      note: (r, baseline) => {
        const isStrong = baseline.id !== "random";
        const write = (saved) => fixed(saved * 100, 1);
        return `${isStrong ? interval(r.saving_low, r.saving_high, write) : "no interval"} · ${queries}`;
      },
      delta: (r, a, baseline) => {
        const [now, then] = [r, a].map((reading) => savingAgainst(model, reading, baseline));
        return `${difference(now, then, 100, 0)} pts`;
      },
    },
  ];
}

function createTiles(host, term) {
  let model = null;
  let tiles = [];
  let builtFor = null;
  let baselines = [];
  let baseline = null;
  let last = null;
  let pinned = null;

  function tile(label, help) {
    const number = element("span", { class: "number" });
    const unit = element("span", { class: "unit" });
    const note = element("p", { class: "note" });
    const more = element("p", { class: "note more" });
    const delta = element("p", { class: "delta" });
    const node = element(
      "div",
      { class: "tile" },
      term(label, help),
      element("div", { class: "figures" }, element("p", { class: "value" }, number, unit), delta),
      note,
      more,
    );
    return { node, number, unit, note, more, delta };
  }

  function saveAgainst(host) {
    const label = "Saving is counted against";
    const select = element(
      "select",
      { "aria-label": label },
      ...baselines.map(({ id, label: text }) => element("option", { value: id }, text)),
    );
    select.value = baseline.id;
    select.addEventListener("change", () => {
      baseline = baselines.find(({ id }) => id === select.value);
      if (last) follow(last);
    });
    host.append("against ", select);
  }

  // The tiles are built anew only when their words change, so that an open select stays open.
  function draw(newModel) {
    model = newModel;
    const { data } = model;
    baselines = data.saving_baselines?.length ? data.saving_baselines : [{ id: "baseline", ...data.baseline }];
    baseline = baselines.find(({ id }) => id === baseline?.id) ?? baselines[0];
    const words = JSON.stringify([data.static_tiles, data.help, baselines.map(({ label }) => label)]);
    if (words === builtFor) {
      tiles.forEach((each, k) => (each.definition = tileDefinitions(model)[k]));
      return;
    }
    builtFor = words;
    tiles = tileDefinitions(model).map((definition) => {
      const made = tile(definition.label, data.help?.[definition.id]);
      made.node.dataset.tile = definition.id;
      if (definition.id === "saving" && baselines.length > 1) saveAgainst(made.more);
      return { definition, ...made };
    });
    const still = (data.static_tiles ?? []).map(({ label, value, unit, note, help }) => {
      const made = tile(label, help);
      setText(made.number, value ?? DASH);
      setText(made.unit, value === DASH ? "" : (unit ?? ""));
      setText(made.note, note ?? "");
      return made.node;
    });
    host.replaceChildren(...tiles.map(({ node }) => node), ...still);
  }

  function follow(reading) {
    last = reading;
    for (const { definition, number, unit, note, more, delta } of tiles) {
      const [text, unitText] = definition.value(reading, baseline);
      setText(number, text);
      setText(unit, text === DASH ? "" : unitText);
      setText(note, definition.note(reading, baseline));
      if (definition.id === "saving" && baselines.length < 2) setText(more, `against ${baseline.label}`);
      if (!pinned) continue;
      const [then, thenUnit] = definition.value(pinned, baseline);
      const change = definition.delta(reading, pinned, baseline);
      setText(delta, `A ${then}${then === DASH ? "" : thenUnit} · ${change.startsWith(DASH) ? DASH : change}`);
    }
  }

  function pin(reading) {
    pinned = reading;
    if (!reading) tiles.forEach(({ delta }) => setText(delta, ""));
  }

  return { draw, follow, pin };
}
