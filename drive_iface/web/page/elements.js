// Elements and words that every view is made of. Everything that comes from outside goes through text nodes.

// element("a", {href: "#/live", class: "button"}, "Live", other)
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(4).filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

// Makes `old` like `fresh` and leaves alone what is the same, so that focus, selection and scrolling survive.
export function update(old, fresh) {
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((node, at) => {
    const there = before[at];
    if (!there) return old.append(node);
    if (there.nodeType !== node.nodeType || there.nodeName !== node.nodeName ||
        (there.dataset?.key ?? "") !== (node.dataset?.key ?? "")) return there.replaceWith(node);
    if (node.nodeType === Node.TEXT_NODE) {
      if (there.data !== node.data) there.data = node.data;
      return;
    }
    for (const {name} of [...there.attributes]) if (!node.hasAttribute(name)) there.removeAttribute(name);
    for (const {name, value} of [...node.attributes])
      if (there.getAttribute(name) !== value) there.setAttribute(name, value);
    update(there, node);
  });
  before.slice(after.length).forEach(node => node.remove());
}

// ---- words

export const count = number => number.toLocaleString("en-GB").replaceAll(",", "\u202f");

export function plural(number, one, many = one + "s") {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) { number /= 1024; ++unit; }
  return `${unit === 0 || number >= 100 ? Math.round(number) : number.toFixed(1)}\u00a0${units[unit]}`;
}

// With the exact number for who points at it.
export const size = number => element("span", {title: plural(number, "byte")}, bytes(number));

let skew = 0;  // the library's clock against the browser's, ms
export const clockIs = text => { skew = Date.parse(text) - Date.now(); };
export const now = () => Date.now() + skew;

export function age(text) {
  const seconds = Math.round((now() - Date.parse(text)) / 1000);
  if (seconds < 0) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min ago`;
  return `${plural(Math.floor(seconds / 86400), "day")} ago`;
}

export const utc = text => `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;

export function time(text) {
  if (!text) return element("span", {class: "none"}, "–");
  return element("time", {datetime: text, title: text, class: "nowrap"}, utc(text), element("small", {}, age(text)));
}

export const crc = number => number.toString(16).padStart(8, "0");

const looks = {
  active: "busy", complete: "good", merged: "good", incomplete: "bad",
  online: "good", forced_offline: "bad", reserved: "warn", free: "",
  loaded: "good", opening: "busy", loading: "busy", unloading: "busy",
};
export const badge = (word, text = word.replaceAll("_", " ")) =>
  element("span", {class: `badge ${looks[word] ?? ""}`}, text);

export const none = (text = "–") => element("span", {class: "none"}, text);

// ---- shapes

// columns: [{title, number, wide}], rows: [[cell, ...]], the first cell names the row.
export function table(caption, columns, rows, empty) {
  if (rows.length === 0) return element("div", {class: "sheet"}, element("div", {class: "empty"}, empty));
  const style = column => [column.number && "number", column.class].filter(Boolean).join(" ") || undefined;
  return element("div", {class: "sheet", role: "region", "aria-label": caption, tabindex: "0"},
    element("table", {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {},
        columns.map(column => element("th", {scope: "col", class: style(column)}, column.title)))),
      element("tbody", {}, rows.map(row => element("tr", {"data-key": row.key},
        columns.map((column, at) => at === 0
          ? element("th", {scope: "row", class: style(column)}, row[at])
          : element("td", {class: style(column)}, row[at])))))));
}

export const facts = pairs => element("dl", {class: "facts"},
  pairs.filter(Boolean).map(([name, ...value]) => element("div", {class: name === "Files" && "wide"},
    element("dt", {}, name), element("dd", {}, value))));

export const crumbs = (...steps) => element("p", {class: "crumbs"},
  steps.filter(Boolean).map((step, at) => [at > 0 && element("span", {"aria-hidden": "true"}, "›"), step]));

export const link = (address, ...text) => element("a", {href: address}, ...text);

export const command = text => element("code", {}, text);

export const heading = (text, number) => element("h2", {}, text,
  number !== undefined && element("span", {class: "count"}, count(number)));

// "Newer" and "Older", say; without an address it can not be followed.
export function pager(text, ...links) {
  const step = ([words, address]) => address
    ? element("a", {class: "button", href: address}, words)
    : element("a", {class: "button", "aria-disabled": "true"}, words);
  return element("div", {class: "pager"}, element("span", {}, text), element("span", {class: "spring"}), links.map(step));
}
