/* Passing a bulletin on without the node's network: copied words, and a picture painted here, so that
   it can be sent wherever pictures can. ES2017; works without HTTPS. */
(function () {
"use strict";
const byId = (id) => document.getElementById(id);
const section = byId("share"), words = byId("words"), told = byId("told");
const p = JSON.parse(section.dataset.picture);
const WIDE = 1080, EDGE = 64;
byId("tools").hidden = false;

byId("copy").addEventListener("click", () => {
  words.focus();
  words.setSelectionRange(0, words.value.length);
  if (document.execCommand("copy")) told.textContent = byId("copy").dataset.done;
});

function wrapped(g, text, wide) {
  const lines = [];
  let line = "";
  text.split(/\s+/).forEach((word) => {
    // A word that is wider than the picture is cut: nothing may run out of it.
    while (g.measureText(word).width > wide) {
      let n = word.length;
      while (n > 1 && g.measureText(word.slice(0, n)).width > wide) n--;
      if (line) lines.push(line);
      line = "";
      lines.push(word.slice(0, n));
      word = word.slice(n);
    }
    const longer = line ? line + " " + word : word;
    if (g.measureText(longer).width <= wide) { line = longer; return; }
    lines.push(line);
    line = word;
  });
  if (line) lines.push(line);
  return lines;
}
// [text, size, weight, colour] from top to bottom; the height follows from the words.
function painted() {
  const canvas = document.createElement("canvas"), g = canvas.getContext("2d");
  const font = (size, bold) => { g.font = (bold ? "bold " : "") + size + "px sans-serif"; };
  const rows = [];
  p.rows.forEach((row) => {
    font(row.size, row.bold);
    wrapped(g, row.text, WIDE - 2 * EDGE).forEach((text) => rows.push(
      Object.assign({}, row, {text})));
    rows.push({text: "", size: row.size / 2});
  });
  const top = 200, foot = 40;
  canvas.width = WIDE;
  canvas.height = top + EDGE + foot + rows.reduce((sum, row) => sum + row.size * 1.35, 0);
  g.fillStyle = "#ffffff";
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.fillStyle = p.colour;
  g.fillRect(0, 0, WIDE, top);
  g.fillRect(0, canvas.height - foot, WIDE, foot);
  g.fillStyle = "#ffffff";
  font(84, true);
  g.fillText(p.label, EDGE, 108, WIDE - 2 * EDGE);
  font(40, false);
  g.fillText(p.under, EDGE, 168, WIDE - 2 * EDGE);
  let y = top + EDGE;
  rows.forEach((row) => {
    font(row.size, row.bold);
    g.fillStyle = row.soft ? "#40524a" : "#12211a";
    y += row.size;
    g.fillText(row.text, EDGE, y);
    // Through the old words alone: what replaced them must stay easy to read.
    if (row.struck) {
      g.fillStyle = "#a61b1b";
      g.fillRect(EDGE, y - row.size * 0.36, g.measureText(row.text).width, 6);
    }
    y += row.size * 0.35;
  });
  return canvas;
}
byId("paint").addEventListener("click", () => {
  painted().toBlob((blob) => {
    const place = byId("place"), url = URL.createObjectURL(blob);
    const image = document.createElement("img"), link = document.createElement("a");
    image.src = url;
    image.alt = words.value;
    link.href = url;
    link.download = p.file;
    link.className = "go";
    link.textContent = p.save;
    place.textContent = "";
    place.append(image, link);
    link.scrollIntoView({block: "end"});
  }, "image/png");
});
})();
