// What is guaranteed at α, in words. Moving α by hand ends the guarantee: that is said in
// the same place. All heights here stay, so that the slider below does not jump under the hand.

const LEFT = "α was moved by hand: nothing is guaranteed here. Undo leads back to the guarantee.";
const BY_HAND = "Moving α by hand ends the guarantee.";

function createPromise(host) {
  const words = element("p", { class: "promised-words", role: "status" });
  const about = element("p", { class: "promised-about" });
  const node = element("div", { class: "promised" }, element("div", {}, words, about));
  node.hidden = true;
  host.append(node);
  let isLeft = false;

  function hold(isHeld) {
    for (const child of host.children) {
      child.style.minHeight = isHeld ? `${child.getBoundingClientRect().height}px` : "";
    }
  }

  return {
    // What Python certified; null where nothing is.
    say(promised) {
      isLeft = false;
      hold(false);
      setShown(node, promised !== null);
      if (!promised) return;
      setText(words, `${MARKS.promise} ${promised.words}.`);
      setText(about, `${promised.about.slice(0, 1).toUpperCase()}${promised.about.slice(1)}. ${BY_HAND}`);
    },
    leave() {
      if (isLeft || node.hidden) return;
      isLeft = true;
      hold(true);
      setText(words, LEFT);
      setText(about, "");
    },
  };
}
