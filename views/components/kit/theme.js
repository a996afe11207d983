// Light or dark, and the look of each line. Streamlit hands its theme down as CSS variables;
// curve.css has a palette for each side and only needs to know which.

function isDark(probe) {
  // The probe's background is var(--st-background-color); computed colours are always rgb().
  const parts = getComputedStyle(probe).backgroundColor.match(/[\d.]+/g);
  if (!parts || (parts.length > 3 && Number(parts[3]) === 0)) {
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }
  const [red, green, blue] = parts.map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

// A router keeps its colour and dash whichever router is chosen. Unknown ones take the
// places after the known ones in turn.
const KNOWN_ROUTERS = ["causal_llm", "sw_ranking", "mf", "bert", "stacked"];
const LINE_DASHES = ["3 2.5", "7 3", "1.5 3", "9 3 2 3", "5 2 1.5 2", "12 4"];

function lineStyles(names) {
  let next = KNOWN_ROUTERS.length;
  return names.map((name) => {
    const known = KNOWN_ROUTERS.indexOf(name);
    const place = known >= 0 ? known : next++;
    return {
      colour: `line-${place % LINE_DASHES.length}`,
      dash: LINE_DASHES[place % LINE_DASHES.length],
    };
  });
}
