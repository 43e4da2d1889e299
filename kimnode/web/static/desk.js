/* The volunteers' desk: unlock, write, read what is to be signed, sign. What a person signs is drawn
   from the very bytes that are signed, never from words that the node says about them. ES2017. */
(function () {
"use strict";
const S = window.kimSeal, key = window.kimKey, page = key.page, W = page.words, C = page.codes;
const BULLETIN = 4, APPROVAL = 5, SUSPENSION = 17, DOSSIER = 18, REJECTION = 19;
const PRIMARY = [1, 2, 3], FALSE_PARTS = [1, 2, 3], CORRECTION = 3, RETRACTION = 4, DRAFT = "kim.draft", PIN = /^\d{6,12}$/;
const byId = (id) => document.getElementById(id);
const form = byId("draft"), said = byId("said");
let me = null, problem = "", busy = false;

function make(tag, look, text) {
  const e = document.createElement(tag);
  if (look) e.className = look;
  if (text !== undefined) e.textContent = text;
  return e;
}
function say(text, look) {
  said.className = "i said " + (look || "failed");
  said.textContent = text;
  said.hidden = !text;
  if (text) said.scrollIntoView({block: "center"});
}
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
// One thing at a time: a second tap while the first is on its way does nothing.
function doing(work) {
  if (busy) return Promise.resolve();
  busy = true;
  say("");
  document.body.classList.add("busy");
  return Promise.resolve().then(work).catch((error) => { say(error.message); }).then(() => {
    busy = false;
    document.body.classList.remove("busy");
  });
}

// ---- opening the desk

function needsKey() {
  if (!page.sign) throw new Error(W.otherNetwork);
  if (!key.isOpen()) { byId("unlock").scrollIntoView(); byId("pin").focus(); throw new Error(W.openFirst); }
}
function renew() {
  return key.ask("/api/staf/meja").then((desk) => {
    me = desk.me;
    problem = desk.problem;
    byId("unlock").hidden = true;
    byId("self").textContent = me ? me.words : problem;
    byId("print").textContent = fill(W.keyPrint, {print: key.fingerprint(key.publicKey())});
    draw("waiting", desk.drafts, drawDraft, W.noDrafts);
    draw("keys", desk.keys, drawKey, W.noKeys);
    draw("refused", desk.refused, drawRefused, "");
    byId("back").hidden = !desk.refused.length;
    byId("opened").hidden = byId("lost").hidden = false;
  });
}
function draw(id, items, one, none) {
  const list = byId(id);
  list.textContent = "";
  items.forEach((item) => {
    try { list.append(one(item)); } catch (e) { list.append(make("li", "i failed", W.unreadable)); }
  });
  if (!items.length) list.append(make("li", "none", none));
}
if (byId("unlock")) {
  const mine = key.kept();
  byId("unlock").hidden = !(mine && page.sign);
  byId("stranger").hidden = Boolean(mine) || !page.sign;
  if (mine) byId("who").textContent = mine.name;
  byId("unlock").addEventListener("submit", (e) => {
    e.preventDefault();
    const pin = byId("pin").value;
    byId("pin").value = "";
    doing(() => {
      if (!PIN.test(pin)) throw new Error(W.pinForm);
      return key.unlock(pin).then(renew);
    });
  });
}

// ---- what stands in a document, line by line

function line(list, name, value) {
  if (value === "" || value === undefined) return;
  list.append(make("dt", "", name), make("dd", "", value));
}
function when(min) {
  const d = new Date((min + page.zone) * 60000 + Date.UTC(2025, 0, 1));
  const two = (n) => (n < 10 ? "0" : "") + n;
  return two(d.getUTCDate()) + "-" + two(d.getUTCMonth() + 1) + "-" + d.getUTCFullYear() + " " +
    two(d.getUTCHours()) + "." + two(d.getUTCMinutes());
}
function lines(b, dossier) {
  const list = make("dl", "lines");
  line(list, W.form, C.form[b.form]);
  line(list, W.verdict, b.verdict ? C.verdict[b.verdict] : "");
  line(list, W.type, b.hoax_type ? C.type[b.hoax_type] : "");
  line(list, W.topic, C.topic[b.topic]);
  if (dossier) {
    line(list, W.claim, dossier.claim);
    line(list, W.fact, dossier.fact);
    line(list, W.place, dossier.place);
    dossier.sources.forEach((s, i) => {
      const first = PRIMARY.includes(s[0]) ? " (" + W.primary + ")" : "";
      line(list, W.source + " " + (i + 1), C.source[s[0]] + first + ": " + s[1] + (s[2] ? " · " + s[2] : ""));
    });
  }
  line(list, W.counted, fill(W.sources, {n: b.sources, p: b.primary}));
  line(list, W.about, b.about.length ? S.print(b.about) : "");
  line(list, W.area, String(b.area));
  line(list, W.days, fill(W.daysLong, {n: b.expires_6h / 4}));
  line(list, W.made, when(b.made_min) + (b.trust ? " · " + W.clock : ""));
  line(list, W.number, "B-" + b.number);
  return list;
}
// The draft as its bytes say, after everything about it was checked that can be checked here.
function opened(item) {
  const found = S.open(S.unhex(item.bulletin)), b = found.doc;
  if (found.kind !== BULLETIN) throw new Error("no bulletin");
  const direct = b.mode === 0;
  found.good = nacl.sign.detached.verify(S.signed(BULLETIN, b), found.signature, b.signer) &&
    (!direct || S.same(b.signer, b.person));
  found.how = direct ? W.direct : W.attested + " " + item.post;
  found.dossier = null;
  if (item.dossier) {
    const behind = S.open(S.unhex(item.dossier));
    const primary = behind.doc.sources.filter((s) => PRIMARY.includes(s[0])).length;
    const fits = S.same(behind.id.subarray(0, 16), b.dossier) &&
      behind.doc.sources.length === b.sources && primary === b.primary;
    if (behind.kind !== DOSSIER || !fits) throw new Error("another dossier");
    found.dossier = behind.doc;
  }
  return found;
}
function drawDraft(item) {
  const found = opened(item), box = make("li", "paper");
  box.dataset.id = S.hex(found.id);
  const label = found.doc.verdict ? C.verdict[found.doc.verdict] : C.form[found.doc.form];
  const named = ["B-" + found.doc.number, label, S.draftCode(found.id)];
  box.append(make("h3", "", named.join(" · ")));
  box.append(make("p", "text", found.doc.text));
  box.append(make("p", "soft", fill(W.by, {who: item.author}) + " · " + found.how));
  box.append(lines(found.doc, found.dossier));
  box.append(make("p", "print", fill(W.print, {print: S.print(found.id)})));
  if (!found.good) {
    box.append(make("p", "i failed", W.badSignature));
    return box;
  }
  if (item.told) box.append(make("p", "soft", item.told));
  box.append(item.mine ? ownDraft(found) : othersDraft(found));
  return box;
}
function button(look, words, act) {
  const b = make("button", look, words);
  b.type = "button";
  b.addEventListener("click", act);
  return b;
}
function othersDraft(found) {
  const row = make("div", "acts");
  if (!me || !me.approve) return row;
  row.append(button("go approve", W.approve, () => doing(() => vote(APPROVAL, found.id, "", W.approved))));
  const why = make("select", "why");
  why.setAttribute("aria-label", W.reason);
  why.append(make("option", "", W.reason));
  C.reasons.forEach((words) => why.append(make("option", "", words)));
  row.append(why, button("plain reject", W.reject, () => doing(() => {
    if (!why.selectedIndex) throw new Error(W.pickReason);
    return vote(REJECTION, found.id, why.value, W.rejected);
  })));
  return row;
}
function drawRefused(item) {
  const box = make("li", "paper"), d = item.draft;
  const label = d.verdict ? C.verdict[d.verdict] : C.form[d.form];
  box.append(make("h3", "", "B-" + item.number + " · " + label), make("p", "text", d.text));
  if (item.why) box.append(make("p", "i failed", item.why));
  box.append(button("plain improve", W.improve, () => {
    const end = tail(d.sources), size = d.text.length - (d.text.endsWith(end) ? end.length : 0);
    begin(Object.assign({}, d, {text: d.text.slice(0, size)}));
  }));
  return box;
}
function ownDraft(found) {
  const row = make("div", "acts");
  row.append(make("p", "soft", W.waitSecond));
  row.append(button("plain", W.takeBack, () => doing(() =>
    vote(REJECTION, found.id, W.takenBack, W.takenBack))));
  return row;
}

// ---- signing. The node gives place and time; everything else is what this page shows.

function stamped(given, fields) {
  const own = key.publicKey();
  return Object.assign({
    mode: 0, made_min: given.made_min, trust: given.trust, epoch: given.epoch, seq: given.seq,
    signer: own, person: own,
  }, fields);
}
function sealed(kind, doc) {
  return S.hex(S.seal(kind, doc, key.sign(S.signed(kind, doc))));
}
function vote(kind, subject, why, done) {
  needsKey();
  const hex = S.hex(subject);
  return key.ask("/api/staf/siap", {vote: kind, subject: hex})
    .then((given) => sealed(kind, stamped(given, {subject})))
    .then((document) => key.ask("/api/staf/kirim", {document, why}))
    .then(renew).then(() => say(done, "check good"));
}
function dossierOf(d) {
  const s = d.dossier;
  const sources = s.sources.map((one) => [one.kind, one.title, one.reference]);
  return {claim: s.claim, fact: s.fact, place: s.place, first_seen_min: 0, sources};
}
function signDraft(d) {
  needsKey();
  if (!me) throw new Error(problem);
  const full = d.dossier ? dossierOf(d) : null;
  return key.ask("/api/staf/siap", {draft: d}).then((given) => {
    const doc = stamped(given, {
      form: d.form, demo: page.demo ? 1 : 0, verdict: d.verdict, hoax_type: d.hoax_type,
      topic: d.topic, sources: full ? full.sources.length : 0,
      primary: full ? full.sources.filter((s) => PRIMARY.includes(s[0])).length : 0,
      area: me.area, expires_6h: 4 * d.days, number: given.number,
      about: S.unhex(d.about).subarray(0, 16), text: d.text,
      dossier: full ? S.idOf(DOSSIER, full).subarray(0, 16) : new Uint8Array(0),
    });
    return key.ask("/api/staf/kirim", {document: sealed(BULLETIN, doc), why: "", claim: d.claim});
  });
}

// ---- writing a draft; what is not signed stays in this phone

const clean = (s) => s.normalize("NFC").replace(/[ \t\r\n]+/g, " ").trim();
function sourcesOf() {
  return Array.from(form.querySelectorAll(".source")).map((row) => ({
    kind: Number(row.querySelector("select").value),
    title: clean(row.querySelector(".title").value),
    reference: clean(row.querySelector(".reference").value),
  })).filter((s) => s.title);
}
const chosen = (name) => Number((form.elements[name] || {value: 0}).value || 0);
// Stock radios show the text alone, so the sources stand in it, too; it is signed as it stands.
function tail(sources) {
  const names = sources.map((s) => s.title).join("; ");
  return names ? " " + fill(W.inText, {names}) : "";
}
function draftOf() {
  const kind = chosen("form"), asks = page.forms[kind], sources = sourcesOf();
  const written = clean(form.elements.text.value);
  const text = written && asks.sources ? written + tail(sources) : written;
  const claim = clean(form.elements.claim.value), fact = clean(form.elements.fact.value);
  const verdict = asks.verdict ? chosen("verdict") : asks.fixed;
  const full = sources.length || claim || fact;
  return {
    form: kind, verdict, hoax_type: FALSE_PARTS.includes(verdict) ? chosen("hoax_type") : 0,
    topic: chosen("topic"), text, days: Math.max(Math.min(chosen("days"), asks.days), asks.least),
    about: form.elements.about.value, claim: chosen("claimed"),
    dossier: full ? {claim, fact: fact || written.slice(0, 240),
      place: clean(form.elements.place.value), sources} : null,
  };
}
function checked(d) {
  const asks = page.forms[d.form];
  if (!d.text) throw new Error(W.noText);
  if (asks.verdict && !asks.optional && !d.verdict) throw new Error(W.noVerdict);
  if (asks.sources && d.verdict) {
    const all = d.dossier ? d.dossier.sources : [];
    if (all.length < 2) throw new Error(W.twoSources);
    if (!all.some((s) => PRIMARY.includes(s.kind))) throw new Error(W.onePrimary);
  }
  return d;
}
const KEPT = ["form", "verdict", "hoax_type", "topic", "days", "text", "claim", "fact", "place", "about", "claimed"];
function keep() {
  const values = {sources: sourcesOf()};
  KEPT.forEach((name) => { values[name] = form.elements[name].value; });
  localStorage.setItem(DRAFT, JSON.stringify(values));
}
function addSource(source) {
  const row = byId("source").content.firstElementChild.cloneNode(true);
  if (source) {
    row.querySelector("select").value = source.kind;
    row.querySelector(".title").value = source.title;
    row.querySelector(".reference").value = source.reference;
  }
  byId("sources").append(row);
}
function show(values) {
  KEPT.forEach((name) => {
    if (values[name] !== undefined) form.elements[name].value = values[name];
  });
  byId("sources").textContent = "";
  const sources = values.sources || [];
  for (let i = 0; i < Math.max(2, sources.length); i++) addSource(sources[i]);
  fit();
}
// Which parts this form has, and what it is about.
function fit() {
  const asks = page.forms[chosen("form")], verdict = chosen("verdict");
  form.querySelector(".verdicts").hidden = !asks.verdict;
  form.querySelector(".type").hidden = !(asks.verdict && FALSE_PARTS.includes(verdict));
  byId("behind").hidden = chosen("form") === RETRACTION;
  const about = form.elements.about.value;
  byId("aboutline").hidden = !about;
  byId("hint").textContent = W["hint" + chosen("form")];
  price();
}
let asked = 0, pricing = 0;
function price() {
  clearTimeout(pricing);
  pricing = setTimeout(() => {
    const d = draftOf(), mine = ++asked;
    const query = ["about=" + (d.about ? 1 : 0), "dossier=" + (d.dossier ? 1 : 0),
      "text=" + encodeURIComponent(d.text)].join("&");
    fetch("/api/harga?" + query, {credentials: "omit"}).then((r) => r.json()).then((cost) => {
      if (mine !== asked) return;
      byId("price").textContent = cost.words;
      byId("price").className = "i price " + (cost.fits ? "radio" : "failed");
    }).catch(() => {});
  }, 300);
}
function begin(values) {
  const days = page.forms[values.form].days;
  const blank = {form: 1, verdict: 0, hoax_type: 0, topic: 0, days, text: "", claim: "", fact: "",
    place: "", about: "", claimed: 0, sources: []};
  show(Object.assign(blank, values));
  keep();
  byId("write").hidden = false;
  byId("write").scrollIntoView();
}
if (form) {
  form.addEventListener("input", () => { fit(); keep(); });
  byId("more").addEventListener("click", () => addSource());
  byId("drop").addEventListener("click", () => {
    localStorage.removeItem(DRAFT);
    byId("write").hidden = true;
  });
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    keep();
    doing(() => signDraft(checked(draftOf())).then((done) => {
      localStorage.removeItem(DRAFT);
      byId("write").hidden = true;
      return renew().then(() => say(done.words, "check good"));
    }));
  });
  document.addEventListener("click", (e) => {
    const from = e.target.closest("[data-begin]");
    if (!from) return;
    const set = from.dataset, values = {form: Number(set.begin), about: set.about || ""};
    if (set.claim) Object.assign(values, {claim: set.claim, claimed: set.number, topic: set.topic});
    byId("aboutline").textContent = set.line || "";
    begin(values);
  });
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(DRAFT)); } catch (e) { /* none */ }
  if (kept) { show(kept); byId("write").hidden = false; }
}

