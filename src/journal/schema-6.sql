-- Schema 6: who is told what. Times are Unix milliseconds.

-- What people and other programs may be told of, written in the transaction of what it tells: the stream of events.
-- AUTOINCREMENT: a number is never given twice, whatever was forgotten, because programs remember how far they have read.
CREATE TABLE occasion (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  what     TEXT NOT NULL,                -- a type, such as decision.held
  tenant   INTEGER REFERENCES tenant(id),
  key      TEXT NOT NULL,                -- what else it is about: a source, a file, a rule
  scan     INTEGER,
  decision INTEGER,
  said     TEXT NOT NULL                 -- what was known then, as JSON
) STRICT;
CREATE INDEX occasion_by_age ON occasion(at);

-- What goes on until something ends it, so that it is told once, whatever is restarted. One that has not been told yet
-- is told when it is due, should it still go on.
CREATE TABLE lasting (
  what   TEXT NOT NULL,
  tenant INTEGER NOT NULL,               -- 0: of no tenant
  key    TEXT NOT NULL,
  since  INTEGER NOT NULL,
  due    INTEGER,                        -- NULL: it was told
  said   TEXT NOT NULL,
  PRIMARY KEY (what, tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX lasting_due ON lasting(due) WHERE due IS NOT NULL;

-- Each receiver, while it is configured: how far it has come, and how it is.
CREATE TABLE receiver (
  name      TEXT PRIMARY KEY,
  seen      INTEGER NOT NULL,            -- the last occasion that was looked at for it
  failures  INTEGER NOT NULL DEFAULT 0,  -- in a row
  probe_at  INTEGER,                     -- when it is tried next, after so many
  failing   INTEGER,                     -- since when it has been told that it fails
  dropped   INTEGER NOT NULL DEFAULT 0,  -- messages that found no room
  digest_at INTEGER,                     -- when its next digest is due
  answer    TEXT,                        -- its last answer to a message that it did not take
  sent_at   INTEGER                      -- when it last took one
) STRICT, WITHOUT ROWID;

-- One message to one receiver. It is written when it is sent; a row says what about.
CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY,
  uuid     BLOB NOT NULL UNIQUE,         -- the same on every try
  receiver TEXT NOT NULL,
  grp      TEXT NOT NULL,
  subject  TEXT NOT NULL,
  what     TEXT NOT NULL,
  occasion INTEGER,                      -- the last of its events; NULL: of none
  first    INTEGER,                      -- the first of its events, whose scan or decision it names
  more     INTEGER NOT NULL DEFAULT 0,   -- further things that it tells
  for_person INTEGER NOT NULL,           -- 1: a person has to hear of it; kept where there is no room
  open     INTEGER NOT NULL DEFAULT 1,   -- 0: takes no further event along
  at       INTEGER NOT NULL,
  since    INTEGER NOT NULL,             -- when it was due first
  due      INTEGER NOT NULL,
  tries    INTEGER NOT NULL DEFAULT 0,
  tried_at INTEGER,                      -- the first time
  state    TEXT NOT NULL,                -- waiting, sent or dead
  ended_at INTEGER,
  answer   TEXT                          -- the last one
) STRICT;
CREATE UNIQUE INDEX outbox_group ON outbox(receiver, grp) WHERE state = 'waiting' AND tries = 0 AND open = 1;
CREATE INDEX outbox_due ON outbox(receiver, due, id) WHERE state = 'waiting';
CREATE INDEX outbox_subject ON outbox(receiver, subject, id) WHERE state = 'waiting';
CREATE INDEX outbox_told ON outbox(receiver, grp, id);
CREATE INDEX outbox_person ON outbox(receiver, for_person, id) WHERE state = 'waiting';
CREATE INDEX outbox_dead ON outbox(receiver, id) WHERE state = 'dead';
CREATE INDEX outbox_over ON outbox(ended_at) WHERE ended_at IS NOT NULL;

-- Holds that end soon are told once, in the order in which they end: up to where that was done.
CREATE TABLE told_until (
  tenant INTEGER PRIMARY KEY REFERENCES tenant(id),
  at     INTEGER NOT NULL
) STRICT;

-- Whether anything of a group is held still.
CREATE INDEX decision_held_group ON decision(tenant, reason, coalesce(rule, '')) WHERE state = 'held';
