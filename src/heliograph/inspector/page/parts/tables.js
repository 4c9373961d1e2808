// The views of what was called, what was not, and what nobody heard.

const table = (columns, rows) =>
  make("table", {},
    make("thead", {}, make("tr", {}, ...columns.map(([text, number]) =>
      (text instanceof Node ? text : make("th", { scope: "col", class: number ? "number" : null }, text))))),
    make("tbody", {}, ...rows));

const cell = (content, number) => {
  const shown = typeof content === "string" && !number ? breakable(content) : [content ?? "–"];
  return make("td", { class: number ? "number" : null }, ...shown);
};

// A table that may be wider than the screen: the keyboard reaches it to move it.
const wide = (label, note, columns, rows) => [
  make("p", { class: "sub note" }, note),
  make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, table(columns, rows)),
];

class Called {
  constructor(store) {
    this.store = store;
    this.by = "total";
    this.down = true;
    this.element = make("section", { class: "page" });
  }

  get title() {
    return "Called";
  }

  show() {
    this.refresh();
  }

  #columns = [
    ["signal", "Signal"], ["receiver", "Receiver"], ["calls", "Calls", true], ["errors", "Errors", true],
    ["total", "Total", true], ["median", "Median", true], ["p99", "99 %", true], ["slowest", "Slowest", true],
  ];

  refresh() {
    const rows = [...this.store.called.values()].map((it) => {
      const sorted = [...it.durations].sort((one, other) => one - other);
      return { ...it, median: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
    });
    const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
    rows.sort((one, other) => order(one[this.by], other[this.by]) * (this.down ? -1 : 1));
    const focused = document.activeElement?.dataset?.by;
    this.element.replaceChildren(
      make("h2", {}, "Called receivers"),
      ...(rows.length
        ? wide("Called receivers",
          "Since this page was opened or cleared; median and 99 % are of the last 2,000 calls of each.",
          this.#columns.map((it) => [this.#head(it)]), rows.map((it) => this.#row(it)))
        : [make("p", { class: "empty" }, "No receiver was called yet.")]));
    if (focused) this.element.querySelector(`[data-by="${focused}"]`)?.focus();
  }

  #head([by, text, number]) {
    const sorted = this.by === by;
    const button = make("button", { type: "button", "data-by": by, onclick: () => this.#sort(by, !number) },
      text, make("span", { "aria-hidden": "true" }, sorted ? (this.down ? " ▾" : " ▴") : ""));
    return make("th", {
      scope: "col", class: number ? "number" : null,
      "aria-sort": sorted ? (this.down ? "descending" : "ascending") : null,
    }, button);
  }

  #sort(by, text) {
    this.down = this.by === by ? !this.down : !text;
    this.by = by;
    this.refresh();
  }

  #row(it) {
    const errors = it.errors ? make("span", { class: "error", title: it.lastError }, it.errors) : "0";
    return make("tr", {},
      cell(signalLink(it)), cell(named(it.receiver)), cell(it.calls.toLocaleString("en"), true), cell(errors, true),
      cell(duration(it.total), true), cell(duration(it.median), true), cell(duration(it.p99), true),
      make("td", { class: "number", title: it.slowestAt }, duration(it.slowest)));
  }
}

class Idle {
  constructor(store, wiring) {
    this.store = store;
    this.wiring = wiring;
    this.element = make("section", { class: "page" });
  }

  get title() {
    return "Not called";
  }

  show() {
    this.wiring.load().then(() => this.refresh());
    this.refresh();
  }

  refresh() {
    const { signals, error } = this.wiring;
    const rows = [];
    for (const it of signals ?? []) {
      const key = signalKey(it.namespace, it.name);
      for (const one of it.receivers) {
        if (!this.store.called.has(receiverKey(key, one.name))) rows.push([it, one]);
      }
    }
    this.element.replaceChildren(
      make("h2", {}, "Receivers that were not called"),
      ...(rows.length
        ? wide("Receivers that were not called",
          "Connected in the worker that answered, and not called since this page was opened or cleared.",
          [["Signal"], ["Receiver"], ["Sender"], ["Connected at"], ["Why"]],
          rows.map(([it, one]) => make("tr", {},
            cell(signalLink({ signal: it.name, namespace: it.namespace })), cell(named(one.name)), cell(one.sender),
            cell(one.connected), cell(this.#why(it, one)))))
        : [make("p", { class: "empty" }, signals ? "Every connected receiver was called."
          : error ?? "Asking the program which receivers it has …")]));
  }

  #why(it, one) {
    if (!this.store.sent.has(signalKey(it.namespace, it.name))) return "the signal was not sent";
    if (one.when) return "sent, but not committed";
    return one.sender === "ANY" ? "sent, but muted, before it was connected, or in another worker" : "sent, but not from this sender";
  }
}

class Unheard {
  constructor(store) {
    this.store = store;
    this.element = make("section", { class: "page" });
  }

  get title() {
    return "Unheard";
  }

  show() {
    this.refresh();
  }

  refresh() {
    const rows = [...this.store.unheard.values()].sort((one, other) => other.times - one.times);
    this.element.replaceChildren(
      make("h2", {}, "Sends that nobody heard"),
      ...(rows.length
        ? wide("Sends that nobody heard", "Since this page was opened or cleared.",
          [["Signal"], ["Why"], ["Times", true], ["Sent at"], ["Last"]],
          rows.map((it) => make("tr", {},
            cell(signalLink(it)), cell(it.unheard), cell(it.times.toLocaleString("en"), true),
            cell(it.location), cell(clock(it.last)))))
        : [make("p", { class: "empty" }, "Every signal that was sent has found a receiver.")]));
  }
}
