-- Schema 1. Times are Unix milliseconds, ids integers inside and uuid v7 outside.
-- No index without a query that needs it: each is named for the question it answers.

CREATE TABLE tenant (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL UNIQUE,
  memory TEXT NOT NULL DEFAULT '{}'      -- what a lane must not forget: pause after 429, refused ExternalId
) STRICT;

CREATE TABLE policy (
  id        INTEGER PRIMARY KEY,
  hash      TEXT NOT NULL UNIQUE,        -- fingerprint of rules.toml
  rules     TEXT NOT NULL,
  loaded_at INTEGER NOT NULL
) STRICT;

CREATE TABLE delivery (
  id          INTEGER PRIMARY KEY,
  uuid        BLOB NOT NULL,
  key         BLOB UNIQUE,               -- NULL once the source's `remember` is over
  source      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  body        BLOB                       -- NULL past retention
) STRICT;
CREATE INDEX delivery_by_age ON delivery(received_at);

CREATE TABLE alert (
  delivery INTEGER NOT NULL REFERENCES delivery(id),
  n        INTEGER NOT NULL,
  source   TEXT NOT NULL,
  alert_id TEXT NOT NULL,
  key      BLOB UNIQUE,                  -- 16 bytes of source and sameness + 8 of severity and devices; NULL on repeats, and once forgotten
  state    TEXT NOT NULL,
  reason   TEXT,
  detail   TEXT,
  fields   TEXT NOT NULL,
  PRIMARY KEY (delivery, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_by_id ON alert(alert_id, source);

CREATE TABLE decision (
  id       INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  tenant   INTEGER NOT NULL REFERENCES tenant(id),
  device   TEXT NOT NULL,
  machine  TEXT,
  at       INTEGER NOT NULL,
  state    TEXT NOT NULL,
  reason   TEXT NOT NULL,
  scan     INTEGER REFERENCES scan(id),
  rule     TEXT,
  kind     TEXT,
  priority INTEGER,
  policy   INTEGER NOT NULL REFERENCES policy(id),
  why      TEXT NOT NULL,
  look_at  INTEGER
) STRICT;
CREATE INDEX decision_of_delivery ON decision(delivery, n);
CREATE INDEX decision_of_scan ON decision(scan) WHERE scan IS NOT NULL;
CREATE INDEX decision_pending ON decision(tenant, state, look_at) WHERE state IN ('resolving', 'held');

CREATE TABLE scan (
  id         INTEGER PRIMARY KEY,
  uuid       BLOB NOT NULL UNIQUE,
  tenant     INTEGER NOT NULL REFERENCES tenant(id),
  machine    TEXT NOT NULL,
  dry        INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  priority   INTEGER NOT NULL,
  rule       TEXT,
  state      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  not_before INTEGER,                    -- NULL: due now
  not_after  INTEGER NOT NULL,           -- older than this it is not sent
  blocked_by TEXT,                       -- what it waits for: a scan of ours (its id), or a foreign machine action
  sent_at    INTEGER,
  tries      INTEGER NOT NULL DEFAULT 0,
  misses     INTEGER NOT NULL DEFAULT 0, -- complete lists without it, while unknown
  look_at    INTEGER,
  action     TEXT,                       -- the machine action's id
  ours       INTEGER NOT NULL DEFAULT 1, -- 0: somebody else's action covers it
  ended_at   INTEGER,
  outcome    TEXT,
  detail     TEXT
) STRICT;
CREATE UNIQUE INDEX scan_waiting_once ON scan(tenant, machine, dry) WHERE state = 'waiting';
CREATE UNIQUE INDEX scan_open_once ON scan(tenant, machine) WHERE state IN ('sending', 'unknown', 'running');
CREATE INDEX scan_queue ON scan(tenant, dry, priority DESC, id) WHERE state = 'waiting' AND not_before IS NULL;
CREATE INDEX scan_later ON scan(tenant, not_before) WHERE state = 'waiting' AND not_before IS NOT NULL;
CREATE INDEX scan_open ON scan(tenant, look_at) WHERE state IN ('sending', 'unknown', 'running');
CREATE INDEX scan_past ON scan(tenant, machine, ended_at) WHERE state = 'finished';
CREATE INDEX scan_of_rule ON scan(tenant, rule, created_at);
CREATE INDEX scan_by_age ON scan(tenant, created_at);

CREATE TABLE call (
  id       INTEGER PRIMARY KEY,
  tenant   INTEGER NOT NULL REFERENCES tenant(id),
  api      TEXT NOT NULL,
  urgent   INTEGER NOT NULL,
  sent_at  INTEGER NOT NULL,
  ended_at INTEGER,
  scan     INTEGER,
  answer   TEXT
) STRICT;
CREATE INDEX call_ledger ON call(tenant, api, sent_at);

CREATE TABLE event (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  what     TEXT NOT NULL,
  tenant   INTEGER,
  scan     INTEGER,
  decision INTEGER,
  data     TEXT
) STRICT;
CREATE INDEX event_of_scan ON event(scan) WHERE scan IS NOT NULL;
