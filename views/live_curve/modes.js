// The ways to wish for a setting, and what each one asks for.

// `shown` turns the stored wish into the number in the field, `stored` turns it back.
function modeList(model) {
  const { scale, digits, unit } = model.format;
  const queries = {
    name: "queries_per_month",
    label: "queries a month",
    shown: (value) => fixed(value, 0),
    stored: (value) => value,
    now: () => null,
  };
  return [
    {
      id: "alpha",
      label: "α",
      title: "Set the threshold itself",
      fields: [
        {
          name: "wanted",
          label: "threshold α",
          shown: (value) => alphaText(value, model.alphaDigits),
          stored: (value) => value,
          now: (reading) => reading.alpha,
        },
      ],
    },
    {
      id: "share",
      label: "Share",
      title: "Name the share of strong calls",
      fields: [
        {
          name: "wanted",
          label: "% strong calls",
          shown: (value) => fixed(value * 100, trimmed(value * 100, 1)),
          stored: (value) => value / 100,
          now: (reading) => reading.share,
        },
      ],
    },
    {
      id: "budget",
      label: "Budget",
      title: "Name the money per month",
      fields: [
        {
          name: "wanted",
          label: "$ a month",
          shown: (value) => fixed(value, trimmed(value, 0)),
          stored: (value) => value,
          now: (reading, choice) =>
            isNumber(choice.queries_per_month) ? (reading.cost * choice.queries_per_month) / 1000 : null,
        },
        queries,
      ],
    },
    {
      id: "quality",
      label: "Quality",
      title: "Name the quality to reach",
      fields: [
        {
          name: "wanted",
          label: unit === "%" ? "% quality" : "quality",
          shown: (value) => fixed(value * scale, trimmed(value * scale, digits)),
          stored: (value) => value / scale,
          now: (reading) => reading.quality,
        },
      ],
    },
    {
      id: "pgr",
      label: "PGR",
      title: "Name the gap to recover",
      fields: [
        {
          name: "wanted",
          label: "gap recovered",
          shown: (value) => fixed(value, trimmed(value, 2)),
          stored: (value) => value,
          now: (reading) => reading.pgr,
        },
      ],
    },
  ];
}

// What a person typed comes back as typed: more digits than usual only where they are there.
function trimmed(value, usual) {
  for (let digits = usual; digits < 6; digits += 1) {
    if (Math.abs(value - Number(value.toFixed(digits))) < 1e-9 * Math.max(1, Math.abs(value))) return digits;
  }
  return usual;
}
