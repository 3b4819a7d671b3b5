-- Schema 3. Each index names the question that it answers; a statement that walks a table to find a few rows has none.

-- The queue.

-- A scan whose call may have been carried out keeps its kind until it is over: only one that never left, or surely was
-- not carried out, takes another alert along. A stronger wish begins a scan of its own behind it.
DROP INDEX scan_waiting_once;
CREATE UNIQUE INDEX scan_waiting_once ON scan(tenant, machine, dry) WHERE state = 'waiting' AND unanswered = 0;
CREATE UNIQUE INDEX scan_sent_once ON scan(tenant, machine) WHERE state = 'waiting' AND unanswered = 1;

ALTER TABLE scan ADD COLUMN turn INTEGER;    -- its place among those of its priority; NULL: its id
ALTER TABLE scan ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;  -- how often its machine alone was forbidden
ALTER TABLE scan ADD COLUMN windows TEXT;    -- when it may leave, as JSON; NULL: at any time
DROP INDEX scan_queue;
CREATE INDEX scan_queue ON scan(tenant, dry, priority DESC, coalesce(turn, id))
  WHERE state = 'waiting' AND not_before IS NULL;
-- Waiting scans whose machine somebody else's action occupies: when to look at that action.
CREATE INDEX scan_blocked ON scan(tenant, look_at) WHERE state = 'waiting' AND look_at IS NOT NULL;
-- Waiting scans that something else than their turn keeps back, and when they are too old.
CREATE INDEX scan_behind ON scan(tenant, not_after) WHERE state = 'waiting' AND blocked_by IS NOT NULL;

-- When a resolving decision has waited for long enough, in milliseconds during which the directory could be asked;
-- NULL: it has not begun to wait. (`look_at` says how long it may wait, from when it was made.)
ALTER TABLE decision ADD COLUMN late_at INTEGER;
DROP INDEX decision_late;
CREATE INDEX decision_late ON decision(tenant, late_at) WHERE state = 'resolving';
-- A decision that is held because the directory was silent goes on asking: the question; or '': it was answered.
CREATE INDEX decision_held_asking ON decision(tenant, asks, id) WHERE state = 'held' AND asks IS NOT NULL;
ALTER TABLE device ADD COLUMN asked_at INTEGER;  -- when the question last left; NULL: not since it is open

ALTER TABLE tenant ADD COLUMN entra TEXT;   -- the id of the Entra tenant that its work belongs to, by its tokens
CREATE INDEX decision_of_policy ON decision(policy);
-- Whether Defender is the built-in simulator; no row: not yet used by a version that knows.
CREATE TABLE about (simulated INTEGER NOT NULL) STRICT;
