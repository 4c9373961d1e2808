"use strict";
(() => {
  const svg = document.querySelector("svg");
  const nodes = new Map();
  const edges = [...document.querySelectorAll(".edge")];
  for (const node of document.querySelectorAll(".node")) nodes.set(node.dataset.node, node);

  // What leads to a node and what leads on from it, through signals.
  function near(id) {
    const found = new Set([id]);
    const lines = [];
    for (const side of [["source", "target"], ["target", "source"]]) {
      let ends = [id];
      while (ends.length) {
        const next = [];
        for (const edge of edges) {
          if (!ends.includes(edge.dataset[side[0]])) continue;
          lines.push(edge);
          const other = edge.dataset[side[1]];
          if (!found.has(other)) { found.add(other); next.push(other); }
        }
        ends = next;
      }
    }
    return [found, lines];
  }

  function show(id) {
    for (const it of document.querySelectorAll(".near")) it.classList.remove("near");
    svg.classList.toggle("shown", id !== null);
    if (id === null) return;
    const [found, lines] = near(id);
    for (const it of found) nodes.get(it).classList.add("near");
    for (const it of lines) it.classList.add("near");
  }

  for (const [id, node] of nodes) {
    node.addEventListener("mouseenter", () => show(id));
    node.addEventListener("focus", () => show(id));
    node.addEventListener("mouseleave", () => show(null));
    node.addEventListener("blur", () => show(null));
  }

  const sections = [...document.querySelectorAll("section[data-name]")];
  const place = document.getElementById("filter");
  const input = place.querySelector("input");
  const told = place.querySelector("output");
  place.hidden = sections.length < 2;
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    let left = 0;
    for (const it of sections) {
      it.hidden = !it.dataset.name.includes(text);
      left += it.hidden ? 0 : 1;
    }
    told.textContent = text ? `${left} of ${sections.length} signals` : "";
  });
})();
