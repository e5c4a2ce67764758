// Copies the payment code. Without this file the code can still be selected with a tap.
"use strict";

function select(code) {
  const range = document.createRange();
  range.selectNodeContents(code);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent.trim());
  } catch {
    // No clipboard without HTTPS, nor where the browser refuses it.
    select(code);
    document.execCommand("copy");
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(document.getElementById(button.dataset.copy));
    button.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = label;
    }, 2500);
  });
}
