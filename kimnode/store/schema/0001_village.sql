-- The village node's first schema. Numbered files, applied once each, in order; never edited after
-- a release (write the next number instead). PRAGMA user_version holds the last one applied.

-- The log: one row per record, appended once, never updated. AUTOINCREMENT because a number that an
-- outbound cursor has passed must never be given again, not even after the newest row is deleted.
CREATE TABLE log (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          BLOB    NOT NULL UNIQUE,  -- 32 bytes, see wire/SPEC.md section 3
  kind        INTEGER NOT NULL,
  author      TEXT    NOT NULL,
  room        TEXT    NOT NULL,
  channel     TEXT    NOT NULL,
  made_at     INTEGER NOT NULL,         -- unix seconds, 0 = heard by radio
  nonce       BLOB    NOT NULL,
  subject     BLOB,                     -- id of the record it is about
  salt        BLOB    NOT NULL,
  body_hash   BLOB    NOT NULL,
  via         INTEGER NOT NULL,         -- road it came in by; never sent back that way
  received_at INTEGER NOT NULL,         -- unix seconds, this node's clock
  chain       BLOB    NOT NULL          -- SHA-256(chain of the row before | id)
);
CREATE INDEX log_room ON log (room, seq);

-- What people typed, apart from the log so that it can be erased (privacy law, retention).
CREATE TABLE body (
  seq  INTEGER PRIMARY KEY REFERENCES log (seq) ON DELETE CASCADE,
  nick TEXT NOT NULL,
  text TEXT NOT NULL
);

-- How a radio text arrived here.
CREATE TABLE reception (
  seq       INTEGER PRIMARY KEY REFERENCES log (seq) ON DELETE CASCADE,
  node_num  INTEGER NOT NULL,
  packet_id INTEGER NOT NULL,
  hops      INTEGER,                    -- NULL: the sender did not say
  snr_db    REAL    NOT NULL,
  rssi_dbm  INTEGER NOT NULL,
  direct    INTEGER NOT NULL,
  reply_id  INTEGER                     -- packet id that it answers; NULL = none
);
CREATE INDEX reception_packet ON reception (packet_id);

-- Replay rows: who said which nonce. Those of radios are kept when the record itself is gone, so that
-- a recording of last year's packet stays a repetition; those of phones go with the record.
CREATE TABLE seen (
  author TEXT    NOT NULL,
  nonce  BLOB    NOT NULL,
  seq    INTEGER NOT NULL,
  PRIMARY KEY (author, nonce)
) WITHOUT ROWID;

-- How far each outbound loop has carried the log.
CREATE TABLE cursor (
  name     TEXT    PRIMARY KEY,
  position INTEGER NOT NULL
) WITHOUT ROWID;

-- Packets for the radio. A row is made by the radio's outbound loop, never by who wrote the text.
-- Its packet id is committed before the packet is written to the radio (crash recovery reuses it).
CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  seq        INTEGER NOT NULL,          -- log entry it carries; 0 = a service reply
  part       INTEGER NOT NULL,          -- 1..parts
  parts      INTEGER NOT NULL,
  priority   INTEGER NOT NULL,          -- rules/airtime.py Priority
  dest       INTEGER NOT NULL,          -- node number; 4294967295 = everybody
  channel    INTEGER NOT NULL,          -- channel index of the radio
  payload    BLOB    NOT NULL,          -- UTF-8 text as a stock radio shows it
  reply_id   INTEGER,                   -- packet id that it answers
  want_ack   INTEGER NOT NULL,
  state      TEXT    NOT NULL,          -- rules/delivery.py State
  packet_id  INTEGER,
  attempt    INTEGER NOT NULL DEFAULT 0,
  queued_at  REAL    NOT NULL,
  not_before REAL    NOT NULL DEFAULT 0,
  expires_at REAL    NOT NULL,
  written_at REAL,
  reason     TEXT    NOT NULL DEFAULT '',
  rev        INTEGER NOT NULL           -- grows with every change, so that phones can catch up
);
CREATE INDEX outbox_state ON outbox (state);
CREATE INDEX outbox_rev ON outbox (rev);
CREATE INDEX outbox_seq ON outbox (seq);
CREATE INDEX outbox_packet ON outbox (packet_id);

-- Own transmissions of the last hour and a bit: a restart must not give a fresh airtime budget.
CREATE TABLE airtime (
  packet_id  INTEGER PRIMARY KEY,
  at         REAL    NOT NULL,
  airtime_ms REAL    NOT NULL,
  priority   INTEGER NOT NULL
);

-- Phones, by the hash of their token: whoever reads this file cannot speak as one of them.
CREATE TABLE device (
  id         BLOB PRIMARY KEY,          -- first 8 bytes of SHA-256 over the 128-bit token
  nick       TEXT    NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL
) WITHOUT ROWID;

-- Radios heard, for names on the page. The radio's node database is never a source of trust.
CREATE TABLE node (
  num        INTEGER PRIMARY KEY,
  long_name  TEXT    NOT NULL,
  short_name TEXT    NOT NULL,
  public_key BLOB    NOT NULL,          -- 32 bytes or empty
  last_heard INTEGER NOT NULL
);

-- Projection of the SOS records: rebuildable by replay (`kimnode doctor --rebuild`).
CREATE TABLE sos (
  seq        INTEGER PRIMARY KEY,
  state      TEXT    NOT NULL,          -- rules/sos.py
  by_nick    TEXT    NOT NULL DEFAULT '',
  changed_at INTEGER NOT NULL
);

-- What was refused, counted per day: enough to see an attack, nothing about its words.
CREATE TABLE refused (
  day    INTEGER NOT NULL,              -- unix day
  via    INTEGER NOT NULL,
  reason TEXT    NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (day, via, reason)
) WITHOUT ROWID;

-- Small facts about this database: node id, pinned radio key.
CREATE TABLE fact (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
