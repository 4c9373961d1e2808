// The view of requests as they come, and of one of them as a waterfall.

class Live {
  constructor(store) {
    this.store = store;
    this.filter = { text: "", failed: false, slow: 0 };
    this.shown = []; // Newest first.
    this.list = new Windowed({
      id: "request", role: "listbox", rowRole: "option", label: "Requests, newest first",
      height: () => (isNarrow() ? 56 : 44), count: () => this.shown.length,
      row: (index) => this.#row(this.shown[index]), same: (index) => this.#same(this.shown[index]),
      move: (index) => this.#choose(this.shown[index].key, { stay: true }),
      act: (index, key) => key === "Enter" && this.#choose(this.shown[index]?.key, { stay: false }),
    });
    this.waterfall = new Waterfall(store);
    this.empty = make("p", { class: "empty" });
    this.text = make("input", {
      type: "search", placeholder: "Filter", "aria-label": "Filter by path, signal, receiver or error",
      oninput: () => this.#filter({ text: this.text.value.trim() }),
    });
    const failed = make("input", { type: "checkbox", onchange: () => this.#filter({ failed: failed.checked }) });
    const slow = make("select", { "aria-label": "Slower than", onchange: () => this.#filter({ slow: Number(slow.value) }) },
      ...[[0, "Any time"], [0.01, "Over 10 ms"], [0.1, "Over 100 ms"], [1, "Over 1 s"]]
        .map(([value, text]) => make("option", { value }, text)));
    this.left = make("section", { class: "left", "aria-label": "Requests" },
      make("div", { class: "filters" }, this.text, make("label", { class: "check" }, failed, "Failed"), slow),
      this.empty, this.list.element);
    this.element = make("div", { class: "live" }, this.left, this.waterfall.element);
  }

  get title() {
    return "Live";
  }

  show(key) {
    this.waterfall.open(key ?? null);
    this.element.classList.toggle("chosen", Boolean(key));
    this.refresh();
    const at = this.shown.findIndex((it) => it.key === key);
    if (at >= 0 && at !== this.list.active) this.list.move(at, { quietly: true });
    if (this.#follow) this.waterfall.focus();
    this.#follow = false;
  }

  #follow = false;

  #choose(key, { stay }) {
    if (!key) return false;
    this.#follow = !stay || isNarrow();
    const address = `#/live/${encodeURIComponent(key)}`;
    if (location.hash === address) this.show(key);
    // Moving through the list is no journey to come back from.
    else if (stay && !isNarrow()) {
      history.replaceState(null, "", address);
      this.show(key);
    } else location.hash = address;
    return true;
  }

  #filter(change) {
    Object.assign(this.filter, change);
    this.list.active = -1;
    this.refresh();
  }

  refresh() {
    const before = this.shown[0];
    this.shown = this.store.newest().filter((it) => matches(it, this.filter));
    const above = before ? Math.max(0, this.shown.indexOf(before)) : 0;
    this.empty.hidden = this.shown.length > 0;
    this.empty.textContent = this.store.records.length
      ? "No request fits the filter."
      : "Nothing was sent yet. Use the program: its requests appear here.";
    this.list.element.hidden = !this.shown.length;
    this.list.refresh(above);
    this.waterfall.refresh();
  }

  #same(record) {
    const gone = this.store.isGone(record.process);
    return [record.key, record.emissions.length, record.failed, gone, record.key === this.waterfall.key,
      record.request?.duration, record.request?.status].join();
  }

  #row(record) {
    const { verb, title, started, took, status, error } = summary(record);
    const chosen = record.key === this.waterfall.key;
    const gone = this.store.isGone(record.process);
    const kind = error !== null || status >= 500 ? "failed" : status >= 400 ? "refused" : "fine";
    return make("div", { class: `request ${record.failed ? "failed" : ""}`, "aria-selected": chosen },
      make("span", { class: "verb" }, verb),
      make("span", { class: "path", title }, title),
      make("span", { class: "marks" },
        record.failed ? mark("failed", "failed", "A receiver or the request has raised") : null,
        gone ? mark("gone", "worker ended", `The worker ${record.process} has ended`) : null),
      make("span", { class: `code ${kind}` }, status === null ? (record.request && took === null ? "…" : "") : String(status)),
      make("span", { class: "took" }, duration(took)),
      make("span", { class: "sub" }, clock(started), " · ", counted(record.emissions.length, "signal", "signals")));
  }
}
