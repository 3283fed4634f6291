// One key for each answer on the review page: a convenience, all of it works without. They can be switched off, and the browser remembers.
(() => {
  "use strict";
  const box = document.getElementById("keys");
  if (!box) return;
  box.closest("[hidden]").hidden = false;
  try {
    box.checked = localStorage.getItem("review-keys") !== "off";
  } catch {
    box.checked = true;
  }
  box.addEventListener("change", () => {
    try {
      localStorage.setItem("review-keys", box.checked ? "on" : "off");
    } catch {
      // not remembered, then
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (!box.checked || typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
