-- Who did what at the admin listener, and who is signed in.

-- A row for each order, written in the order's own transaction. Each row's hash covers the one before.
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  subject TEXT NOT NULL,
  what    TEXT NOT NULL,
  entry   TEXT NOT NULL,                 -- the whole entry, as the canonical JSON that the hash is made of
  prev    TEXT NOT NULL,                 -- the hash of the row before; '' for the very first
  hash    TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_age ON audit(at);
CREATE INDEX audit_of_subject ON audit(subject, id);
CREATE INDEX audit_of_what ON audit(what, id);

-- Sessions of people. A session that ended by its times is forgotten by housekeeping.
CREATE TABLE session (
  id_hash BLOB PRIMARY KEY,              -- of the 256 random bits in the cookie
  subject TEXT NOT NULL,
  name    TEXT NOT NULL,
  how     TEXT NOT NULL,
  grants  TEXT NOT NULL,                 -- role and tenants, as JSON: those of the sign-in
  at      INTEGER NOT NULL,
  seen    INTEGER NOT NULL,              -- to the minute
  ends    INTEGER NOT NULL               -- the latest end, whatever is done
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_end ON session(ends);

-- When each token was used: its first use is in the audit, the last one is shown.
CREATE TABLE token_use (
  hash TEXT PRIMARY KEY,                 -- as it is configured
  at   INTEGER NOT NULL                  -- to the minute
) STRICT, WITHOUT ROWID;
