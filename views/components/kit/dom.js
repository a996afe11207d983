// Building and changing nodes. Names come from people's files, so text only ever enters
// through text nodes and setAttribute: there is no innerHTML anywhere in this component.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function element(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

function shape(tag, attributes, ...children) {
  return build(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

// Sixty times a second most texts stay as they are: only a changed one touches the page.
const shownTexts = new WeakMap();

function setText(node, text) {
  if (shownTexts.get(node) === text) return;
  shownTexts.set(node, text);
  if (node.firstChild?.nodeType === Node.TEXT_NODE && !node.firstChild.nextSibling) {
    node.firstChild.nodeValue = text;
  } else {
    node.textContent = text;
  }
}

function setShown(node, shown) {
  if (node.hidden === !shown) return;
  node.hidden = !shown;
}

function move(node, x, y) {
  node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
}

function button(label, onPress, attributes) {
  const node = element("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", onPress);
  return node;
}

let lastId = 0;

function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

// Strong is a square, weak a circle and a promise a diamond wherever they are named, so colour is
// never alone.
const MARKS = { strong: "■", weak: "●", promise: "◆" };

// What opens stands above what opened it: bring it into view.
function toTop(node) {
  for (let at = node.getRootNode().host; at; at = at.parentElement) {
    if (at.scrollTop > 0) at.scrollTo({ top: 0 });
  }
}
