// The chat in the phone: one classic script, ES2017, no dependency (Android WebViews from 2018 run
// it). Words come from the node's catalogue, times from the node's clock. What people wrote is only
// ever put in with textContent.
(function () {
  "use strict";
  const page = JSON.parse(document.body.dataset.page);
  const W = page.words;
  const MAX_OUTBOX = 100, MAX_SHOWN = 200, MAX_UNREAD = 99;
  const ANSWER_MS = 15000, QUIET_MS = 30000, PONG_MS = 10000, SIREN_MS = 20000, HOLD_MS = 3000;
  const LONGEST_WAIT_MS = 20000, BANNER_MS = 1500;

  const byId = (id) => document.getElementById(id);
  const talk = byId("talk"), list = byId("list"), form = byId("write"), area = byId("text");
  const told = byId("told"), nick = byId("nick"), pill = byId("pill"), offline = byId("offline"), line = byId("line");
  const alarms = byId("alarms"), count = byId("count"), quote = byId("quote"), oops = byId("oops");

  // ---- small tools

  const memory = {};  // when the phone keeps nothing (private windows): until the page closes
  function load(key, missing) {
    try { memory[key] = localStorage.getItem("kim." + key) || memory[key]; } catch (e) { /* kept */ }
    return memory[key] ? JSON.parse(memory[key]) : missing;
  }
  function save(key, value) {
    memory[key] = JSON.stringify(value);
    try { localStorage.setItem("kim." + key, memory[key]); } catch (e) { /* in memory only */ }
  }
  function make(tag, look, text) {
    const node = document.createElement(tag);
    if (look) node.className = look;
    if (text) node.textContent = text;
    return node;
  }
  function fill(words, values) {
    return words.replace(/\{(\w+)\}/g, (all, key) => values[key]);
  }
  function newId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)),
      (b) => (b < 16 ? "0" : "") + b.toString(16)).join("");
  }
  const bytesOf = (text) => unescape(encodeURIComponent(text)).length;

  // ---- drawing; the same elements as templates/message.html

  function drawMessage(m) {
    const own = m.mark === page.me;
    const li = make("li", m.kind + (own ? " own" : m.origin ? " air" : ""));
    li.id = "m" + m.seq;
    if (own && m.cid) li.dataset.cid = m.cid;
    if (m.kind === "note") {
      li.append(make("p", "text", m.text), make("time", "", m.time));
      return li;
    }
    li.append(drawWho(m));
    if (m.sos) li.append(make("p", "i siren sos-state", m.sos_words));
    if (m.quote) li.append(drawQuote(m.quote));
    li.append(make("p", m.text === null ? "text gone" : "text", m.text === null ? W.erased : m.text));
    const foot = make("p", "foot");
    if (own && m.state) foot.append(make("span", "i state " + m.state, m.state_words));
    const reply = make("a", "i reply", W.reply);
    reply.href = "/r/" + m.room + "?balas=" + m.seq + "#write";
    foot.append(reply);
    li.append(foot);
    return li;
  }
  function drawWho(m) {
    const who = make("p", "who");
    who.append(make("b", "", m.name));
    if (m.tag) who.append(make("i", "", "·" + m.tag));
    if (m.origin) who.append(make("span", "i radio", m.origin));
    if (m.time) who.append(make("time", "", m.time));
    return who;
  }
  function drawQuote(q) {
    const block = make("blockquote");
    block.append(make("b", "", q.name), make("span", "", q.text === null ? W.erased : q.text));
    return block;
  }
  function drawWaiting(item) {
    const li = make("li", "chat own waiting");
    li.id = "c" + item.cid;
    li.dataset.cid = item.cid;
    li.append(drawWho({name: item.nick, tag: page.tag}));
    if (item.quote) li.append(drawQuote(item.quote));
    li.append(make("p", "text", item.text), make("p", "foot"));
    showState(li, item);
    return li;
  }
  function showState(li, item) {
    const foot = li.querySelector(".foot");
    const state = item.failed ? "failed" : "phone";
    foot.textContent = "";
    foot.append(make("span", "i state " + state, item.failed || item.pause || W.inPhone));
    if (!item.failed) return;
    const again = make("button", "small", W.fix), away = make("button", "small", W.drop);
    again.onclick = () => { area.value = item.text; forget(item.cid); price(); area.focus(); };
    away.onclick = () => forget(item.cid);
    foot.append(again, away);
  }

  // ---- the talk: what is shown, what is unread

  let after = page.seq, rev = page.rev, board = page.board;
  const atEnd = () => talk.scrollHeight - talk.scrollTop - talk.clientHeight < 90;
  const toEnd = () => { talk.scrollTop = talk.scrollHeight; };

  function addMessages(messages, follow) {
    const batch = document.createDocumentFragment();
    let own = false, fresh = 0;
    messages.forEach((m) => {
      if (m.cid) settle(m.cid, m.seq);
      if (m.room !== page.room || page.archive) return;
      if (m.seq <= page.seq || byId("m" + m.seq)) return;
      batch.append(...newDay(m), drawMessage(m));
      if (m.mark === page.me) own = true; else fresh += 1;
    });
    if (!batch.childNodes.length) return;
    list.insertBefore(batch, list.querySelector(".waiting"));
    if (byId("empty")) byId("empty").remove();
    while (list.children.length > MAX_SHOWN) list.firstElementChild.remove();
    if (own) toEnd();
    if (own || follow) seenAll(); else showPill(fresh);
  }
  function newDay(m) {
    if (m.day === page.day) return [];
    page.day = m.day;
    return [make("li", "day", m.day)];
  }
  let below = 0;
  function showPill(fresh) {
    below += fresh;
    pill.hidden = !below;
    pill.textContent = fill(W.newBelow, {n: below});
  }
  function countUnread(messages) {
    const read = load("read", {}), unread = load("unread", {});
    messages.forEach((m) => {
      const known = unread[m.room] || (unread[m.room] = []);
      const looking = m.room === page.room && !page.archive && !document.hidden && below === 0;
      if (m.mark === page.me || looking || m.seq <= (read[m.room] || 0)) return;
      if (!known.includes(m.seq) && known.length < MAX_UNREAD) known.push(m.seq);
    });
    save("unread", unread);
    save("seen", after);
    badges();
  }
  function seenAll() {
    if (document.hidden || page.archive) return;
    const read = load("read", {}), unread = load("unread", {});
    read[page.room] = Math.max(read[page.room] || 0, after, page.seq);
    unread[page.room] = [];
    save("read", read);
    save("unread", unread);
    below = 0;
    pill.hidden = true;
    badges();
  }
  const title = document.title;
  function badges() {
    const unread = load("unread", {});
    let all = 0;
    document.querySelectorAll("nav a").forEach((tab) => {
      const number = (unread[tab.dataset.room] || []).length, badge = tab.querySelector("b");
      all += number;
      badge.hidden = !number;
      badge.textContent = number || "";
      badge.append(make("span", "unseen", " " + W.unread));
    });
    document.title = (all ? "(" + all + ") " : "") + title;
  }
  function unreadLine() {
    const read = load("read", {})[page.room];
    if (read === undefined) return null;
    const first = Array.from(list.children).find(
      (li) => +li.id.slice(1) > read && li.id[0] === "m" && !li.classList.contains("own"));
    if (!first) return null;
    const mark = make("li", "new", W.newLine);
    list.insertBefore(mark, first);
    return mark;
  }

  // ---- the outbox: kept in the phone until the node has answered

  const outbox = () => load("outbox", []);
  const held = {};  // kind and room -> when the node lets us send that there again
  let flying = "", flight = 0;

  function put(item) {
    const items = outbox();
    if (items.length >= MAX_OUTBOX) { say(W.full); return false; }
    items.push(item);
    save("outbox", items);
    addWaiting(item);
    toEnd();
    pump();
    return true;
  }
  function addWaiting(item) {
    if (item.room !== page.room || page.archive || byId("c" + item.cid)) return;
    if (byId("empty")) byId("empty").remove();
    list.append(drawWaiting(item));
  }
  function change(cid, values) {
    const items = outbox();
    items.filter((i) => i.cid === cid).forEach((i) => {
      Object.assign(i, values);
      if (byId("c" + cid)) showState(byId("c" + cid), i);
    });
    save("outbox", items);
  }
  function forget(cid) {
    const items = outbox(), rest = items.filter((i) => i.cid !== cid);
    if (rest.length !== items.length) save("outbox", rest);
    const li = byId("c" + cid);
    if (li) li.remove();
  }
  function settle(cid, seq) {
    forget(cid);
    if (calling === cid) { tell(W.sosSent, "check"); calling = ""; called = seq; }
    if (flying === cid) { flying = ""; clearTimeout(flight); pump(); }
  }
  function pump() {
    if (flying || !linked) return;
    const now = Date.now();
    const ready = outbox().filter((i) => !i.failed && !(held[i.t + i.room] > now));
    const next = ready.find((i) => i.t === "sos") || ready[0];
    if (!next) return;
    flying = next.cid;
    flight = setTimeout(() => { flying = ""; drop(); }, ANSWER_MS);
    ask({t: next.t, cid: next.cid, room: next.room, text: next.text, nick: next.nick,
      about: next.about});
  }
  function onOk(a) {
    const li = byId("c" + a.cid);
    if (li && !byId("m" + a.seq)) {  // the message itself follows in the feed, or is there already
      li.id = "m" + a.seq;
      li.classList.remove("waiting");
      list.insertBefore(li, list.querySelector(".waiting"));
      li.querySelector(".foot").firstChild.className = "i state saved";
      li.querySelector(".foot").firstChild.textContent = W.saved;
    }
    named();
    settle(a.cid, a.seq);
  }
  function onRefused(a) {
    const item = outbox().find((i) => i.cid === a.cid);
    if (!item) { say(a.words); return; }
    if (a.retry_after) {
      held[item.t + item.room] = Date.now() + a.retry_after * 1000;
      setTimeout(pump, a.retry_after * 1000 + 50);
      change(a.cid, {pause: a.words});
      if (calling === a.cid) tell(a.words, "phone");
    } else {
      change(a.cid, {failed: a.words});
      if (calling === a.cid) { tell(""); calling = ""; say(a.words); }
      if (a.reason === "bad-name") { page.nick = ""; named(); }
    }
    if (flying === a.cid) { flying = ""; clearTimeout(flight); pump(); }
  }
  function named() {
    nick.parentNode.hidden = Boolean(page.nick);
    byId("me").querySelector("b").textContent = page.nick || W.noName;
  }

  // ---- news from the node

  const on = {ok: onOk, refused: onRefused, delivery: onDelivery, board: onBoard,
    reload: onReload};

  function take(items) {
    const messages = items.filter((i) => i.t === "message"), follow = atEnd();
    items.forEach((i) => {
      if (i.t === "message") after = Math.max(after, i.seq);
      if (i.rev) rev = Math.max(rev, i.rev);
    });
    if (messages.length) { replaceSettled(messages); addMessages(messages, follow); countUnread(messages); }
    messages.filter((m) => m.kind === "note").forEach(onNote);
    items.forEach((i) => { if (on[i.t]) on[i.t](i); });
    if (follow) toEnd();
  }
  // An own message that was answered before it came by the feed: put the true one in its place.
  function replaceSettled(messages) {
    messages.forEach((m) => {
      const li = m.cid && byId("m" + m.seq);
      if (li && !li.querySelector("time")) li.replaceWith(...newDay(m), drawMessage(m));
    });
  }
  function onDelivery(d) {
    const state = byId("m" + d.seq) && byId("m" + d.seq).querySelector(".state");
    if (!state) return;
    state.className = "i state " + d.state;
    state.textContent = d.state_words;
  }
  function onBoard(b) {
    board = b.board;
    line.className = "i line " + b.radio.code;
    line.textContent = b.radio.words;
    drawAlarms(b.alarms);
    const pinned = byId("papan"), bul = b.bulletin || ["", pinned.dataset.none];
    pinned.textContent = " " + bul[1];
    pinned.insertBefore(make("b", "", bul[0]), pinned.firstChild);
  }
  function onReload() {
    if (Date.now() - load("reloaded", 0) < 30000) return;
    save("reloaded", Date.now());
    location.reload();
  }

  // ---- SOS

  let siren = 0, sound = null;
  const mine = {};
  // Own SOS: its cid until the node has it, then its place in the log until somebody closes it.
  let calling = "", called = 0;
  function tell(words, sign) {
    told.className = "i told " + (sign || "");
    told.textContent = words;
    told.hidden = !words;
  }
  function drawAlarms(open) {
    const taken = alarms.querySelector(".taken");
    alarms.textContent = "";
    if (taken) alarms.append(taken);
    open.forEach((a) => alarms.append(drawAlarm(a)));
    ring(open.length > 0);
  }
  function drawAlarm(a) {
    const box = make("section", "alarm"), own = a.mark === page.me;
    box.dataset.seq = a.seq;
    if (own) mine[a.seq] = true;
    const who = drawWho(a);
    who.insertBefore(make("strong", "i siren", "SOS"), who.firstChild);
    const act = make("form", "act");
    act.method = "post";
    act.action = "/sos/" + a.seq + (own ? "/batal" : "/tangani");
    const look = make("a", "", W.look);
    look.href = "/r/darurat#m" + a.seq;
    act.append(make("button", "", own ? W.cancel : W.take), look);
    box.append(who, make("p", "text", a.text === null ? W.erased : a.text), act);
    return box;
  }
  alarms.addEventListener("submit", (e) => {
    const seq = +e.target.parentNode.dataset.seq;
    if (!linked || (!page.nick && !mine[seq])) return;  // the node's page asks for the name
    e.preventDefault();
    ask({t: mine[seq] ? "cancel" : "take", cid: newId(), nick: page.nick, about: seq});
  });
  function onNote(m) {
    const state = byId("m" + m.about) && byId("m" + m.about).querySelector(".sos-state");
    if (state) state.textContent = m.sos_words;
    if (called === m.about) tell("");
    if (!mine[m.about] || m.mark === page.me) return;
    const box = make("section", "taken"), ok = make("button", "", W.fine);
    ok.onclick = () => box.remove();
    box.append(make("p", "i check", m.sos_words), ok);
    alarms.insertBefore(box, alarms.firstChild);
  }
  function ring(wanted) {
    if (!wanted) { clearInterval(siren); siren = 0; return; }
    if (siren) return;
    alert3();
    siren = setInterval(alert3, SIREN_MS);
  }
  function alert3() {
    if (!sound) return;  // nobody has touched this page yet: the phone allows neither
    if (navigator.vibrate) navigator.vibrate([500, 200, 500, 200, 500]);
    if (sound.state !== "running") return;
    [0, 0.6, 1.2].forEach((at) => {
      const tone = sound.createOscillator(), start = sound.currentTime + at;
      tone.type = "square";
      tone.frequency.setValueAtTime(880, start);
      tone.frequency.setValueAtTime(660, start + 0.25);
      tone.connect(sound.destination);
      tone.start(start);
      tone.stop(start + 0.5);
    });
  }
  function allowSound() {  // phones let a page make sound only after the first touch
    const Context = window.AudioContext || window.webkitAudioContext;
    if (!sound && Context) sound = new Context();
    if (sound && sound.state === "suspended") sound.resume();
  }
  document.addEventListener("pointerdown", allowSound, {passive: true});

  const sos = byId("sos");
  let holding = 0;
  if (sos) {
    const stop = () => { clearTimeout(holding); holding = 0; sos.classList.remove("held"); };
    sos.addEventListener("pointerdown", () => {
      sos.classList.add("held");
      holding = setTimeout(() => { stop(); callSos(); }, HOLD_MS);
    });
    ["pointerup", "pointercancel", "pointerleave"].forEach((name) => {
      sos.addEventListener(name, () => { if (holding) { stop(); say(W.hold); } });
    });
    sos.addEventListener("contextmenu", (e) => e.preventDefault());
    // From the keyboard (detail 0) the link leads to the page that asks once more.
    sos.addEventListener("click", (e) => { if (e.detail) e.preventDefault(); });
  }
  function callSos() {
    if (navigator.vibrate) navigator.vibrate(200);
    const text = area.value.trim();
    const cid = newId();
    if (put({t: "sos", cid: cid, room: "darurat", text: text || W.sosText, nick: page.nick})) {
      clearText();
      calling = cid;
      tell(W.sosKept, "phone");
    }
  }

  // ---- writing

  let answering = null;
  function say(words) {
    oops.textContent = words;
    oops.hidden = !words;
  }
  function clearText() {
    area.value = "";
    answer(null);
    say("");
    price();
  }
  function answer(m) {
    answering = m;
    quote.hidden = !m;
    if (m) {
      quote.querySelector("b").textContent = m.name;
      quote.querySelector("span").textContent = m.text;
    }
  }
  // How many packets a text takes: the same cutting as kimnode/wire/airtext.py, at word borders.
  function parts(text) {
    const name = page.nick || nick.value.trim();
    const [most, maxParts] = page.air;
    const all = bytesOf(name + ": " + text);
    if (all <= most) return {n: 1, over: 0, bytes: all};
    const space = most - bytesOf(name + " (1/2): ");
    let n = 1, used = 0;
    text.split(/(\s+)/).forEach((word) => {
      let size = bytesOf(word);
      if (!size || (/^\s/.test(word) && !used)) return;
      if (used + size > space && (size <= space || /^\s/.test(word))) {
        n += 1;
        used = /^\s/.test(word) ? 0 : size;
        return;
      }
      for (used += size; used > space; used -= space) n += 1;
    });
    const max = space * maxParts;
    return {n: n, over: n > maxParts ? Math.max(1, bytesOf(text) - max) : 0,
      bytes: bytesOf(text) + n * (most - space)};
  }
  function price() {
    const text = area.value.trim();
    save("draft." + page.room, area.value);
    area.style.height = "auto";
    area.style.height = Math.min(area.scrollHeight + 2, 160) + "px";
    count.textContent = "";
    count.classList.remove("bad");
    if (!page.radio || !text) return;
    const p = parts(text), [most, maxParts, base, perByte] = page.air;
    const seconds = Math.max(1, Math.round(p.n * base + p.bytes * perByte));
    const head = bytesOf((page.nick || nick.value.trim()) + " (1/2): ");
    const values = {n: bytesOf(text), max: maxParts * (most - head), s: seconds, p: p.n, over: p.over};
    count.textContent = fill(p.over ? W.tooLong : p.n > 1 ? W.priceParts : W.price, values);
    count.classList.toggle("bad", p.over > 0);
  }
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const text = area.value.trim();
    if (!text) { area.focus(); return; }
    if (!page.nick) page.nick = nick.value.trim();
    if (!page.nick) { nick.focus(); return; }
    if (page.radio && parts(text).over) { say(W.shorten); return; }
    const item = {t: "post", cid: newId(), room: page.room, text: text, nick: page.nick};
    if (answering) { item.about = answering.seq; item.quote = answering; }
    if (!put(item)) return;
    clearText();
    if (page.archive) location.href = "/r/" + page.room; else area.focus();
  });
  area.addEventListener("input", price);
  area.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) form.querySelector("[type=submit]").click();
  });
  list.addEventListener("click", (e) => {
    const link = e.target.closest(".reply");
    if (!link) return;
    e.preventDefault();
    const li = link.closest("li");
    answer({seq: +li.id.slice(1), name: li.querySelector(".who b").textContent,
      text: li.querySelector(".text").textContent.slice(0, 80)});
    area.focus();
  });
  quote.querySelector("a").addEventListener("click", (e) => { e.preventDefault(); answer(null); });

  // ---- the line to the node: a web socket; when it cannot be had, asking again and again

  let ws = null, linked = false, polling = false, tries = 0, heard = 0, banner = 0;

  function ask(request) {
    if (!polling) { ws.send(JSON.stringify(request)); return; }
    fetch("/api/post", {method: "POST", credentials: "same-origin", body: JSON.stringify(request),
      headers: {"Content-Type": "application/json"}})
      .then((reply) => reply.json()).then((said) => take([said])).catch(drop);
  }
  function up() {
    linked = true;
    tries = 0;
    heard = Date.now();
    clearTimeout(banner);
    banner = 0;
    offline.hidden = true;
    pump();
  }
  function down() {
    linked = false;
    flying = "";
    clearTimeout(flight);
    if (!banner) banner = setTimeout(() => { offline.hidden = false; }, BANNER_MS);
  }
  function drop() {
    if (ws) { ws.onclose = ws.onmessage = null; ws.close(); ws = null; }
    polling = false;
    down();
    again();
  }
  let retry = 0;
  function again() {
    clearTimeout(retry);
    const wait = Math.min(LONGEST_WAIT_MS, 500 * Math.pow(1.7, tries)) * (0.5 + Math.random() / 2);
    tries += 1;
    retry = setTimeout(connect, wait);
  }
  function connect() {
    clearTimeout(retry);
    if (tries % 4 === 3) { poll(); return; }
    ws = new WebSocket(location.protocol.replace("http", "ws") + "//" + location.host + "/ws");
    const own = ws;
    const late = setTimeout(() => { if (own === ws) drop(); }, PONG_MS);
    ws.onopen = () => { clearTimeout(late); own.send(JSON.stringify({after, rev, board})); up(); };
    ws.onmessage = (e) => { heard = Date.now(); take(JSON.parse(e.data)); };
    ws.onclose = () => { clearTimeout(late); if (own === ws) drop(); };
  }
  function poll() {
    const from = polling ? board : 0;  // the first answer comes at once, with the board
    fetch("/api/feed?after=" + after + "&rev=" + rev + "&board=" + from,
      {credentials: "same-origin"})
      .then((reply) => { if (!reply.ok) throw reply.status; return reply.json(); })
      .then((items) => {
        polling = true;
        up();
        take(items);
        if (polling) poll();
      }).catch(drop);
  }
  setInterval(() => {
    const quiet = Date.now() - heard;
    if (!linked || polling || quiet < QUIET_MS) return;
    if (quiet > QUIET_MS + PONG_MS) drop(); else ws.send('{"t":"ping"}');
  }, 5000);
  const hurry = () => { if (!linked && !document.hidden) { tries = 0; connect(); } };
  window.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => {
    hurry();
    if (!document.hidden && atEnd()) seenAll();
  });
  window.addEventListener("storage", (e) => {
    badges();
    if (e.key !== "kim.outbox") return;
    const cids = outbox().map((i) => i.cid);
    list.querySelectorAll(".waiting").forEach((li) => {
      if (!cids.includes(li.dataset.cid)) li.remove();
    });
    outbox().forEach(addWaiting);
  });
  pill.addEventListener("click", () => { toEnd(); seenAll(); });
  talk.addEventListener("scroll", () => { if (below && atEnd()) seenAll(); }, {passive: true});

  // ---- start

  list.querySelectorAll("[data-cid]").forEach((li) => forget(li.dataset.cid));
  outbox().forEach(addWaiting);
  outbox().filter((i) => i.t === "sos" && !i.failed).forEach((i) => {
    calling = i.cid;
    tell(W.sosKept, "phone");
  });
  alarms.querySelectorAll(".alarm.own").forEach((a) => { mine[a.dataset.seq] = true; });
  ring(alarms.querySelector(".alarm") !== null);
  if (!area.value) area.value = load("draft." + page.room, "");
  named();
  price();
  const mark = location.hash.slice(0, 2) === "#m" ? null : unreadLine();
  if (mark) mark.scrollIntoView(); else if (location.hash.slice(0, 2) !== "#m") toEnd();
  const seen = load("seen", page.seq);
  if (seen < page.seq) after = Math.max(seen, page.seq - 200);
  badges();
  seenAll();
  connect();
}());
