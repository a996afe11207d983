// The chart as a file, and the address of the view. Everything happens in the browser.

const DRAWN_STYLES = [
  "display", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity",
  "stroke-linejoin", "stroke-linecap", "paint-order", "opacity", "font-family", "font-size",
  "font-weight", "font-variant-numeric",
];

// A copy that needs no style sheet: every computed style is written into its element.
function standaloneSvg(svg, title) {
  const copy = svg.cloneNode(true);
  const originals = [svg, ...svg.querySelectorAll("*")];
  const copies = [copy, ...copy.querySelectorAll("*")];
  originals.forEach((original, k) => {
    const style = getComputedStyle(original);
    const text = DRAWN_STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";");
    copies[k].setAttribute("style", text);
    copies[k].removeAttribute("class");
  });
  for (const node of copy.querySelectorAll('[style^="display:none"]')) {
    if (!node.closest("defs")) node.remove();
  }
  const [width, height] = ["width", "height"].map((name) => Number(svg.getAttribute(name)));
  const background = getComputedStyle(svg).getPropertyValue("--paper").trim() || "white";
  const paper = shape("rect", { width, height, fill: background });
  copy.prepend(shape("title", {}, title), paper);
  copy.setAttribute("xmlns", SVG_NAMESPACE);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

function saveAs(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function fileName(router, extension) {
  const plain = String(router ?? "").replace(/[^\w.-]+/g, "_").replace(/^[._]+/, "").slice(0, 60);
  return `routellm-${plain || "router"}.${extension}`;
}

function downloadSvg(svg, title, router) {
  const { text } = standaloneSvg(svg, title);
  saveAs(new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${text}`], { type: "image/svg+xml" }), fileName(router, "svg"));
}

async function downloadPng(svg, title, router) {
  const { text, width, height } = standaloneSvg(svg, title);
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = element("canvas", { width: width * 2, height: height * 2 });
    canvas.getContext("2d").drawImage(image, 0, 0, width * 2, height * 2);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (blob) saveAs(blob, fileName(router, "png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function copyLink() {
  const address = window.location.href;
  try {
    await navigator.clipboard.writeText(address);
    return true;
  } catch {
    // No permission or no secure context: the old way through a selected field.
    const field = element("textarea", { style: "position:fixed;opacity:0", "aria-hidden": "true" });
    const before = document.activeElement;
    field.value = address;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    before?.focus?.();
    return done;
  }
}
