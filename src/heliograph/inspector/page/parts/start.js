// Puts the views together: the address chooses one, and news are shown once in a frame.

const narrow = matchMedia("(max-width: 760px)");
const isNarrow = () => narrow.matches;

const store = new Store();
const wiring = new Wiring();
const live = new Live(store);
const views = {
  live, called: new Called(store), idle: new Idle(store, wiring), unheard: new Unheard(store), signal: new SignalPage(store, wiring),
};
const main = document.getElementById("main");
let picture = "";
let lost = 0;
let view = null;
let due = false;

const later = () => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    view?.refresh();
  });
};

const talk = new Talk({
  onNews: (answer) => {
    store.workers = new Set(answer.workers);
    picture = answer.picture;
    lost += answer.lost;
    tell([
      lost ? `${counted(lost, "emission was", "emissions were")} given up before this page asked: the program sends more than it keeps.` : "",
      ...answer.notes,
    ].filter(Boolean).join(" "));
    const known = store.workers.size;
    const changed = store.take(answer);
    state();
    if (changed || known !== state.workers) later();
    state.workers = known;
  },
  onState: () => state(),
});

const state = () => {
  const status = document.getElementById("status");
  const kind = talk.away ? "away" : talk.paused ? "paused" : "live";
  document.body.dataset.state = kind;
  const text = talk.away
    ? `Application away since ${clock(talk.away.since)}: ${talk.away.why}. Trying again.`
    : talk.paused ? "Paused" : `Live · ${picture}`;
  // Said again only if it is news: a screen reader would repeat it every second.
  if (status.textContent !== text) status.textContent = text;
};

const route = () => {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decode);
  const next = views[name] ?? live;
  if (next !== view) {
    view = next;
    main.replaceChildren(view.element);
    main.dataset.view = view === live ? "live" : "page";
  }
  view.show(...rest);
  document.title = `${view.title} · Signals`;
  for (const link of document.querySelectorAll("nav a")) {
    const here = views[link.hash.slice(2)] === view;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
};

const decode = (part) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // Somebody has typed it.
  }
};

const pause = document.getElementById("pause");
pause.addEventListener("click", () => {
  const on = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(on));
  pause.textContent = on ? "Go on" : "Pause";
  talk.pause(on);
});
document.getElementById("clear").addEventListener("click", () => {
  store.clear();
  lost = 0;
  tell("");
  if (view === live) location.hash = "#/live";
  live.list.active = -1;
  route();
});
document.getElementById("test-copy").addEventListener("click", copy);
document.getElementById("test-close").addEventListener("click", () => document.getElementById("test").close());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // The part after "#" is the view's address.
  main.focus();
});
addEventListener("hashchange", route);
narrow.addEventListener("change", () => later());
addEventListener("keydown", (event) => {
  if (event.key === "/" && view === live && !event.target.matches("input:not([type=checkbox]), textarea, select") && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    live.text.focus();
  }
});

route();
state();
talk.start();
