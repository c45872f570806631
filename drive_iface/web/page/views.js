// What is going on, and the lists.

import {age, badge, bytes, clockIs, command, count, crumbs, element, facts, heading, link, none, pager, plural, size,
  table, time, utc} from "./elements.js";

const sessionLink = (id, snapshot) =>
  link(snapshot ? `#/snapshots/${snapshot}/sessions/${id}` : `#/sessions/${id}`, `${id}`);

const host = (name, address) => [element("span", {class: "mono breaks"}, name), address && element("small", {}, address)];

const driveAndVolume = session => element("span", {class: "nowrap"},
  element("span", {class: "mono"}, session.drive), " → ", element("span", {class: "mono"}, session.volume));

// ---- live

const holderOf = drive => drive.reservation.state === "free" ? none("free")
  : [badge(drive.reservation.state, drive.reservation.kind === "none" ? undefined : drive.reservation.kind.replaceAll("_", " ")),
     drive.reservation.holders.map(port => element("small", {class: "mono breaks"}, port.name))];

function writersOf(drive) {
  const ids = drive.writers.flatMap((id, at) => [at > 0 && ", ", sessionLink(id)]);
  if (ids.length > 0) return [drive.writers.length > 1 ? "sessions " : "session ", ids];
  if (drive.hosts.length === 0) return none("nobody");
  return drive.hosts.map(port => element("small", {class: "mono breaks"}, port.name, " (logged in)"));
}

const driveRow = drive => Object.assign([
  [element("span", {class: "mono"}, drive.serial), element("small", {}, drive.product, drive.parallel && " · parallel")],
  [badge(drive.state), drive.offline_reason && element("small", {}, drive.offline_reason)],
  drive.cartridge ? [element("span", {class: "mono"}, drive.cartridge), element("small", {}, drive.medium_error ?? drive.medium)]
    : none("empty"),
  holderOf(drive),
  writersOf(drive),
], {key: drive.serial});

// Between two looks, by session: bytes and when.
let looked = new Map();
function rates(sessions, at) {
  const next = new Map();
  for (const {id, bytes: amount} of sessions) {
    const before = looked.get(id);
    if (before && at - before.at < 500) { next.set(id, before); continue; }
    const rate = before ? (amount - before.amount) * 1000 / (at - before.at) : undefined;
    next.set(id, {amount, at, rate});
  }
  looked = next;
}

function durable(session) {
  const part = session.objects === 0 ? 1 : session.durable_objects / session.objects;
  return [element("meter", {min: 0, max: 1, value: part.toFixed(3), "aria-label": "durable"}),
    part >= 1 ? "all" : `${count(session.durable_objects)} of ${count(session.objects)}`];
}

const activeRow = session => Object.assign([
  sessionLink(session.id),
  host(session.host, session.address),
  driveAndVolume(session),
  count(session.objects), size(session.bytes),
  looked.get(session.id)?.rate === undefined ? none() : `${bytes(looked.get(session.id).rate)}/s`,
  durable(session), time(session.started),
], {key: session.id});

const recentRow = session => Object.assign([
  sessionLink(session.id),
  host(session.host, session.address),
  element("span", {class: "mono"}, session.volume),
  [badge(session.state), session.reason && element("small", {}, session.reason)],
  count(session.objects), size(session.bytes), time(session.ended),
], {key: session.id});

const recentColumns = [
  {title: "Session"}, {title: "Host"}, {title: "Volume"}, {title: "State"}, {title: "Objects", number: true},
  {title: "Data", number: true}, {title: "Ended"}];

const flags = cartridge => [
  cartridge.write_protected && badge("", "write protected"), " ", cartridge.worm && badge("", "WORM"), " ",
  cartridge.cleaning && badge("", "cleaning")];

const cartridgeRow = cartridge => Object.assign([
  element("span", {class: "mono"}, cartridge.barcode),
  cartridge.place ?? none("no slot"),
  [element("meter", {min: 0, max: Math.max(1, cartridge.capacity), value: cartridge.used, "aria-label": "used"}),
   size(cartridge.used)],
  size(cartridge.capacity), flags(cartridge),
], {key: cartridge.barcode});

