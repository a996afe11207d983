// The ways to wish for a setting, and what each one asks for.

// A field holds `factor` times the stored wish, usually with `digits` digits; `now` is what
// it offers before anything was wished, from where the marker is. A field with `options` is
// picked from a list; what is picked may govern a field after it, whose form is then `of` it.
function modeList(model) {
  const { scale, digits, unit } = model.format;
  const field = (name, label, more) => ({ name, label, factor: 1, digits: 0, ...more });
  const wanted = (label, more) => field("wanted", label, more);
  const monthly = ({ cost }, { queries_per_month: queries }) =>
    isNumber(queries) && isNumber(cost) ? (cost * queries) / 1000 : null;
  const modes = [
    {
      id: "alpha",
      label: "α",
      title: "Set the threshold itself",
      fields: [wanted("threshold α", { digits: model.alphaDigits, now: (r) => r.alpha })],
    },
    {
      id: "share",
      label: "Share",
      title: "Name the share of strong calls",
      fields: [wanted("% strong calls", { factor: 100, digits: 1, now: (r) => r.share })],
    },
    {
      id: "budget",
      label: "Budget",
      title: "Name the money per month",
      fields: [
        wanted("$ a month", { now: monthly }),
        field("queries_per_month", "queries a month", { now: () => null }),
      ],
    },
    {
      id: "quality",
      label: "Quality",
      title: "Name the quality to reach",
      fields: [
        wanted(unit === "%" ? "% quality" : "quality", {
          factor: scale,
          digits,
          now: (r) => r.quality,
        }),
      ],
    },
    {
      id: "pgr",
      label: "PGR",
      title: "Name the gap to recover",
      fields: [wanted("gap recovered", { digits: 2, now: (r) => r.pgr })],
    },
  ];
  const { promises } = model.data;
  return promises?.length ? [...modes, promiseMode(model.data, wanted)] : modes;
}

// There is nothing to read off the marker: the usual promise is wished as soon as it is picked.
function promiseMode({ promises, confidences }, wanted) {
  const forms = Object.fromEntries(
    promises.map(({ id, unit, factor, usual }) => [id, wanted(unit, { factor, now: () => usual })]),
  );
  return {
    id: "promise",
    label: "Guarantee",
    title: "Name what is to hold of queries to come, and how surely",
    isAtOnce: true,
    fields: [
      {
        name: "promise",
        label: "What is guaranteed",
        options: promises.map(({ id, label }) => [id, label]),
        usual: promises[0].id,
        governs: "wanted",
      },
      { name: "wanted", of: (promise) => forms[promise] },
      {
        name: "confidence",
        label: "Confidence",
        options: confidences.map((share) => [share, `with ${fixed(share * 100, 0)}% confidence`]),
        usual: 0.95,
      },
    ],
  };
}

function fieldText({ factor, digits }, value, asWished) {
  if (!isNumber(value)) return "";
  return fixed(value * factor, asWished ? digitsOf(value * factor, digits) : digits);
}

// What a person typed comes back as typed: more digits than usual only where they are there.
function digitsOf(value, usual) {
  for (let digits = usual; digits < 6; digits += 1) {
    const rest = Math.abs(value - Number(value.toFixed(digits)));
    if (rest < 1e-9 * Math.max(1, Math.abs(value))) return digits;
  }
  return usual;
}
