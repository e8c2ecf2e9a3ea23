// Tables that are brought up to date in place, so that neither focus nor selection is lost.
//
// A cell is a text, or {text, note, level, bar, line, title}: `note` stands below in small; `bar`
// is a share of 1; `line` a list of numbers from 0 to 1; `level` one of good, wait, warn, bad, off.

const kMarks = {good: "●", wait: "◐", warn: "▲", bad: "✖", off: "○"};

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function level_of_share(share) {
  return share >= 0.9 ? "bad" : share >= 0.75 ? "warn" : "good";
}

function bar_of(share) {
  const fill = element("i");
  fill.style.width = Math.min(100, Math.max(0, share * 100)).toFixed(1) + "%";
  return element("span", {class: "bar", "data-level": level_of_share(share), "aria-hidden": "true"}, fill);
}

// A chart of the size of a word.
function line_of(values) {
  const kNamespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(kNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 60 16");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "line");
  svg.setAttribute("aria-hidden", "true");
  const points = values.map((value, i) => {
    const x = (60 * i) / Math.max(1, values.length - 1);
    return x.toFixed(1) + "," + (15 - 14 * Math.min(1, value || 0)).toFixed(1);
  });
  const path = document.createElementNS(kNamespace, "polyline");
  path.setAttribute("points", points.join(" "));
  svg.append(path);
  return svg;
}

function fill_cell(td, cell) {
  const spec = typeof cell === "object" ? cell : {text: cell};
  const key = JSON.stringify(spec);
  if (td.roundhouse === key) return;
  td.roundhouse = key;
  const parts = [];
  if (spec.line) parts.push(line_of(spec.line));
  if (spec.level && !isTold(spec.bar))
    parts.push(element("span", {class: "mark", "data-level": spec.level, "aria-hidden": "true"}, kMarks[spec.level]));
  parts.push(element("span", {class: "value"}, spec.text));
  if (isTold(spec.bar)) parts.push(bar_of(spec.bar));
  if (spec.note) parts.push(element("small", {}, spec.note));
  td.replaceChildren(...parts);
  td.title = spec.title || "";
}

const class_of = (column) => [column.numeric ? "number" : "", column.size || ""].join(" ").trim();

class Table {
  // `columns`: [{name, numeric, size, title}]; the first heads its row. `size`: "short", "medium", "wide".
  constructor(place, caption, columns) {
    this.columns = columns;
    this.rows = new Map();
    this.caption = element("caption", {});
    this.body = element("tbody", {role: "rowgroup"});
    const heads = columns.map((column) => {
      const th = element("th", {scope: "col", role: "columnheader", class: class_of(column)}, column.name);
      if (column.title) th.title = column.title;
      return th;
    });
    const table = element("table", {role: "table"}, this.caption,
      element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, ...heads)), this.body);
    this.set_caption(caption);
    place.append(table);
    this.node = table;
  }

  set_caption(parts) {
    const key = JSON.stringify(parts);
    if (this.captioned === key) return;
    this.captioned = key;
    const [name, ...rest] = [].concat(parts);
    this.caption.replaceChildren(element("strong", {}, name), ...rest.map((text) => element("span", {}, text)));
  }

  make_row() {
    const row = element("tr", {role: "row"});
    this.columns.forEach((column, i) => {
      const attributes = {"data-name": column.name, class: class_of(column), role: i === 0 ? "rowheader" : "cell"};
      if (i === 0) attributes.scope = "row";
      row.append(element(i === 0 ? "th" : "td", attributes));
    });
    return row;
  }

  // `items`: [{key, cells, level}] in their order.
  update(items) {
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    items.forEach((item, place) => {
      let row = this.rows.get(item.key);
      if (!row) this.rows.set(item.key, (row = this.make_row()));
      if (this.body.children[place] !== row) this.body.insertBefore(row, this.body.children[place] || null);
      if (row.dataset.level !== (item.level || "")) row.dataset.level = item.level || "";
      item.cells.forEach((cell, i) => fill_cell(row.children[i], cell));
    });
  }
}
