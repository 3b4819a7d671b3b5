-- Schema 11: several processes on one journal. Times are Unix milliseconds, by the clock of the database.

-- One life of one process: its number is never given again.
CREATE TABLE replica (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,              -- the host it runs on
  version    TEXT NOT NULL,
  policy     TEXT NOT NULL,              -- fingerprint of its rules.toml
  settings   TEXT NOT NULL,              -- fingerprint of what all of them must be told alike
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL
) STRICT;

-- Who may call as an app. The fence only grows, with each that takes the lease.
CREATE TABLE lane (
  app    TEXT PRIMARY KEY,               -- Entra tenant and app registration
  fence  INTEGER NOT NULL DEFAULT 0,
  holder INTEGER,                        -- a replica
  tenant INTEGER,                        -- for which of its names
  until  INTEGER NOT NULL DEFAULT 0,     -- 0: free
  board  TEXT                            -- what its worker last said of itself, as JSON
) STRICT, WITHOUT ROWID;