const cartridgesAtOnce = 100;

export async function liveView(ask, {query}, {named}) {
  const first = Number(query.get("cartridges") ?? 0);
  const [live, shelf] = await Promise.all([ask("live"), ask(`cartridges?first=${first}&limit=${cartridgesAtOnce}`)]);
  clockIs(live.now);
  named(live.library);
  rates(live.active, performance.now());
  const loaded = live.drives.filter(drive => drive.cartridge).length;
  const newest = live.snapshots?.newest;
  const shown = shelf.cartridges.length;
  return {again: true, content: [
    element("h1", {}, live.active_count > 0 ? `${plural(live.active_count, "session")} writing` : "Nobody is writing"),
    element("p", {class: "lead"}, `${plural(live.drives.length, "drive")}, ${loaded} loaded · ${plural(shelf.count, "cartridge")} · `,
      live.snapshots === null ? "no snapshots are taken" : link("#/snapshots", plural(live.snapshots.count, "snapshot")),
      newest && `, the newest ${age(newest.taken)}`, ` · vtld ${live.version}`),
    heading("Drives", live.drives.length),
    table("Drives", [{title: "Drive"}, {title: "State"}, {title: "Cartridge"}, {title: "Holder"}, {title: "In use by"}],
      live.drives.map(driveRow)),
    heading("Writing now", live.active_count),
    table("Sessions that are written", [
      {title: "Session"}, {title: "Host"}, {title: "Drive and volume"}, {title: "Objects", number: true},
      {title: "Data", number: true}, {title: "Rate", number: true}, {title: "Durable", class: "nowrap"}, {title: "Since"}],
      live.active.map(activeRow), live.parallel
        ? [element("p", {}, "No host writes to a parallel drive now."),
           element("p", {}, "Over rmt: ", command("tar --rsh-command=vtl-rsh --rmt-command=rmt -cf localhost:DRIVE/VOLUME …"))]
        : [element("p", {}, "No drive of this library is parallel, so there are no write sessions."),
           element("p", {}, command('"drives": [{"serial": "…", "parallel": true}]'), " in vtld.json makes one.")]),
    heading("Ended last", live.session_count - live.active_count),
    table("Sessions that ended last", recentColumns, live.recent.map(recentRow), element("p", {}, "No session has ended yet.")),
    heading("Cartridges", shelf.count),
    table("Cartridges", [{title: "Barcode"}, {title: "Place"}, {title: "Used"}, {title: "Capacity", number: true}, {title: ""}],
      shelf.cartridges.map(cartridgeRow), [element("p", {}, "There is no cartridge."), element("p", {}, command("lractl cartridge create BARCODE"))]),
    shelf.count > cartridgesAtOnce && pager(`${count(first + 1)} to ${count(first + shown)} of ${count(shelf.count)}`,
      ["Previous", first > 0 && `#/live?cartridges=${Math.max(0, first - cartridgesAtOnce)}`],
      ["Next", first + shown < shelf.count && `#/live?cartridges=${first + shown}`]),
    shelf.administrative.length > 0 && element("p", {class: "sub"}, "Administrative volumes, mounted like cartridges: ",
      shelf.administrative.map((volume, at) => [at > 0 && ", ", element("span", {class: "mono"}, volume.barcode)])),
  ]};
}

// ---- all sessions

export async function sessionsView(ask, {query}) {
  const before = query.get("before");
  const list = await ask(`sessions?limit=100${before ? `&before=${before}` : ""}`);
  return {content: [
    element("h1", {}, "Write sessions"),
    element("p", {class: "lead"}, `${plural(list.count, "session")} remembered, the newest first.`),
    table("Write sessions", [...recentColumns.slice(0, 6), {title: "Started"}, {title: "Ended"}], list.rows.map(session =>
      Object.assign([...recentRow(session).slice(0, 6), time(session.started), time(session.ended)], {key: session.id})),
      element("p", {}, "No host has written to a parallel drive yet.")),
    (before || list.next) && pager("", ["Newest", before && "#/sessions"], ["Older", list.next && `#/sessions?before=${list.next}`]),
  ]};
}

