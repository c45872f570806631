// One session with its records, and one record byte by byte.

import {badge, bytes, count, crc, crumbs, element, facts, heading, link, none, pager, plural, size, table, time} from "./elements.js";

const recordsAtOnce = 100;
const bytesAtOnce = 4096;

// Where a session stands: of a snapshot, or as it is.
const placeOf = ({snapshot, session}) => snapshot ? `snapshots/${snapshot}/sessions/${session}` : `sessions/${session}`;
const trail = ({snapshot, session}, last) => crumbs(...(snapshot
  ? [link("#/snapshots", "Snapshots"), link(`#/snapshots/${snapshot}`, `Snapshot ${snapshot}`)]
  : [link("#/sessions", "Sessions")]),
  last ? link(`#/${placeOf({snapshot, session})}`, `Session ${session}`) : `Session ${session}`, last);

const range = (first, number, all) => number === 0 ? "" : `${count(first)} to ${count(first + number - 1)} of ${count(all)}`;

export async function sessionView(ask, names, _) {
  const place = placeOf(names);
  const first = Number(names.query.get("first") ?? 0);
  const session = await ask(place);
  const records = await ask(`${place}/records?first=${first}&limit=${recordsAtOnce}`).catch(error => ({rows: [], error: error.message}));
  const writing = session.state === "active";
  const download = (ending, words, main) => element("a", {
    class: main ? "button main" : "button", href: `/api/${place}/data.${ending}`, download: "", id: `download-${ending}`}, words);
  const last = Math.max(0, Math.floor((session.objects - 1) / recordsAtOnce) * recordsAtOnce);
  return {again: writing && !names.snapshot, content: [
    trail(names),
    element("h1", {}, `Session ${session.id} `, badge(session.state)),
    element("p", {class: "lead"}, element("span", {class: "mono breaks"}, session.host), ` to ${session.volume} through ${session.drive}`,
      session.reason && `: ${session.reason}`),
    facts([
      ["Address", session.address ?? none("not known")],
      ["Started", time(session.started)], ["Ended", time(session.ended)],
      ["Records", `${count(session.objects)}, ${plural(session.filemarks, "filemark")} among them`],
      ["Data", size(session.bytes)],
      ["Durable", session.durable_objects >= session.objects ? "all" : `${count(session.durable_objects)} records`],
      ["Completed as", session.completion === null ? none("not completed") : `number ${count(session.completion)}`],
      ["Begins on the volume at", session.volume_object === null ? none("not copied there") : `object ${count(session.volume_object)}`],
      ["Files", session.files.length === 0 ? none("deleted") : session.files.map(file => element("span", {class: "sub mono"}, file))]]),
    !writing && session.kept && element("div", {class: "actions"},
      download("tap", "Download as .tap", true), download("bin", "Download the blocks joined")),
    writing && element("p", {class: "sub"}, "Its data can be opened when it has ended."),
    !session.kept && element("p", {class: "notice"}, "The segments of this session are deleted: no snapshot refers to them any more."),
    heading("Records", session.objects),
    records.error ? element("p", {class: "notice bad", role: "alert"}, records.error)
      : table("Records", [{title: "Record", number: true, class: "tight"}, {title: "Kind"}, {title: "Length", number: true},
        {title: "CRC32C"}, {title: "Durable"}, {title: "Offset in each file", number: true}],
        records.rows.map(record => Object.assign([
          link(`#/${place}/records/${record.number}`, count(record.number)),
          record.kind, record.kind === "block" ? size(record.length) : none(),
          record.kind === "block" ? element("span", {class: "mono"}, crc(record.crc32c)) : none(),
          record.durable ? "yes" : "not yet", record.offsets.map(count).join(", ") || none("not stored yet"),
        ], {key: record.number})), element("p", {}, "Nothing was written in it.")),
    session.objects > recordsAtOnce && pager(range(first, records.rows.length, session.objects),
      ["First", first > 0 && `#/${place}`], ["Previous", first > 0 && `#/${place}?first=${Math.max(0, first - recordsAtOnce)}`],
      ["Next", first + recordsAtOnce < session.objects && `#/${place}?first=${first + recordsAtOnce}`],
      ["Last", first < last && `#/${place}?first=${last}`]),
  ]};
}

// Sixteen bytes a line: offset, hex, text.
function dump(hex, from) {
  const lines = [];
  for (let at = 0; at < hex.length; at += 32) {
    const pairs = hex.slice(at, at + 32).match(/../g);
    const text = pairs.map(pair => {
      const code = parseInt(pair, 16);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "·";
    }).join("");
    const columns = [pairs.slice(0, 8).join(" "), pairs.slice(8).join(" ")].join("  ").padEnd(48);
    lines.push(element("span", {class: "at"}, (from + at / 2).toString(16).padStart(8, "0")), `  ${columns}  `,
      element("span", {class: "text"}, text), "\n");
  }
  return element("pre", {class: "hex", id: "hex", tabindex: "0", "aria-label": "Bytes of the block as hex and text"}, lines);
}

export async function blockView(ask, names) {
  const place = placeOf(names);
  const number = Number(names.record);
  const offset = Number(names.query.get("offset") ?? 0);
  const [session, look] = await Promise.all([
    ask(place), ask(`${place}/records/${number}?offset=${offset}&length=${bytesAtOnce}`)]);
  const record = look.record;
  const here = `#/${place}/records/${number}`;
  const shown = look.hex.length / 2;
  const length = record?.length ?? offset + shown;
  const filemark = record?.kind === "filemark";
  return {content: [
    trail(names, `Record ${count(number)}`),
    element("h1", {}, `Record ${count(number)} `, badge("", record?.kind ?? "block")),
    element("p", {class: "lead"}, `of session ${session.id} on ${session.volume}`),
    record && facts([
      ["Length", filemark ? none() : [size(record.length), record.length >= 1024 && element("span", {class: "sub"}, plural(record.length, "byte"))]],
      ["CRC32C, checked just now", filemark ? none() : element("span", {class: "mono"}, crc(record.crc32c))],
      ["Offset in each file", record.offsets.map(count).join(", ")]]),
    pager("", ["Previous record", number > 0 && `#/${place}/records/${number - 1}`],
      ["Next record", number + 1 < session.objects && `#/${place}/records/${number + 1}`]),
    heading("Data"),
    element("div", {class: "sheet"}, filemark ? element("div", {class: "empty"}, "A filemark has no data.") : dump(look.hex, offset)),
    !filemark && length > bytesAtOnce && pager(`Bytes ${range(offset, shown, length)} (${bytes(length)})`,
      ["Previous", offset > 0 && `${here}?offset=${Math.max(0, offset - bytesAtOnce)}`],
      ["Next", offset + shown < length && `${here}?offset=${offset + shown}`]),
  ]};
}
