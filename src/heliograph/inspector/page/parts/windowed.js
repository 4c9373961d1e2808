// Shows a list of any length by the few rows that can be seen, and moves in it by the keyboard.

const BEYOND = 6; // Rows above and below what can be seen.

class Windowed {
  // `options`: role and row role, label, height() in pixels, count(), row(index) -> element,
  // same(index) -> what a row shows, move(index), act(index, key) for keys of its own.
  constructor(options) {
    this.options = options;
    this.active = -1;
    this.shown = new Map(); // By what a row shows: its element.
    this.inner = make("div", { class: "inner", role: "presentation" });
    this.element = make("div", {
      class: "window", role: options.role, tabindex: "0", "aria-label": options.label,
      id: options.id, onscroll: () => this.draw(), onkeydown: (event) => this.#key(event),
      onclick: (event) => this.#click(event), onfocus: () => this.#focus(),
    }, this.inner);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  // Shows what has changed; `above` rows were added at the top.
  refresh(above = 0) {
    const height = this.options.height();
    this.inner.style.height = `${this.options.count() * height}px`;
    if (this.active >= 0) this.active = Math.min(this.active + above, this.options.count() - 1);
    // What is being read stays where it is.
    if (above && this.element.scrollTop > 0) this.element.scrollTop += above * height;
    this.draw();
  }

  draw() {
    const { height, count, rowRole, id } = this.options;
    const size = height();
    const first = Math.max(0, Math.floor(this.element.scrollTop / size) - BEYOND);
    const last = Math.min(count(), Math.ceil((this.element.scrollTop + this.element.clientHeight) / size) + BEYOND);
    const rows = [];
    const shown = new Map();
    for (let index = first; index < last; index += 1) {
      const element = this.#element(index, shown);
      element.setAttribute("role", rowRole);
      element.setAttribute("aria-setsize", count());
      element.setAttribute("aria-posinset", index + 1);
      element.classList.toggle("active", index === this.active);
      element.id = `${id}-${index}`;
      element.dataset.index = index;
      element.style.top = `${index * size}px`;
      element.style.height = `${size}px`;
      rows.push(element);
    }
    for (const [same, element] of this.shown) {
      if (shown.get(same) !== element) element.remove();
    }
    // What is there stays untouched: a row that is replaced under the mouse takes no click.
    rows.forEach((element, at) => {
      if (this.inner.children[at] !== element) this.inner.insertBefore(element, this.inner.children[at] ?? null);
    });
    this.shown = shown;
    const named = this.active >= first && this.active < last;
    if (named) this.element.setAttribute("aria-activedescendant", `${id}-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #element(index, shown) {
    const same = this.options.same(index);
    const element = this.shown.get(same) ?? this.options.row(index);
    shown.set(same, element);
    return element;
  }

  move(index, { quietly = false } = {}) {
    const { count, height, move } = this.options;
    if (!count()) return;
    this.active = Math.max(0, Math.min(count() - 1, index));
    const top = this.active * height();
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + height() > scrollTop + clientHeight) this.element.scrollTop = top + height() - clientHeight;
    this.draw();
    if (!quietly) move(this.active);
  }

  #focus() {
    if (this.active < 0) this.move(0, { quietly: true });
  }

  #click(event) {
    const row = event.target.closest("[data-index]");
    if (!row || event.target.closest("a")) return;
    this.move(Number(row.dataset.index), { quietly: true });
    this.options.act?.(this.active, "click", event);
    this.options.move(this.active);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.height()) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (event.key in steps) this.move(this.active + steps[event.key]);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(this.options.count() - 1);
    else if (!this.options.act?.(this.active, event.key, event)) return;
    event.preventDefault();
  }
}