// ---- snapshots

export function causeOf(snapshot) {
  if (snapshot.cause === "completion" && snapshot.completed)
    return ["completion of session ", link(`#/snapshots/${snapshot.number}/sessions/${snapshot.completed}`, `${snapshot.completed}`)];
  if (snapshot.cause === "on_demand") return [`on demand${snapshot.by ? ` by ${snapshot.by}` : ""}`,
    snapshot.reason && element("small", {}, snapshot.reason)];
  return snapshot.cause.replaceAll("_", " ");
}

const keptBadge = snapshot => snapshot.kept &&
  element("span", {title: [snapshot.kept_by, snapshot.kept_reason].filter(Boolean).join(": ")}, badge("good", "kept"));

export async function snapshotsView(ask, {query}) {
  const before = query.get("before");
  const list = await ask(`snapshots?limit=100${before ? `&before=${before}` : ""}`);
  const chosen = {from: list.rows[1]?.number, to: list.rows[0]?.number};
  const compare = element("a", {class: "button main", id: "compare"}, "Compare the two");
  const point = () => compare.setAttribute("href", `#/snapshots/${chosen.from}/diff/${chosen.to}`);
  point();
  const choice = (which, snapshot) => element("input", {
    type: "radio", name: which, value: snapshot.number, checked: chosen[which] === snapshot.number,
    "aria-label": `${which === "from" ? "compare from" : "compare to"} snapshot ${snapshot.number}`,
    onchange: () => { chosen[which] = snapshot.number; point(); }});
  const rows = list.rows.map((snapshot, at) => Object.assign([
    link(`#/snapshots/${snapshot.number}`, `${snapshot.number}`), time(snapshot.taken), causeOf(snapshot),
    [count(snapshot.sessions), snapshot.active > 0 && element("small", {}, `${snapshot.active} writing`)],
    count(snapshot.objects), size(snapshot.bytes), keptBadge(snapshot),
    choice("from", snapshot), choice("to", snapshot),
    list.rows[at + 1] ? link(`#/snapshots/${list.rows[at + 1].number}/diff/${snapshot.number}`, "changes") : none(),
  ], {key: snapshot.number}));
  return {content: [
    element("h1", {}, "Snapshots"),
    element("p", {class: "lead"}, "How the write sessions were at a moment, and their data as of then, also when a volume was ",
      "overwritten since. ", plural(list.count, "snapshot"), "."),
    table("Snapshots", [{title: "Snapshot"}, {title: "Taken"}, {title: "Cause"}, {title: "Sessions", number: true},
      {title: "Objects", number: true}, {title: "Data", number: true}, {title: ""}, {title: "From"}, {title: "To"},
      {title: "Since the one before"}], rows,
      [element("p", {}, "There is no snapshot yet."),
       element("p", {}, command("lractl snapshot take --reason TEXT"), " takes one; others are taken when a session completes.")]),
    element("div", {class: "actions"}, list.rows.length > 1 && compare),
    (before || list.next) && pager("", ["Newest", before && "#/snapshots"], ["Older", list.next && `#/snapshots?before=${list.next}`]),
  ]};
}

const snapshotRow = number => session => Object.assign([
  sessionLink(session.id, number), host(session.host, session.address),
  driveAndVolume(session),
  [badge(session.state), session.reason && element("small", {}, session.reason)],
  count(session.objects), size(session.bytes), time(session.started), time(session.ended),
], {key: session.id});

