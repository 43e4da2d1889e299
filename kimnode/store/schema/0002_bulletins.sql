-- Signed documents, bulletins and what surrounds them.

-- The document of a record that is one (wire/sealed.py). Certificates, roots, revocations and
-- suspensions are read from here by kind; nothing else decides who may do what.
CREATE TABLE document (
  seq   INTEGER PRIMARY KEY REFERENCES log (seq) ON DELETE CASCADE,
  bytes BLOB NOT NULL
);
CREATE INDEX log_kind ON log (kind, seq);
CREATE INDEX log_subject ON log (subject) WHERE subject IS NOT NULL;

-- Projection of bulletins and votes (rebuildable): what board and radio need without reading them.
CREATE TABLE bulletin (
  seq          INTEGER PRIMARY KEY,
  id           BLOB    NOT NULL UNIQUE, -- 32 bytes
  number       INTEGER NOT NULL,        -- the 17 of B-17
  form         INTEGER NOT NULL,
  verdict      INTEGER NOT NULL,
  area         INTEGER NOT NULL,
  signer       BLOB    NOT NULL,
  person       BLOB    NOT NULL,        -- certified key of the author
  about        BLOB    NOT NULL,        -- 16 bytes of the bulletin it is about, or empty
  made_min     INTEGER NOT NULL,
  expires_min  INTEGER NOT NULL,
  dossier      BLOB    NOT NULL,        -- 16 bytes, or empty
  local        INTEGER NOT NULL,        -- written at this gateway
  state        TEXT    NOT NULL,        -- rules/bulletins.py
  standing     TEXT    NOT NULL,        -- rules/trust.py: waiting, via-post, verified
  via_post     BLOB    NOT NULL DEFAULT x'', -- key of the gateway whose word it is (via-post)
  known_uptime_s INTEGER NOT NULL DEFAULT 0, -- uptime of this node when it was first known
  changed_at   INTEGER NOT NULL
);
CREATE INDEX bulletin_about ON bulletin (about);
CREATE INDEX bulletin_number ON bulletin (number);

-- Sequence numbers seen, per signer and epoch: what was used for which document, and what is missing.
CREATE TABLE sequence (
  signer BLOB    NOT NULL,
  epoch  INTEGER NOT NULL,
  seq    INTEGER NOT NULL,
  id     BLOB    NOT NULL,              -- of the document that has it
  PRIMARY KEY (signer, epoch, seq)
) WITHOUT ROWID;

-- Meshtastic port number of a packet: 1 = text, 302 = signed documents and gossip (wire/air.py).
ALTER TABLE outbox ADD COLUMN port INTEGER NOT NULL DEFAULT 1;

-- Own numbers, reserved in blocks before use: a crash skips numbers and never repeats one.
CREATE TABLE counter (
  name TEXT    PRIMARY KEY,             -- "seq:<signer hex>", "bulletin"
  next INTEGER NOT NULL
) WITHOUT ROWID;

-- Rumours grouped into claims.
CREATE TABLE claim (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- the 3 of "K-3"
  text       TEXT    NOT NULL,          -- the first report's words
  words      TEXT    NOT NULL,          -- its words as they are compared (rules/claims.py)
  state      TEXT    NOT NULL,          -- rules/claims.py
  opened_at  INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  listed_at  INTEGER,                   -- when it was shown as BELUM DICEK
  bulletin   INTEGER                    -- seq of the bulletin that answers it
);
CREATE TABLE report (
  seq   INTEGER PRIMARY KEY REFERENCES log (seq) ON DELETE CASCADE,
  claim INTEGER NOT NULL REFERENCES claim (id)
);
CREATE INDEX report_claim ON report (claim);

-- Commands of radios that were obeyed or refused once: a recording of one is a repetition for ever.
CREATE TABLE command (
  public_key BLOB    NOT NULL,
  node_num   INTEGER NOT NULL,
  packet_id  INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (public_key, node_num, packet_id)
) WITHOUT ROWID;

-- Drafts (and suspensions) that were sent to a verifier's radio: OK counts only after that radio has
-- acknowledged the whole text.
CREATE TABLE told (
  subject    INTEGER NOT NULL,          -- seq of the bulletin, or of the first suspension vote
  public_key BLOB    NOT NULL,
  node_num   INTEGER NOT NULL,
  first_row  INTEGER NOT NULL,          -- outbox rows of its parts, first and last
  last_row   INTEGER NOT NULL,
  PRIMARY KEY (subject, public_key)
) WITHOUT ROWID;

-- Bulletins whose readable text was said on the village channel by this post, or need not be.
CREATE TABLE said (
  bulletin INTEGER PRIMARY KEY,         -- seq
  due_at   REAL    NOT NULL,            -- when this post says it, unless it has heard it by then
  done     INTEGER NOT NULL DEFAULT 0   -- 1: said here, heard from another post, or not worth it now
);

-- Volunteers' keys that our own radio keeps, and the node number that each was last heard under.
CREATE TABLE pinned (
  public_key BLOB    PRIMARY KEY,
  node_num   INTEGER NOT NULL,
  at         INTEGER NOT NULL           -- when our radio was given it last
) WITHOUT ROWID;

-- Who has heard of a bulletin, for honest counts: never shown one by one.
CREATE TABLE reach (
  bulletin INTEGER NOT NULL,            -- seq of the bulletin
  kind     TEXT    NOT NULL,            -- gateway, radio, phone
  who      BLOB    NOT NULL,            -- key, node number, or salted hash of a phone
  at       INTEGER NOT NULL,
  PRIMARY KEY (bulletin, kind, who)
) WITHOUT ROWID;

-- A volunteer's browser: the invitation (used once), the key that was made there, and the gateway's
-- share of what unlocks it.
CREATE TABLE enrolment (
  code       BLOB    PRIMARY KEY,       -- SHA-256 of the one-time code
  name       TEXT    NOT NULL,
  person     INTEGER NOT NULL,
  role       INTEGER NOT NULL,
  made_at    INTEGER NOT NULL,
  used_at    INTEGER,
  public_key BLOB    NOT NULL DEFAULT x''
) WITHOUT ROWID;
CREATE TABLE share (
  public_key BLOB    PRIMARY KEY,
  secret     BLOB    NOT NULL,          -- 32 random bytes
  tries      INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Why a draft was refused, in words of the second person's browser. Unsigned, and only here.
CREATE TABLE reason (
  vote BLOB PRIMARY KEY,                -- id of the REJECTION
  text TEXT NOT NULL
) WITHOUT ROWID;

-- What was wrong and needs a person's eye: key changes, forged bulletins, reused sequence numbers.
CREATE TABLE incident (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  kind  TEXT    NOT NULL,
  who   TEXT    NOT NULL,               -- radio or key
  at    INTEGER NOT NULL,
  count INTEGER NOT NULL DEFAULT 1,
  UNIQUE (kind, who)
);
