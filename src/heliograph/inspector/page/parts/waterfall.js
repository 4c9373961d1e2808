// One request: each signal and receiver as a bar where and as long as it ran.

class Waterfall {
  constructor(store) {
    this.store = store;
    this.key = null;
    this.closed = new Set();
    this.opened = new Set();
    this.unheard = false;
    this.plan = { rows: [], from: 0, to: 1, hidden: 0 };
    this.chosen = null;
    this.title = make("h2", { tabindex: "-1" });
    this.said = make("p", { class: "sub" });
    this.more = make("button", { type: "button", class: "quiet", onclick: () => this.#toggleUnheard() });
    this.acts = make("div", { class: "acts" },
      make("button", { type: "button", onclick: () => copyAsTest(this.record) }, "Copy as test"),
      make("button", { type: "button", onclick: () => downloadTrace(this.record) }, "Download for Perfetto"));
    this.ruler = make("div", { class: "ruler", "aria-hidden": "true" });
    this.tree = new Windowed({
      id: "bar", role: "tree", rowRole: "treeitem", label: "Signals and receivers in this request",
      height: () => (isNarrow() ? 48 : 30), count: () => this.plan.rows.length,
      row: (index) => this.#row(this.plan.rows[index]), same: (index) => this.#same(this.plan.rows[index]),
      move: (index) => this.#choose(this.plan.rows[index]),
      act: (index, key, event) => this.#act(this.plan.rows[index], key, event),
    });
    this.facts = make("section", { class: "about", "aria-label": "About the chosen signal or receiver", tabindex: "0" });
    this.body = make("div", { class: "body" },
      make("header", { class: "head" },
        make("a", { class: "back", href: "#/live" }, "‹ All requests"), this.title, this.acts, this.said),
      make("div", { class: "legend" }, this.ruler), this.tree.element, this.more, this.facts);
    this.none = make("p", { class: "empty" });
    this.element = make("section", { class: "right", "aria-label": "One request" }, this.none, this.body);
  }

  get record() {
    return this.store.find(this.key);
  }

  open(key) {
    if (key !== this.key) {
      this.key = key;
      this.chosen = null;
      this.tree.active = -1;
      this.tree.element.scrollTop = 0;
      this.facts.replaceChildren();
    }
    if (this.record) this.record.changed = true;
  }

  focus() {
    this.title.focus({ preventScroll: true });
  }

  refresh() {
    const record = this.record;
    this.body.hidden = !record;
    this.none.hidden = Boolean(record);
    this.none.textContent = this.key
      ? "This request is not here any more: the page keeps the newest, and loses all when it is loaded again."
      : "Choose a request to see its signals and their receivers.";
    if (!record || !record.changed) return;
    record.changed = false;
    this.plan = arrange(record, this);
    this.#head(record);
    this.#rule();
    this.more.hidden = !this.plan.hidden && !this.unheard;
    this.more.textContent = this.unheard
      ? "Hide what nobody heard" : `Show ${counted(this.plan.hidden, "signal", "signals")} that nobody heard`;
    this.tree.element.hidden = !this.plan.rows.length;
    this.facts.hidden = !this.plan.rows.length;
    this.tree.refresh();
    if (!this.chosen) this.#about(this.#notable());
  }

  #head(record) {
    const { verb, title, started, took, status, error } = summary(record);
    this.title.replaceChildren(make("span", { class: "verb" }, verb), title);
    const gone = this.store.isGone(record.process) ? "its worker has ended" : null;
    const parts = [
      status === null ? null : `status ${status}`,
      record.request && took === null ? "going on" : duration(took), `at ${clock(started)}`,
      record.request?.route ? `route ${record.request.route}` : null,
      record.request?.aborted ? `not sent to its end: ${record.request.reason}` : null,
      `worker ${record.process.split("-")[0]}`, gone,
    ];
    this.said.replaceChildren(parts.filter(Boolean).join(" · "));
    if (error) this.said.append(make("span", { class: "error" }, error));
  }

  #rule() {
    const { from, to } = this.plan;
    this.ruler.replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((share) => {
      const tick = make("span", {}, share ? duration((to - from) * share) : "0");
      tick.style.left = `${share * 100}%`;
      return tick;
    }));
  }

  #toggleUnheard() {
    this.unheard = !this.unheard;
    this.record.changed = true;
    this.refresh();
  }

  #same(row) {
    const { from, to } = this.plan;
    return [row.key, row.kind, row.open, row.from, row.to, row.many, row.level, from, to, row.key === this.chosen, isNarrow()].join();
  }

  #row(row) {
    return make("div", {
      class: `bar-row ${row.kind}`, "aria-level": row.level,
      "aria-expanded": row.open === null ? null : String(row.open),
      "aria-selected": row.key === this.chosen, "aria-label": this.#words(row),
    }, this.#name(row), this.#track(row), make("span", { class: "took" }, duration(row.took)));
  }

  #words({ kind, emission, delivery, many, took, failed }) {
    if (kind === "fold") return `${emission.signal}, sent ${many} times, ${duration(took)} in all`;
    if (kind === "emission") {
      const what = emission.unheard ?? (emission.muted ? "muted" : counted(emission.deliveries.length, "receiver", "receivers"));
      const crossing = crossingWords(emission);
      return `Signal ${emission.signal}, ${crossing ? `${crossing}, ` : ""}${what}, ${duration(took)}${failed ? ", failed" : ""}`;
    }
    return `Receiver ${delivery.receiver}, ${duration(took)}${failed ? `, failed: ${delivery.error}` : ""}`;
  }

  #name(row) {
    const { kind, emission, delivery, level, open, many } = row;
    const name = make("span", { class: "label" },
      make("span", { class: "fold-mark", "aria-hidden": "true" }, open === null ? "" : open ? "▾" : "▸"));
    // Deep trees stay readable: the names do not leave their column.
    name.style.paddingInlineStart = `${Math.min(level - 1, 9) * (isNarrow() ? 10 : 14)}px`;
    if (kind === "delivery") name.append(named(delivery.receiver), ...deliveryMarks(delivery));
    else {
      name.append(make("span", { class: "name signal" }, emission.signal));
      if (kind === "fold") name.append(make("span", { class: "many" }, `× ${many.toLocaleString("en")}`));
      else name.append(...emissionMarks(emission));
    }
    return name;
  }

  #track({ kind, from, to, failed, took, delivery, emission }) {
    const all = this.plan.to - this.plan.from;
    const slow = kind === "delivery" && took >= 0.1 && !failed;
    const idle = kind !== "delivery" && !emission.deliveries.length;
    const bar = make("span", {
      class: ["bar", kind, failed && "failed", slow && "slow", idle && "idle", delivery?.hop && "hop"].filter(Boolean).join(" "),
    });
    bar.style.left = `${(100 * (from - this.plan.from)) / all}%`;
    bar.style.width = `${Math.max(0, (100 * (to - from)) / all)}%`;
    return make("span", { class: "track" }, bar);
  }

  #choose(row) {
    if (!row) return;
    this.chosen = row.key;
    this.#about(row);
    this.tree.draw();
  }

  #about(row) {
    const about = row?.kind === "delivery" ? aboutDelivery : aboutEmission;
    this.facts.replaceChildren(...(row ? about(row, crossingFacts(this.store, row.emission)) : []));
  }

  // What has failed is looked for first.
  #notable() {
    const { rows } = this.plan;
    return rows.find((it) => it.failed && it.kind === "delivery") ?? rows[0];
  }

  #act(row, key, event) {
    if (!row) return false;
    const can = row.open !== null;
    if (key === "click") {
      if (event.target.closest(".fold-mark") && can) this.#toggle(row);
      return true;
    }
    if (key === "Enter" || key === " ") {
      if (can) this.#toggle(row);
      return true;
    }
    if (key === "ArrowRight") {
      if (can && !row.open) this.#toggle(row);
      else if (row.open) this.tree.move(this.tree.active + 1);
      return true;
    }
    if (key === "ArrowLeft") {
      if (row.open) this.#toggle(row);
      else this.#toParent(row);
      return true;
    }
    return false;
  }

  #toParent(row) {
    for (let index = this.tree.active - 1; index >= 0; index -= 1) {
      if (this.plan.rows[index].level < row.level) {
        this.tree.move(index);
        return;
      }
    }
  }

  #toggle(row) {
    const set = row.kind === "fold" ? this.opened : this.closed;
    if (!set.delete(row.key)) set.add(row.key);
    this.record.changed = true;
    this.refresh();
  }
}