export async function snapshotView(ask, {numbers: [number], query}) {
  const after = query.get("after");
  const [{snapshot, sessions}, {rows: [previous]}] = await Promise.all([
    ask(`snapshots/${number}?limit=100${after ? `&after=${after}` : ""}`), ask(`snapshots?before=${number}&limit=1`)]);
  return {content: [
    crumbs(link("#/snapshots", "Snapshots"), `Snapshot ${number}`),
    element("h1", {}, `Snapshot ${number}`),
    element("p", {class: "lead"}, `${utc(snapshot.taken)}, ${age(snapshot.taken)}`),
    facts([
      ["Cause", causeOf(snapshot)],
      ["Sessions", `${count(snapshot.sessions)}, ${snapshot.active} of them writing`],
      ["Objects", count(snapshot.objects)], ["Data", size(snapshot.bytes)],
      ["Retention", snapshot.kept ? `kept${snapshot.kept_by ? ` by ${snapshot.kept_by}` : ""}` : "may be removed when it is its turn",
        snapshot.kept_reason && element("span", {class: "sub"}, snapshot.kept_reason)]]),
    element("div", {class: "actions"},
      snapshot.sessions > 0 && element("a", {class: "button", href: `/api/snapshots/${number}/data.tap`, download: ""}, "All data as .tap"),
      previous && element("a", {class: "button", href: `#/snapshots/${previous.number}/diff/${number}`},
        `Changes since ${previous.number}`)),
    heading("Sessions", sessions.count),
    table(`Sessions of snapshot ${number}`, [{title: "Session"}, {title: "Host"}, {title: "Drive and volume"}, {title: "State then"},
      {title: "Objects", number: true}, {title: "Data", number: true}, {title: "Started"}, {title: "Ended"}],
      sessions.rows.map(snapshotRow(number)), element("p", {}, "No session was remembered at that moment.")),
    (after || sessions.next) && pager("", ["First", after && `#/snapshots/${number}`],
      ["Next", sessions.next && `#/snapshots/${number}?after=${sessions.next}`]),
  ]};
}

// ---- the difference of two

const change = (was, is, form = String) => was === undefined ? form(is) : is === undefined ? form(was)
  : was === is ? element("span", {class: "none"}, form(is))
  : element("span", {class: "change"}, element("span", {class: "was"}, form(was)), " → ", element("strong", {}, form(is)));

const differenceRow = to => one => {
  const row = one.after ?? one.before;
  return Object.assign([
    one.after ? sessionLink(one.id, to) : `${one.id}`, host(row.host, row.address), element("span", {class: "mono"}, row.volume),
    one.words, change(one.before?.state, one.after?.state), change(one.before?.objects, one.after?.objects, count),
    change(one.before?.bytes, one.after?.bytes, bytes),
  ], {key: one.id});
};

export async function differenceView(ask, {numbers: [a, b], query}) {
  const after = query.get("after");
  const {from, to, sessions} = await ask(`snapshots/${a}/diff/${b}?limit=100${after ? `&after=${after}` : ""}`);
  const seconds = Math.round((Date.parse(to.taken) - Date.parse(from.taken)) / 1000);
  return {content: [
    crumbs(link("#/snapshots", "Snapshots"), `${from.number} to ${to.number}`),
    element("h1", {}, "From snapshot ", link(`#/snapshots/${from.number}`, from.number), " to ", link(`#/snapshots/${to.number}`, to.number)),
    element("p", {class: "lead"}, `${utc(from.taken)} to ${utc(to.taken)}, ${plural(seconds, "second")}`),
    facts([
      ["Sessions", change(from.sessions, to.sessions, count)], ["Writing", change(from.active, to.active, count)],
      ["Objects", change(from.objects, to.objects, count)], ["Data", change(from.bytes, to.bytes, bytes)]]),
    heading("What happened", sessions.count),
    table("Sessions that differ", [{title: "Session"}, {title: "Host"}, {title: "Volume"}, {title: "What happened"}, {title: "State"},
      {title: "Objects", number: true}, {title: "Data", number: true}],
      sessions.rows.map(differenceRow(to.number)), element("p", {}, "Nothing changed between the two.")),
    (after || sessions.next) && pager("", ["First", after && `#/snapshots/${a}/diff/${b}`],
      ["Next", sessions.next && `#/snapshots/${a}/diff/${b}?after=${sessions.next}`]),
  ]};
}
