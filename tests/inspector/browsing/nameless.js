// Returns what can be used or visited on the page, and has no name for a screen reader.
() => {
  const wanted = "a, button, input, select, textarea, [role], [tabindex]";
  const passive = "[role=presentation], [role=alert], [role=status], main";
  const named = (it) => it.getAttribute("aria-label") || it.labels?.length || it.textContent.trim();
  return [...document.querySelectorAll(wanted)]
    .filter((it) => it.checkVisibility() && !it.matches(passive) && !named(it))
    .map((it) => it.outerHTML);
}
