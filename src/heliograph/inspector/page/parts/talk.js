// Asks the program for news, by short requests that hold no worker; survives that it goes away.

const EVERY = 1000;
const AGAIN = [1000, 2000, 5000]; // Milliseconds after the first, the second, and each later failure.
const LONGEST = 10000;

// The only answers that count are the page's own: a proxy's page or a login is none of them.
const ask = async (what, options = {}) => {
  const answer = await fetch(what, {
    cache: "no-store", redirect: "manual", credentials: "same-origin",
    signal: AbortSignal.timeout(LONGEST), ...options,
  });
  if (answer.type === "opaqueredirect") throw new Error("it redirects to another page, a login perhaps");
  const text = await answer.text();
  if (!answer.ok) throw new Error(answer.status === 403 ? "it asks for the token: open this page with ?token=…" : `it answers with status ${answer.status}`);
  if (!answer.headers.get("content-type")?.startsWith("application/json")) throw new Error("something else answers");
  return JSON.parse(text);
};

class Talk {
  constructor({ onNews, onState }) {
    this.onNews = onNews;
    this.onState = onState;
    this.cursor = "";
    this.away = null; // Since when, and why.
    this.failures = 0;
    this.paused = false;
    this.timer = null;
    this.busy = false;
    document.addEventListener("visibilitychange", () => this.#now());
    addEventListener("online", () => this.#now());
  }

  start() {
    this.#now();
  }

  pause(on) {
    this.paused = on;
    this.onState();
    this.#now();
  }

  #now() {
    clearTimeout(this.timer);
    if (!this.paused && document.visibilityState === "visible" && !this.busy) this.#step();
  }

  async #step() {
    this.busy = true;
    let wait = EVERY;
    try {
      const answer = await ask(`news?after=${encodeURIComponent(this.cursor)}`);
      this.cursor = answer.cursor;
      this.failures = 0;
      this.away = null;
      this.onNews(answer);
      if (answer.more) wait = 0;
    } catch (error) {
      wait = AGAIN[Math.min(this.failures, AGAIN.length - 1)];
      this.failures += 1;
      this.away ??= { since: Date.now() / 1000 };
      this.away.why = this.#why(error);
      this.onState();
    }
    this.busy = false;
    if (!this.paused && document.visibilityState === "visible") this.timer = setTimeout(() => this.#step(), wait);
  }

  #why(error) {
    if (error.name === "TimeoutError") return "it does not answer";
    if (error.name === "SyntaxError") return "something else answers";
    if (error instanceof TypeError) return "it cannot be reached";
    return error.message;
  }
}