// ---- a lost radio

function drawKey(item) {
  const box = make("li", "paper");
  box.append(make("h3", "", item.name), make("p", "soft", item.words));
  if (item.frozen) box.append(make("p", "i failed", item.frozen));
  if (me && me.suspend && !item.mine) {
    const sure = make("label", "sure"), tick = make("input");
    tick.type = "checkbox";
    sure.append(tick, make("span", "", fill(W.freezeSure, {name: item.name})));
    box.append(sure, button("plain", W.freeze, () => doing(() => {
      if (!tick.checked) throw new Error(W.tickFirst);
      return vote(SUSPENSION, S.unhex(item.key), "", W.frozen);
    })));
  }
  return box;
}

// ---- a new phone

const signUp = byId("signup");
if (signUp) {
  const code = location.hash.slice(1);
  // The code is worth a key: it must not stay in the history, nor in a picture of the screen.
  history.replaceState(null, "", location.pathname);
  byId("fresh").hidden = !page.sign;
  if (!key.canRandom()) { byId("fresh").hidden = true; say(W.noRandom); }
  if (key.kept()) byId("again").hidden = false;
  if (code) byId("code").value = code;
  signUp.addEventListener("submit", (e) => {
    e.preventDefault();
    doing(() => {
      const pin = byId("pin").value, again = byId("pin2").value;
      if (!PIN.test(pin)) throw new Error(W.pinForm);
      if (/^(\d)\1*$/.test(pin) || "01234567890123".includes(pin) || "98765432109876".includes(pin)) {
        throw new Error(W.pinEasy);
      }
      if (pin !== again) throw new Error(W.pinTwice);
      return key.enrol(byId("code").value.trim(), pin).then((mine) => {
        byId("fresh").hidden = true;
        byId("made").hidden = false;
        byId("name").textContent = mine.name;
        byId("print").textContent = key.fingerprint(key.publicKey());
        key.lock();
      });
    });
  });
}
})();
