-- Who did what at the admin listener.

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

-- When each token was used: its first use goes into the audit.
CREATE TABLE token_use (
  hash TEXT PRIMARY KEY,                 -- as it is configured
  at   INTEGER NOT NULL                  -- to the minute
) STRICT, WITHOUT ROWID;
