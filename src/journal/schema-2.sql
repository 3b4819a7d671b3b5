-- Schema 2. As in schema 1: no index without a query that needs it.

-- The tenant's directory, as far as it was asked: what it said, and what it has still to be asked.
CREATE TABLE device (
  tenant   INTEGER NOT NULL REFERENCES tenant(id),
  asked    TEXT NOT NULL,               -- the question, as a text that is the same for the same question
  api      TEXT NOT NULL,               -- the budget it is asked from
  at       INTEGER,                     -- when it was answered; NULL: still open
  machine  TEXT,                        -- the one machine found; NULL: none, or several
  facts    TEXT,                        -- the records found, as JSON
  priority INTEGER NOT NULL,            -- of the most urgent decision that waits for it
  since    INTEGER NOT NULL,            -- how long it has been open
  due      INTEGER NOT NULL,            -- not asked before this
  tries    INTEGER NOT NULL DEFAULT 0,  -- that failed
  PRIMARY KEY (tenant, asked)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_open ON device(tenant, api, priority DESC, since, asked) WHERE at IS NULL;
CREATE INDEX device_later ON device(tenant, api, due) WHERE at IS NULL;
CREATE INDEX device_of_machine ON device(tenant, machine) WHERE machine IS NOT NULL;
CREATE INDEX device_by_age ON device(at) WHERE at IS NOT NULL;

-- What a resolving decision waits for; NULL: it is to be looked at.
ALTER TABLE decision ADD COLUMN asks TEXT;
CREATE INDEX decision_asking ON decision(tenant, asks, id) WHERE state = 'resolving';
-- SQLite does not see that one state lies inside a list of states: each query needs an index of its own.
DROP INDEX decision_pending;
CREATE INDEX decision_late ON decision(tenant, look_at) WHERE state = 'resolving';
CREATE INDEX decision_held ON decision(tenant, look_at) WHERE state = 'held';
