-- Schema 2: proofs, windows, pauses, the directory, clocks.

-- As which app it calls, written when its lane is loaded: the quota is the app's, whatever the tenant is called.
ALTER TABLE tenant ADD COLUMN tenant_id TEXT;
ALTER TABLE tenant ADD COLUMN client_id TEXT;

ALTER TABLE delivery ADD COLUMN credential TEXT;   -- the names of the secrets that proved it, never the secrets

ALTER TABLE scan ADD COLUMN opens_at INTEGER;   -- the opening of the window it waits for
ALTER TABLE scan ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0; -- 1: the answer to an earlier try was lost
ALTER TABLE scan ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;  -- 1: sent again, though no list could tell of an earlier try
-- When a scan was first sent by Defender's own clock, which is how far back its action may lie in a list; ours may have
-- been set since.
ALTER TABLE scan ADD COLUMN far_sent_at INTEGER;
-- When the urgent scan was wanted that a call is for: what is to be expected is told by that, not by when it could leave.
ALTER TABLE call ADD COLUMN wanted_at INTEGER;

-- What people do: pauses, approvals, calling off, retries.

CREATE TABLE pause (
  id       INTEGER PRIMARY KEY,
  tenant   INTEGER REFERENCES tenant(id),   -- NULL: every tenant
  rule     TEXT,                            -- NULL: whatever the rule
  device   TEXT,                            -- a pattern; NULL: whatever the device
  at       INTEGER NOT NULL,
  who      TEXT NOT NULL,                   -- as they call themselves
  reason   TEXT,
  until    INTEGER,                         -- NULL: until somebody resumes
  ended_at INTEGER,                         -- NULL: in force
  ended_by TEXT,                            -- NULL: its time was over
  settled  INTEGER NOT NULL DEFAULT 0       -- 1: over, and it holds no scan back any more
) STRICT;
CREATE INDEX pause_unsettled ON pause(id) WHERE settled = 0;
CREATE INDEX pause_past ON pause(ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE scan ADD COLUMN max_age INTEGER;                      -- milliseconds; NULL: begun by schema 1, from created_at to not_after
ALTER TABLE scan ADD COLUMN pause INTEGER;                        -- the pause that keeps it out of the queue
ALTER TABLE scan ADD COLUMN counted INTEGER NOT NULL DEFAULT 1;   -- 0: a person approved it, no limit counts it
ALTER TABLE scan ADD COLUMN cancel_by TEXT;                       -- who asked for it to be called off
ALTER TABLE scan ADD COLUMN cancel_why TEXT;
ALTER TABLE scan ADD COLUMN cancel_at INTEGER;                    -- when to call next; NULL: not asked, or asked and taken
ALTER TABLE scan ADD COLUMN cancel_tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX scan_paused ON scan(pause, tenant, priority DESC, id) WHERE pause IS NOT NULL;
CREATE INDEX scan_called_off ON scan(tenant, cancel_at) WHERE cancel_by IS NOT NULL AND state IN ('unknown', 'running');
CREATE INDEX decision_held ON decision(tenant, coalesce(machine, device), reason) WHERE state = 'held';

ALTER TABLE event ADD COLUMN who TEXT;                            -- the person behind it
CREATE INDEX event_of_decision ON event(decision) WHERE decision IS NOT NULL;

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

-- When a person had it made again: its age counts from there, and what the directory said before is not good for it.
ALTER TABLE decision ADD COLUMN again_at INTEGER;
-- What a resolving decision waits for; NULL: it is to be looked at.
ALTER TABLE decision ADD COLUMN asks TEXT;
CREATE INDEX decision_asking ON decision(tenant, asks, id) WHERE state = 'resolving';
-- SQLite does not see that one state lies inside a list of states: each query needs an index of its own.
DROP INDEX decision_pending;
CREATE INDEX decision_late ON decision(tenant, look_at) WHERE state = 'resolving';
CREATE INDEX decision_expires ON decision(tenant, look_at) WHERE state = 'held';

CREATE INDEX call_open ON call(tenant) WHERE ended_at IS NULL;   -- calls nobody waits for any more, at a restart
