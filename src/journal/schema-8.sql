-- Schema 8: who is signed in. Times are Unix milliseconds.

CREATE TABLE session (
  hash    TEXT PRIMARY KEY,              -- of the key that the browser keeps
  subject TEXT NOT NULL,
  name    TEXT NOT NULL,
  how     TEXT NOT NULL,                 -- token or sign-in
  proof   TEXT NOT NULL,                 -- the token's hash as it is configured; the issuer
  grants  TEXT NOT NULL,                 -- what the issuer said of their roles, as JSON
  at      INTEGER NOT NULL,
  seen    INTEGER NOT NULL,              -- when it was used last, to the minute
  ends    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_subject ON session(subject, at);
CREATE INDEX session_seen ON session(seen);
CREATE INDEX session_ends ON session(ends);
