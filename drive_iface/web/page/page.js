// Which view is shown, and how it stays up to date.

import {clockIs, crumbs, element, link, update, utc} from "./elements.js";
import {differenceView, liveView, sessionsView, snapshotView, snapshotsView} from "./views.js";
import {blockView, sessionView} from "./record_views.js";

const refreshEvery = 1000;  // ms, of views that show what is going on

// The address behind #, its view, and which navigation entry it belongs to.
const addresses = [
  [/^\/live$/, liveView, "live"],
  [/^\/snapshots$/, snapshotsView, "snapshots"],
  [/^\/snapshots\/(\d+)$/, snapshotView, "snapshots"],
  [/^\/snapshots\/(\d+)\/diff\/(\d+)$/, differenceView, "snapshots"],
  [/^\/snapshots\/(?<snapshot>\d+)\/sessions\/(?<session>\d+)$/, sessionView, "snapshots"],
  [/^\/snapshots\/(?<snapshot>\d+)\/sessions\/(?<session>\d+)\/records\/(?<record>\d+)$/, blockView, "snapshots"],
  [/^\/sessions$/, sessionsView, "sessions"],
  [/^\/sessions\/(?<session>\d+)$/, sessionView, "sessions"],
  [/^\/sessions\/(?<session>\d+)\/records\/(?<record>\d+)$/, blockView, "sessions"],
];

const main = document.getElementById("main");
const pulse = document.getElementById("pulse");
let turn = 0;  // of what is shown; what belongs to an earlier one is dropped
let timer = 0;

// The answer's JSON; throws with the library's own words.
async function ask(address) {
  const response = await fetch(`/api/${address}`, {cache: "no-store"});
  const answer = await response.json().catch(() => ({error: `answer ${response.status} is no JSON`}));
  if (!response.ok) throw Object.assign(new Error(answer.error), {status: response.status});
  return answer;
}

async function introduce() {
  const live = await ask("live");
  clockIs(live.now);
  named(live.library);
}

export function named(library) {
  document.getElementById("library").replaceChildren(
    `${library.vendor} ${library.product}`, element("span", {class: "serial mono"}, library.serial));
  document.title = `${library.serial} · virtual tape library`;
}

function missing(path) {
  return [crumbs(link("#/live", "Live")), element("h1", {}, "Nothing here"),
    element("p", {class: "lead"}, `There is no view at ${path}.`)];
}

async function show(mine, fresh) {
  const [path, query = ""] = (location.hash.slice(1) || "/live").split("?");
  const found = addresses.map(([pattern, view, entry]) => ({match: path.match(pattern), view, entry})).find(one => one.match);
  for (const entry of document.querySelectorAll("nav a")) {
    if (entry.dataset.view === found?.entry) entry.setAttribute("aria-current", "page");
    else entry.removeAttribute("aria-current");
  }
  let content, again = false;
  try {
    if (!found) content = missing(path);
    else ({content, again = false} = await found.view(ask, {
      ...found.match.groups, numbers: found.match.slice(1), query: new URLSearchParams(query)}, {named}));
    pulse.classList.remove("lost");
    const moment = utc(new Date().toISOString());
    pulse.textContent = again ? `live · ${moment}` : `as of ${moment}`;
  } catch (error) {
    if (mine !== turn) return;
    const unreachable = error.status === undefined;
    pulse.classList.toggle("lost", unreachable);
    if (unreachable) pulse.textContent = "vtld does not answer; trying again";
    again = unreachable;
    if (!unreachable || fresh) content = [
      element("h1", {}, unreachable ? "The library does not answer" : "This can not be shown"),
      element("p", {class: "notice bad", role: "alert"}, unreachable ? "Is vtld running? systemctl status vtld" : error.message),
      element("p", {}, link("#/live", "Live view"), " · ", link("#/snapshots", "Snapshots"))];
  }
  if (mine !== turn) return;
  if (content) {
    const view = element("div", {}, content);
    if (fresh) main.replaceChildren(...view.childNodes);
    else update(main, view);
  }
  main.dataset.shown = path;  // for whoever waits for the view to be there
  if (again) timer = setTimeout(() => show(mine, false), refreshEvery);
}

function changed() {
  clearTimeout(timer);
  ++turn;
  delete main.dataset.shown;
  window.scrollTo(0, 0);
  show(turn, true);
}

// Nobody looks: nothing is asked.
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) show(++turn, false);
  else ++turn;
});
window.addEventListener("hashchange", () => { changed(); main.focus({preventScroll: true}); });
introduce().catch(() => {}).finally(changed);
