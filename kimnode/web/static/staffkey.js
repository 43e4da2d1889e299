/* A volunteer's key in this browser: made here, wrapped by PIN and the node's share, never sent.

   kept     localStorage "kim.staff": public key, 32 secret random bytes (salt), the wrapped key
   token    u = SHA-512("kimnode/unlock/v1" | salt | PIN), first 32 bytes: what the node is told
   wrapped  nacl.secretbox under SHA-512("kimnode/wrap/v1" | share | salt | PIN), first 32 bytes
   share    HMAC by the node over u, few tries an hour: who steals the phone needs it for each PIN

   Needs kim's seal.js and TweetNaCl. Classic script, ES2017. */
(function () {
"use strict";
const S = window.kimSeal, nacl = window.nacl;
const STORE = "kim.staff", IDLE_MS = 600000, WAIT_MS = 20000;
const page = JSON.parse(document.body.dataset.page);
const sees = () => performance.now() / 1000;
let secret = null, idle = 0;
let boot = S.unhex(page.boot), ahead = page.second - sees();
const gateway = S.unhex(page.gateway);

const canRandom = () => Boolean(window.crypto && window.crypto.getRandomValues);
function kept() {
  try { return JSON.parse(localStorage.getItem(STORE)); } catch (e) { return null; }
}
const derived = (domain, parts) =>
  nacl.hash(S.join(S.utf8(domain), ...parts)).subarray(0, 32);
const token = (salt, pin) => derived("kimnode/unlock/v1", [salt, S.utf8(pin)]);
const wrapKey = (share, salt, pin) => derived("kimnode/wrap/v1", [share, salt, S.utf8(pin)]);

// ---- talking to the node: {ok} or an Error with the node's own sentence

function post(path, value) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("")), WAIT_MS));
  const sent = fetch(path, {
    method: "POST", credentials: "omit", headers: {"Content-Type": "application/json"},
    body: JSON.stringify(value),
  }).then((answer) => answer.json());
  return Promise.race([sent, late]).catch(() => {
    throw Object.assign(new Error(page.words.noAnswer), {reason: "no-answer"});
  }).then((said) => {
    if (said.boot) { boot = S.unhex(said.boot); ahead = said.second - sees(); }
    if (said.t === "refused") {
      throw Object.assign(new Error(said.words), {reason: said.reason});
    }
    return said;
  });
}
function envelope(path, body) {
  const nonce = nacl.randomBytes(16), second = Math.floor(sees() + ahead);
  const hashed = S.sha256(S.utf8(body));
  const what = ["kimnode/request/v1", "POST", path, hashed, boot, second, nonce, gateway];
  return {
    key: kept().key, boot: S.hex(boot), nonce: S.hex(nonce), second, body,
    sig: S.hex(nacl.sign.detached(S.encode(what), secret)),
  };
}
// A signed request. Once more when the node was started anew since this page was loaded.
function ask(path, value) {
  touch();
  const body = JSON.stringify(value || {});
  return post(path, envelope(path, body)).catch((error) => {
    if (error.reason !== "outdated") throw error;
    return post(path, envelope(path, body));
  });
}

// ---- the key

function touch() {
  clearTimeout(idle);
  idle = setTimeout(() => { lock(); location.reload(); }, IDLE_MS);
}
function lock() {
  if (secret) secret.fill(0);
  secret = null;
}
function unlock(pin) {
  const mine = kept(), salt = S.unhex(mine.salt);
  return post("/api/staf/bagian", {key: mine.key, u: S.hex(token(salt, pin))}).then((said) => {
    const seed = nacl.secretbox.open(
      S.unhex(mine.box), S.unhex(mine.nonce), wrapKey(S.unhex(said.share), salt, pin));
    if (!seed) throw Object.assign(new Error(page.words.wrongPin), {reason: "wrong-pin"});
    secret = nacl.sign.keyPair.fromSeed(seed).secretKey;
    touch();
  });
}
function enrol(code, pin) {
  const pair = nacl.sign.keyPair(), salt = nacl.randomBytes(32), nonce = nacl.randomBytes(24);
  const proof = S.encode(["kimnode/enrol/v1", gateway, code, pair.publicKey]);
  const asked = {
    code, key: S.hex(pair.publicKey), u: S.hex(token(salt, pin)),
    sig: S.hex(nacl.sign.detached(proof, pair.secretKey)),
  };
  return post("/api/staf/daftar", asked).then((said) => {
    const box = nacl.secretbox(
      pair.secretKey.subarray(0, 32), nonce, wrapKey(S.unhex(said.share), salt, pin));
    const mine = {key: asked.key, name: said.name, salt: S.hex(salt), nonce: S.hex(nonce),
      box: S.hex(box)};
    localStorage.setItem(STORE, JSON.stringify(mine));
    secret = pair.secretKey;
    touch();
    return mine;
  });
}

window.kimKey = {
  page, canRandom, kept, enrol, unlock, lock, ask,
  isOpen: () => secret !== null,
  sign: (bytes) => { touch(); return nacl.sign.detached(bytes, secret); },
  publicKey: () => S.unhex(kept().key),
  fingerprint: (key) => S.print(S.sha256(S.join(S.utf8("kimnode-key"), key))),
};
})();
