-- Schema 9: what goes back to where alerts came from. Times are Unix milliseconds.

-- What was last to be told of a machine at an incident or an alert, so that its one comment can be found and changed.
CREATE TABLE write_back (
  receiver TEXT NOT NULL,
  target   TEXT NOT NULL,                -- the incident's name, or the alert's id
  machine  TEXT NOT NULL,                -- its id; while that is not known: what the alert says
  place    INTEGER NOT NULL,             -- the how-manieth machine of the target it is
  scan     INTEGER,
  decision INTEGER NOT NULL,
  held     INTEGER NOT NULL,             -- 1: it was last told as held
  at       INTEGER NOT NULL,
  PRIMARY KEY (receiver, target, machine)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX write_back_place ON write_back(receiver, target, place);
CREATE INDEX write_back_held ON write_back(receiver, decision) WHERE held = 1;
CREATE INDEX write_back_by_age ON write_back(at);

-- Until when a receiver wants no message, after a 429 to something that goes back.
ALTER TABLE receiver ADD COLUMN paused_until INTEGER;
