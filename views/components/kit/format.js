// Numbers → text. Every figure that a component draws goes through here, so that precision, minus
// signs and the dash for "undefined" are the same everywhere; routellm_core/wording/numbers.py
// writes all others in the same forms.

const DASH = "–";
const MINUS = "−";
const formatters = new Map();

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function fixed(value, digits) {
  if (!isNumber(value)) return DASH;
  if (!formatters.has(digits)) {
    formatters.set(
      digits,
      new Intl.NumberFormat("en-US", {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
    );
  }
  const text = formatters.get(digits).format(value);
  if (!text.startsWith("-")) return text;
  // A rounded-away negative reads as plain zero, never as −0.0.
  return /[1-9]/.test(text) ? MINUS + text.slice(1) : text.slice(1);
}

function signed(value, digits) {
  const text = fixed(value, digits);
  return text.startsWith(MINUS) || !/[1-9]/.test(text) ? text : `+${text}`;
}

function percent(fraction, digits = 1) {
  return isNumber(fraction) ? `${fixed(fraction * 100, digits)}%` : DASH;
}

// Prose wants whole percents, but 0.4% must not read as "0%" nor 99.6% as "100%".
function percentInProse(fraction) {
  if (!isNumber(fraction)) return DASH;
  const size = Math.abs(fraction);
  const atAnEnd = (size > 0 && size < 0.01) || (size > 0.99 && size < 1);
  return percent(fraction, atAnEnd ? 1 : 0);
}

function money(value, digits = 2) {
  if (!isNumber(value)) return DASH;
  const text = fixed(value, digits);
  return text.startsWith(MINUS) ? `${MINUS}$${text.slice(1)}` : `$${text}`;
}

// Cheap pairs cost fractions of a cent per query: keep three figures of the dearest.
function moneyDigits(dearest) {
  if (!(dearest > 0) || dearest >= 1) return 2;
  return Math.min(6, 2 - Math.floor(Math.log10(Math.max(dearest, 1e-6))));
}

// About 300 distinguishable settings across the axis: 3 digits on [0, 1], more when zoomed.
function alphaDigits([low, high]) {
  const width = Math.abs(high - low);
  if (!(width > 0)) return 3;
  return Math.min(8, Math.max(3, Math.ceil(-Math.log10(width / 300))));
}

// α without a number is +∞: no query reaches it.
function alphaText(alpha, digits) {
  return isNumber(alpha) ? fixed(alpha, digits) : "∞";
}

// Scores are chances, so no query reaches a threshold of 2: a plain number for "never", which
// JSON and a link can carry where they cannot carry infinity.
const NEVER = 2;

function alphaForPython(alpha) {
  return isNumber(alpha) ? alpha : NEVER;
}

function alphaFromPython(alpha) {
  return isNumber(alpha) && alpha < NEVER ? alpha : null;
}

// "1,234.5", "30 %", "$500" and "0,5" are all numbers to a person.
function parseNumber(text) {
  let plain = String(text).replace(/[\s$%]/g, "").replace(MINUS, "-");
  if (plain === "∞") return Infinity;
  if (/^-?\d*,\d+$/.test(plain) && !/^-?[1-9]\d{0,2},\d{3}$/.test(plain)) {
    plain = plain.replace(",", ".");
  }
  plain = plain.replace(/,/g, "");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

// "At α = {alpha}, …" → ["At α = ", {name: "alpha"}, ", …"]
function templateParts(template) {
  return String(template ?? "")
    .split(/(\{\w+\})/)
    .filter(Boolean)
    .map((part) => (/^\{\w+\}$/.test(part) ? { name: part.slice(1, -1) } : part));
}
