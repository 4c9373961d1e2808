// Takes a request out of the page: as a test for pytest, and as a file for Perfetto.

const traceOf = (record) => ({ request: record.request, emissions: record.emissions.map(({ home, ...it }) => it) });

const post = (what, value) =>
  ask(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

const copyAsTest = async (record) => {
  const dialog = document.getElementById("test");
  const text = document.getElementById("test-text");
  const note = document.getElementById("test-note");
  document.getElementById("test-said").textContent = "";
  const button = document.getElementById("test-copy");
  text.value = "";
  button.disabled = true;
  note.textContent = "Writing it …";
  dialog.showModal();
  try {
    const made = await post("test", traceOf(record));
    text.value = made.test;
    note.textContent = made.note;
    button.disabled = false;
    button.focus();
  } catch (error) {
    note.textContent = `The program did not write it: ${error.message}.`;
  }
};

const copy = async () => {
  const text = document.getElementById("test-text");
  const said = document.getElementById("test-said");
  text.select();
  try {
    await navigator.clipboard.writeText(text.value);
    said.textContent = "Copied";
  } catch {
    // Browsers give the clipboard to secure pages alone.
    said.textContent = "Selected: copy it with your keys";
    text.focus();
  }
};

const downloadTrace = async (record) => {
  try {
    const made = await post("perfetto", traceOf(record));
    const link = make("a", {
      href: URL.createObjectURL(new Blob([JSON.stringify(made)], { type: "application/json" })),
      download: "signals.perfetto.json",
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  } catch (error) {
    tell(`The program did not make the file: ${error.message}.`);
  }
};

const tell = (text) => {
  const notice = document.getElementById("notice");
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = !text;
};