const deliveryMarks = (one) => [
  one.error !== null ? mark("failed", "failed", one.error) : null,
  one.is_async ? mark("plain", "async", "An async receiver") : null,
  one.hop ? mark("plain", one.is_async ? "waited for" : "thread", "A wrapper of the sender called it, elsewhere") : null,
].filter(Boolean);

const emissionMarks = (it) => [
  it.muted ? mark("plain", "muted", "The signal was muted: no receiver was called") : null,
  it.problem !== null ? mark("failed", "payload", it.problem) : null,
  it.unheard !== null && !it.muted ? mark("plain", "unheard", it.unheard) : null,
  it.envelopes.length ? mark("plain", "relayed", crossingWords(it)) : null,
].filter(Boolean);

// The last part of an origin is there to make it unique.
const shortOrigin = (origin) => origin.replace(/:[^:]*$/, "");

const crossingWords = (it) =>
  it.origin !== null ? `relayed by ${shortOrigin(it.origin)}` : it.envelopes.length ? "relayed to other processes" : "";

const crossingFacts = (store, it) => {
  if (!it.envelopes.length) return [];
  const ends = store.otherEnds(it).map(({ emission, record }) => {
    const where = `${summary(record).verb} ${summary(record).title}, worker ${emission.process.split("-")[0]}`;
    return make("a", { href: `#/live/${encodeURIComponent(record.key)}` }, where);
  });
  const links = ends.length ? make("span", { class: "payload" }, ...ends) : null;
  if (it.origin === null) return [["Relayed to", links ?? "other processes; none that is shown here has told of it"]];
  return [["Relayed by", it.origin], ["Sent in", links]];
};

