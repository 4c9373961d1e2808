// Makes elements, and says how long things took. All text of the program goes in as text.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((it) => it !== null && it !== undefined));
  return element;
};

const mark = (kind, text, title) => make("span", { class: `mark ${kind}`, title }, text);

const counted = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const duration = (seconds) => {
  if (seconds === null || seconds === undefined) return "–";
  const units = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
  const [size, unit] = units.find(([it]) => seconds >= it) ?? [1e-6, "µs"];
  const value = seconds / size;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
};

const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString("en-GB", {
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });

// A qualified name is read from its end: the module is what everything around has in common.
const named = (name) => {
  const text = String(name);
  const at = text.replace(/<[^>]*>/g, (it) => "x".repeat(it.length)).lastIndexOf(".") + 1;
  return make("span", { class: "name", title: text },
    at ? make("span", { class: "module" }, ...breakable(text.slice(0, at))) : null,
    make("span", { class: "last" }, text.slice(at)));
};

// Long names and places may be broken where a reader would pause, and nowhere else.
const breakable = (text) =>
  String(text).split(/(?<=[./])/).flatMap((it) => [it, make("wbr")]);

const signalLink = (it) =>
  make("a", { class: "name", href: addressOf(it) }, it.signal);

const addressOf = (it) =>
  `#/signal/${encodeURIComponent(it.namespace ?? "")}/${encodeURIComponent(it.signal)}`;

const facts = (pairs) => {
  const list = make("dl", { class: "facts" });
  for (const [term, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    const shown = typeof value === "string" ? breakable(value) : [value];
    list.append(make("dt", {}, term), make("dd", {}, ...shown));
  }
  return list;
};

const quantile = (sorted, share) =>
  sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null;
