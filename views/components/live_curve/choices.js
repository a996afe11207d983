// Which choice stands: what was sent to Python, what it accepted, and the way back.
// Python answers each event with its `seq` or a later one. An answer that is older than
// the last event sent would pull the marker back under the hand, so it is passed over.

const PATIENCE_MS = 10_000; // after a restarted server, numbers begin anew: do not wait for ever

function choiceKeeper(send) {
  let committed = null;
  let first = null;
  let subject = null;
  let history = [];
  let lastSeq = 0;
  let sentSeq = -Infinity;
  let sentAt = 0;

  // In mode α the wish and the setting are one number.
  const normal = ({ mode = "alpha", wanted, alpha: sent, queries_per_month: queries, ...more }) => {
    const alpha = alphaFromPython(sent);
    return {
      mode,
      wanted: mode === "alpha" ? alpha : (wanted ?? null),
      alpha,
      queries_per_month: queries ?? null,
      promise: more.promise ?? null,
      confidence: more.confidence ?? null,
    };
  };
  const TOLD = ["mode", "wanted", "queries_per_month", "promise", "confidence"];
  const same = (a, b) => TOLD.every((name) => a[name] === b[name]);

  function post(choice) {
    sentSeq = lastSeq = Math.max(lastSeq, sentSeq) + 1;
    sentAt = Date.now();
    committed = choice;
    const { mode, wanted, queries_per_month, promise, confidence } = choice;
    const more = mode === "promise" ? { promise, confidence } : {};
    send({ mode, wanted, queries_per_month, ...more, seq: sentSeq });
  }

  return {
    // True when the data's choice is news, false when it is an old answer.
    accept(data) {
      const seq = data.seq ?? 0;
      if (seq < sentSeq && Date.now() - sentAt < PATIENCE_MS) return false;
      const choice = normal(data.choice ?? {});
      // A choice of another router or benchmark is no place to go back to.
      const about = JSON.stringify(data.subject ?? [data.router, data.n, data.names]);
      if (about !== subject) {
        subject = about;
        history = [];
        first = choice;
      } else if (seq > sentSeq && !same(choice, committed)) {
        history.push(committed);
      }
      if (seq < sentSeq) sentSeq = -Infinity;
      lastSeq = Math.max(seq, sentSeq);
      committed = choice;
      return true;
    },
    commit(wish) {
      const { queries_per_month } = committed;
      const choice = { alpha: null, queries_per_month, promise: null, confidence: null, ...wish };
      if (!same(choice, committed)) history.push(committed);
      post(choice);
    },
    undo() {
      const choice = history.pop();
      if (choice) post(choice);
      return choice;
    },
    reset() {
      if (same(first, committed)) return null;
      history.push(committed);
      post(first);
      return first;
    },
    get committed() {
      return committed;
    },
    get canUndo() {
      return history.length > 0;
    },
    get canReset() {
      return first !== null && !same(first, committed);
    },
  };
}
