// The page of one signal: what it carries, who receives it, and how long they took.

class SignalPage {
  constructor(store, wiring) {
    this.store = store;
    this.wiring = wiring;
    this.element = make("section", { class: "page" });
  }

  get title() {
    return this.name ?? "Signal";
  }

  show(namespace, name) {
    this.namespace = namespace || null;
    this.name = name;
    this.wiring.load().then(() => this.refresh());
    this.refresh();
  }

  refresh() {
    const known = this.wiring.signals?.find((it) => it.name === this.name && it.namespace === this.namespace);
    const sent = [...this.store.emissions.values()].filter((it) => it.signal === this.name && it.namespace === this.namespace);
    const rows = this.#receivers(known);
    this.element.replaceChildren(...[
      make("h2", {}, make("span", { class: "signal" }, this.name)),
      known?.doc ? make("p", { class: "doc" }, known.doc) : null,
      facts([
        ["Namespace", this.namespace], ["Imported as", known?.variable],
        ["Payload", known?.declared ? known.payload.map((it) => (it.type ? `${it.name}: ${it.type}` : it.name)).join(", ") || "none" : null],
        ["Sent", counted(sent.length, "time", "times")],
      ]),
      make("h3", {}, "Receivers"),
      rows.length ? make("ol", { class: "receivers" }, ...rows.map((it) => this.#receiver(it)))
        : make("p", { class: "empty" }, known ? "No receiver is connected." : (this.wiring.error ?? "No receiver is known.")),
      make("h3", {}, "Last sends"),
      sent.length ? this.#sends(sent) : make("p", { class: "empty" }, "It was not sent since this page was opened."),
    ].filter(Boolean));
  }

  // In calling order; then those that were called and are not connected now.
  #receivers(known) {
    const key = signalKey(this.namespace, this.name);
    const connected = (known?.receivers ?? []).map((it) => ({ ...it, stats: this.store.called.get(receiverKey(key, it.name)) }));
    const names = new Set(connected.map((it) => it.name));
    const others = [...this.store.called.values()]
      .filter((it) => it.signal === this.name && it.namespace === this.namespace && !names.has(it.receiver))
      .map((it) => ({ name: it.receiver, location: it.location, stats: it, elsewhere: true }));
    return [...connected, ...others];
  }

  #receiver(it) {
    const marks = [
      it.is_async ? mark("plain", "async") : null, it.weak ? mark("plain", "weak") : null,
      it.priority ? mark("plain", `priority ${it.priority}`) : null,
      it.on_error === "log" ? mark("plain", "errors logged") : null,
      it.when ? mark("plain", it.when === "relayed" ? "by the relay" : "after the commit") : null,
      it.elsewhere ? mark("plain", this.wiring.signals ? "not connected now, or in another worker" : "called") : null,
    ].filter(Boolean);
    return make("li", {},
      make("p", { class: "who" }, named(it.name), " ", ...marks),
      facts([["Sender", it.sender], ["Defined at", it.location], ["Connected at", it.connected]]),
      it.stats ? distribution(it.stats) : make("p", { class: "sub" }, "Not called since this page was opened."));
  }

  #sends(sent) {
    const items = sent.slice(-20).reverse().map((it) => {
      const record = this.store.byEmission(`${it.process}:${it.id}`);
      const what = record ? summary(record) : null;
      return make("li", {}, clock(it.started), " · ", duration(it.duration), " · ", it.sender,
        it.location ? ` · ${it.location}` : "", record ? " · " : "",
        record ? make("a", { href: `#/live/${encodeURIComponent(record.key)}` }, `${what.verb} ${what.title}`) : null);
    });
    return make("ul", { class: "sends" }, ...items);
  }
}

// How the calls spread over time, each bar twice as long as the one before it.
const distribution = (stats) => {
  const sorted = [...stats.durations].sort((one, other) => one - other);
  const step = (it) => Math.floor(Math.log2(Math.max(it, 1e-7)));
  // Some room on both sides, so that a single bar is seen for what it is.
  const from = step(sorted[0]) - 3;
  const to = step(sorted.at(-1)) + 3;
  const counts = Array.from({ length: to - from + 1 }, () => 0);
  sorted.forEach((it) => { counts[step(it) - from] += 1; });
  const most = Math.max(...counts);
  const words = `${counted(stats.calls, "call", "calls")}, ${counted(stats.errors, "error", "errors")}; `
    + `median ${duration(quantile(sorted, 0.5))}, 99 % under ${duration(quantile(sorted, 0.99))}, slowest ${duration(stats.slowest)}`;
  const bars = counts.map((many, index) => {
    const bar = make("span", { class: "column", title: `${many} from ${duration(2 ** (from + index))} to ${duration(2 ** (from + index + 1))}` });
    const fill = make("span", { class: "fill" });
    fill.style.height = `${many ? Math.max(6, (100 * many) / most) : 0}%`;
    bar.append(fill);
    return bar;
  });
  return make("figure", { class: "spread" },
    make("div", { class: "columns", role: "img", "aria-label": `Latency distribution: ${words}` }, ...bars),
    make("div", { class: "scale", "aria-hidden": "true" },
      make("span", {}, duration(2 ** from)), make("span", {}, duration(2 ** (to + 1)))),
    make("figcaption", {}, words));
};

class Wiring {
  constructor() {
    this.signals = null;
    this.error = null;
    this.at = -Infinity;
  }

  // Asks again when what is known is old.
  async load() {
    if (performance.now() - this.at < 5000) return;
    this.at = performance.now();
    try {
      this.signals = (await ask("wiring")).signals;
      this.error = null;
    } catch (error) {
      this.error = `The program did not say which receivers it has: ${error.message}`;
      this.at = -Infinity;
    }
  }
}
