/* Bytes that a volunteer's browser signs. This page builds them itself from the fields it shows, so
   that the node cannot slip in others. The same as kimnode/wire/{documents,sealed,signing}.py;
   tests/web/browser/test_seal.py compares every byte. Classic script, ES2017. */
(function () {
"use strict";

// ---- bytes

const TEXT = new TextEncoder();
const utf8 = (s) => TEXT.encode(s);
const hex = (b) => Array.from(b, (x) => (x < 16 ? "0" : "") + x.toString(16)).join("");
function unhex(s) {
  if (!/^([0-9a-f]{2})*$/.test(s)) throw new Error("not hex");
  return Uint8Array.from(s.match(/../g) || [], (pair) => parseInt(pair, 16));
}
function join() {
  const parts = Array.from(arguments);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  parts.forEach((part) => { all.set(part, place); place += part.length; });
  return all;
}
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

// ---- SHA-256 (FIPS 180-4); TweetNaCl has only SHA-512, and crypto.subtle needs HTTPS

const K = [], H = [];
(function () {
  const root = (n, power) => (Math.pow(n, power) % 1) * 4294967296 | 0;
  for (let n = 2; K.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (H.length < 8) H.push(root(n, 1 / 2));
    K.push(root(n, 1 / 3));
  }
})();
function sha256(message) {
  const size = message.length, padded = new Uint8Array((size + 72) & ~63);
  padded.set(message);
  padded[size] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(size / 0x20000000));
  view.setUint32(padded.length - 4, size << 3);
  const state = H.slice(), w = new Int32Array(64);
  const turn = (x, n) => x >>> n | x << 32 - n;
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(block + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >>> 3) +
        (turn(b, 17) ^ turn(b, 19) ^ b >>> 10);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] = state[i] + x | 0; });
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((x, i) => digest.setInt32(4 * i, x));
  return new Uint8Array(digest.buffer);
}

// ---- deterministic CBOR (RFC 8949 section 4.2) of numbers, bytes, texts, lists and null

function head(major, n) {
  const first = major << 5;
  if (n < 24) return Uint8Array.of(first | n);
  if (n < 0x100) return Uint8Array.of(first | 24, n);
  if (n < 0x10000) return Uint8Array.of(first | 25, n >> 8, n & 255);
  const low = Uint8Array.of(n >>> 24 & 255, n >>> 16 & 255, n >>> 8 & 255, n & 255);
  if (n < 0x100000000) return join(Uint8Array.of(first | 26), low);
  const over = Math.floor(n / 0x100000000), high = new Uint8Array(4);
  new DataView(high.buffer).setUint32(0, over);
  new DataView(low.buffer).setUint32(0, n - over * 0x100000000);
  return join(Uint8Array.of(first | 27), high, low);
}
function encode(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (Number.isSafeInteger(value) && value >= 0) return head(0, value);
  if (value instanceof Uint8Array) return join(head(2, value.length), value);
  if (typeof value === "string") return join(head(3, utf8(value).length), utf8(value));
  if (Array.isArray(value)) return join(head(4, value.length), ...value.map(encode));
  throw new Error("no CBOR for " + typeof value);
}
function decode(data) {
  let place = 0;
  function take(n) {
    if (n > data.length - place) throw new Error("cut short");
    place += n;
    return data.subarray(place - n, place);
  }
  function item(deep) {
    if (deep > 8) throw new Error("too deep");
    const first = take(1)[0], low = first & 31;
    if (first === 0xf6) return null;
    if (low > 27) throw new Error("unknown length");
    let n = low;
    if (low > 23) n = take(1 << low - 24).reduce((sum, x) => sum * 256 + x, 0);
    switch (first >> 5) {
      case 0: return n;
      case 2: return take(n).slice();
      case 3: return new TextDecoder("utf-8", {fatal: true}).decode(take(n));
      case 4: return Array.from({length: Math.min(n, data.length)}, () => item(deep + 1));
      default: throw new Error("unknown kind");
    }
  }
  const value = item(0);
  // There is one encoding of a value: what was encoded in another way is refused.
  if (!same(encode(value), data)) throw new Error("not canonical");
  return value;
}

// ---- documents: [domain, ...fields] is signed, [kind, fields, signature] is kept

const STAMP = ["mode", "made_min", "trust", "epoch", "seq", "signer", "person"];
const NAMES = {
  bulletin: ["form", "demo", "verdict", "hoax_type", "topic", "sources", "primary", "area",
    "expires_6h", "number", "about", "dossier"].concat(STAMP, ["text"]),
  vote: ["subject"].concat(STAMP),
  dossier: ["claim", "fact", "place", "first_seen_min", "sources"],
};
const KINDS = {
  4: ["bulletin", "kimnode/bulletin/v1"], 5: ["vote", "kimnode/approval/v1"],
  17: ["vote", "kimnode/suspension/v1"], 18: ["dossier", "kimnode/dossier/v1"],
  19: ["vote", "kimnode/rejection/v1"],
};
function fields(kind, doc) {
  return NAMES[KINDS[kind][0]].map((name) => {
    if (doc[name] === undefined) throw new Error("no " + name);
    return doc[name];
  });
}
// What the signature covers; the document's id is its SHA-256.
const signed = (kind, doc) => encode([KINDS[kind][1]].concat(fields(kind, doc)));
const idOf = (kind, doc) => sha256(signed(kind, doc));
const seal = (kind, doc, signature) => encode([kind, fields(kind, doc), signature]);
function open(bytes) {
  const [kind, values, signature] = decode(bytes);
  const names = KINDS[kind] && NAMES[KINDS[kind][0]];
  if (!names || values.length !== names.length) throw new Error("unknown document");
  const doc = {};
  names.forEach((name, i) => { doc[name] = values[i]; });
  return {kind, doc, signature, id: idOf(kind, doc)};
}
// How people compare a document or a key: as `kimnode keys` prints it.
const print = (id) => hex(id.subarray(0, 16)).match(/.{4}/g).join(" ");
// How people name a draft on the radio, "D-4KX2" (rules/commands.py).
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
function draftCode(id) {
  const bits = new DataView(id.buffer, id.byteOffset).getUint32(0) >>> 12;
  return "D-" + [15, 10, 5, 0].map((shift) => CROCKFORD[bits >> shift & 31]).join("");
}

window.kimSeal = {
  utf8, hex, unhex, join, same, sha256, encode, decode, signed, idOf, seal, open, print, draftCode,
};
})();
