// The page "Check a document": computes the fingerprint of a file here, so that the file stays on the device.
"use strict";

const form = document.querySelector("[data-fingerprint]");

if (form && window.crypto && window.crypto.subtle) {
  const field = form.querySelector("[data-file]");
  field.hidden = false;
  form.querySelector("[data-typed]").hidden = true;
  field.querySelector("input").addEventListener("change", async (event) => {
    const file = event.target.files[0];
    form.elements.sha256.value = "";
    if (!file) return;
    const digest = await window.crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    const bytes = Array.from(new Uint8Array(digest));
    form.elements.sha256.value = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  });
}
