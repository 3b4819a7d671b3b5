-- Schema 7: where one person is not enough.

-- Each approval of a held decision that takes more than one person: a row for each person, about what they said last.
CREATE TABLE approval (
  decision     INTEGER NOT NULL,
  subject      TEXT NOT NULL,              -- what tells them from everybody else
  account      TEXT NOT NULL,              -- what the credential calls them
  on_behalf_of TEXT,                       -- for whom a program says that it acts
  for_others   INTEGER NOT NULL,           -- 1: it may say so
  name         TEXT NOT NULL,              -- as shown
  reason       TEXT,
  machine      TEXT,                       -- what they approved a scan of
  at_once      INTEGER NOT NULL,           -- 1: whatever the windows say
  at           INTEGER NOT NULL,
  PRIMARY KEY (decision, subject)
) STRICT, WITHOUT ROWID;
