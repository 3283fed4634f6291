// The advanced editor of the page for SPARQL questions: fetched from this node when somebody asks for it, never before.
// The form works the same without it: what the editor holds goes back into the form's own field when the form is sent.
(() => {
  "use strict";
  const button = document.getElementById("advanced");
  const field = document.getElementById("query");
  if (!button || !field) return;
  const form = field.form;

  const loaded = (element) =>
    new Promise((resolve, reject) => {
      element.onload = resolve;
      element.onerror = reject;
      document.head.append(element);
    });

  const files = () =>
    Promise.all([
      loaded(Object.assign(document.createElement("link"), { rel: "stylesheet", href: button.dataset.style })),
      loaded(Object.assign(document.createElement("script"), { src: button.dataset.script })),
    ]);

  // As it comes, the editor completes classes and properties from a server far away and adds prefixes of its own choice:
  // only what knows the question alone stays.
  const keepVariablesOnly = (Yasqe) => {
    for (const name of Object.keys(Yasqe.Autocompleters)) if (name !== "variables") delete Yasqe.Autocompleters[name];
    Yasqe.defaults.autocompleters = ["variables"];
  };

  // Nothing is asked of anybody: no list of prefixes from elsewhere, no storage, no link, no query by script.
  const settings = () => ({
    value: field.value,
    prefixCcApi: null,
    persistenceId: null,
    consumeShareLink: null,
    createShareableLink: null,
    showQueryButton: false,
    resizeable: false,
    requestConfig: { endpoint: form.action, method: "GET" },
    screenReaderLabel: button.dataset.label,
    viewportMargin: Infinity,
    extraKeys: {
      Tab: false,
      "Shift-Tab": false,
      Esc: (editor) => editor.getInputField().blur(),
      "Ctrl-Enter": () => form.requestSubmit(),
      "Cmd-Enter": () => form.requestSubmit(),
      "Ctrl-Space": (editor) => editor.autocomplete(),
      "Ctrl-/": (editor) => editor.commentLines(),
    },
  });

  const open = () => {
    keepVariablesOnly(window.Yasqe);
    const place = document.createElement("div");
    field.after(place);
    const editor = new window.Yasqe(place, settings());
    editor.setSize(null, "auto");
    editor.on("change", () => (field.value = editor.getValue()));
    field.hidden = true;
    button.hidden = true;
    editor.focus();
  };

  button.addEventListener("click", () => {
    button.disabled = true;
    files()
      .then(open)
      .catch(() => (button.textContent = button.dataset.failed));
  });
  button.hidden = false;
})();