const aboutEmission = ({ kind, emission: it, many, took }, crossing) => [
  make("h3", {}, signalLink(it), kind === "fold" ? make("span", { class: "many" }, `× ${many.toLocaleString("en")}, ${duration(took)}`) : null),
  it.problem === null ? null : make("p", { class: "error" }, it.problem),
  facts([
    ["Namespace", it.namespace], ["Sender", it.sender], ["Sent at", it.location], ...crossing,
    ["Thread", it.task ? `${it.thread}, task ${it.task}` : it.thread],
    ["Unheard", it.unheard], ["Payload", payloadOf(it)],
  ]),
].filter(Boolean);

const payloadOf = (it) => {
  const entries = Object.entries(it.payload);
  if (!entries.length) return "none";
  return make("span", { class: "payload" },
    ...entries.map(([name, value]) => make("span", {}, make("b", {}, name), value === null ? "" : ` = ${value}`)));
};

const aboutDelivery = ({ emission, delivery: it }, crossing) => [
  make("h3", {}, named(it.receiver)),
  it.error === null ? null : make("p", { class: "error" }, make("span", {}, it.error)),
  facts([
    ["Receives", signalLink(emission)], ...crossing, ["Defined at", it.location], ["Connected at", it.connected], ["Raised at", it.error_location],
    ["Took", duration(it.duration)],
    ["Called", it.hop ? "through a wrapper of the sender" : it.is_async ? "awaited" : "in place"],
  ]),
].filter(Boolean);
