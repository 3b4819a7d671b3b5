-- Schema 3. Each index names the question that it answers; a statement that walks a table to find a few rows has none.

-- Bodies that were authenticated and could not be read: the last few of each source.
CREATE TABLE refused (
  id         INTEGER PRIMARY KEY,
  source     TEXT NOT NULL,
  at         INTEGER NOT NULL,
  credential TEXT NOT NULL,
  code       TEXT NOT NULL,              -- the code of the answer
  line       INTEGER NOT NULL,
  col        INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  hash       BLOB NOT NULL,              -- SHA-256 of the whole body
  head       BLOB NOT NULL               -- the first kilobyte; empty where a secret may stand in it
) STRICT;
CREATE INDEX refused_of_source ON refused(source, id);

-- Housekeeping finds what is due without walking what it has forgotten already.
CREATE INDEX delivery_keyed ON delivery(source, received_at) WHERE key IS NOT NULL;
CREATE INDEX delivery_bodied ON delivery(received_at) WHERE body IS NOT NULL;
CREATE INDEX call_over ON call(sent_at) WHERE ended_at IS NOT NULL;
CREATE INDEX scan_over ON scan(coalesce(ended_at, created_at)) WHERE state IN ('finished', 'dropped');
CREATE INDEX event_loose ON event(at) WHERE scan IS NULL;
CREATE INDEX device_unanswered ON device(since) WHERE at IS NULL;
-- Records that are old and still open are passed over, and not again in the same minute.
CREATE TABLE sweep (
  of TEXT PRIMARY KEY,                   -- the table
  at INTEGER NOT NULL,                   -- the age and the row that were looked at last
  id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What status and metrics show, counted as it happens. Triggers do it, so that no statement can forget it.
CREATE TABLE source (
  name       TEXT PRIMARY KEY,
  deliveries INTEGER NOT NULL,           -- accepted in all
  heard_at   INTEGER NOT NULL            -- when the last of them was received
) STRICT, WITHOUT ROWID;
INSERT INTO source SELECT source, count(*), max(received_at) FROM delivery GROUP BY source;
CREATE TRIGGER source_heard AFTER INSERT ON delivery BEGIN
  INSERT INTO source VALUES (NEW.source, 1, NEW.received_at)
    ON CONFLICT(name) DO UPDATE SET deliveries = deliveries + 1, heard_at = excluded.heard_at;
END;
CREATE TABLE scan_count (
  tenant INTEGER NOT NULL,
  state  TEXT NOT NULL,
  scans  INTEGER NOT NULL,
  PRIMARY KEY (tenant, state)
) STRICT, WITHOUT ROWID;
INSERT INTO scan_count SELECT tenant, state, count(*) FROM scan GROUP BY tenant, state;
CREATE TRIGGER scan_counted AFTER INSERT ON scan BEGIN
  INSERT INTO scan_count VALUES (NEW.tenant, NEW.state, 1) ON CONFLICT DO UPDATE SET scans = scans + 1;
END;
CREATE TRIGGER scan_recounted AFTER UPDATE OF state ON scan WHEN NEW.state <> OLD.state BEGIN
  UPDATE scan_count SET scans = scans - 1 WHERE tenant = OLD.tenant AND state = OLD.state;
  INSERT INTO scan_count VALUES (NEW.tenant, NEW.state, 1) ON CONFLICT DO UPDATE SET scans = scans + 1;
END;
CREATE TRIGGER scan_uncounted AFTER DELETE ON scan BEGIN
  UPDATE scan_count SET scans = scans - 1 WHERE tenant = OLD.tenant AND state = OLD.state;
END;
DROP INDEX decision_expires;
CREATE INDEX decision_expires ON decision(tenant, look_at, at) WHERE state = 'held';
CREATE INDEX scan_waiting_since ON scan(tenant, created_at) WHERE state = 'waiting';

-- The lists of the admin API: the few among many, newest first.
CREATE INDEX alert_listed ON alert(state, delivery, n) WHERE state IN ('parked', 'ignored', 'duplicate');
CREATE INDEX decision_listed ON decision(state) WHERE state IN ('resolving', 'held', 'dropped');
CREATE INDEX scan_listed ON scan(state) WHERE state IN ('waiting', 'sending', 'unknown', 'running', 'dropped');
CREATE INDEX scan_failed ON scan(outcome) WHERE outcome IN ('failed', 'timeout', 'cancelled', 'lost', 'too_old', 'no_such_machine', 'unsupported', 'refused');

-- The place of a scan among those that a limit counts. The limit is spent if the scan that is so many places back was
-- begun within the window, which is one row to look at, whatever the limit.
ALTER TABLE scan ADD COLUMN of_rule INTEGER;     -- among those of its tenant, rule and mode; NULL: no limit counts it
ALTER TABLE scan ADD COLUMN of_tenant INTEGER;   -- among those of its tenant and mode
UPDATE scan SET of_rule = place.of_rule, of_tenant = place.of_tenant FROM
  (SELECT id, row_number() OVER (PARTITION BY tenant, dry, rule ORDER BY created_at, id) AS of_rule,
              row_number() OVER (PARTITION BY tenant, dry ORDER BY created_at, id) AS of_tenant
   FROM scan WHERE counted) AS place WHERE place.id = scan.id;
DROP INDEX scan_of_rule;
DROP INDEX scan_by_age;
CREATE INDEX scan_of_rule ON scan(tenant, dry, rule, of_rule) WHERE of_rule IS NOT NULL;
CREATE INDEX scan_of_tenant ON scan(tenant, dry, of_tenant) WHERE of_tenant IS NOT NULL;

-- The same finding about the same device: what was decided, so that a repeat is found by its key.
ALTER TABLE decision ADD COLUMN asked INTEGER;   -- how much the verdict asked for; NULL: not known yet
CREATE TABLE finding (
  sameness   BLOB NOT NULL,              -- 16 bytes that say "the same finding of the same source"
  device     TEXT NOT NULL,
  source     TEXT NOT NULL,
  delivery   INTEGER NOT NULL,           -- the last one that was decided
  at         INTEGER NOT NULL,           -- when that came; forgotten after the source's `remember`
  decision   INTEGER NOT NULL,           -- the one that asked for most
  severities INTEGER NOT NULL,           -- a bit for each that was decided
  content    BLOB,                       -- 8 bytes of what the rules saw; NULL: not known
  PRIMARY KEY (sameness, device)
) STRICT, WITHOUT ROWID;
INSERT OR REPLACE INTO finding
  SELECT substr(a.key, 1, 16), d.device, a.source, l.id, l.received_at, d.id,
         CASE json_extract(a.fields, '$.severity')
           WHEN 'informational' THEN 2 WHEN 'low' THEN 4 WHEN 'medium' THEN 8 WHEN 'high' THEN 16 WHEN 'critical' THEN 32
           ELSE 1 END, NULL
  FROM alert a JOIN delivery l ON l.id = a.delivery JOIN decision d ON d.delivery = a.delivery AND d.n = a.n
  WHERE a.key > x'' ORDER BY d.id;
UPDATE decision SET asked = CASE kind WHEN 'quick' THEN 65536 WHEN 'full' THEN 131072 ELSE 0 END + coalesce(priority, 0)
       + CASE WHEN kind IS NULL THEN 0 ELSE CASE json_extract(why, '$.mode')
           WHEN 'dry_run' THEN 0 WHEN 'approve' THEN 256
           ELSE CASE WHEN state = 'held' AND reason IN ('protection', 'undecided') THEN 256 ELSE 512 END END END
  WHERE state <> 'resolving' AND id IN (SELECT decision FROM finding);
UPDATE alert SET key = NULL WHERE key > x'';
CREATE INDEX finding_by_age ON finding(source, at);

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

-- What keeps its lane from sending, as JSON that the lane writes: for whoever is asked why a scan waits.
ALTER TABLE tenant ADD COLUMN obstacles TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tenant ADD COLUMN entra TEXT;   -- the id of the Entra tenant that its work belongs to, by its tokens
CREATE INDEX decision_of_policy ON decision(policy);
-- Whether Defender is the built-in simulator; no row: not yet used by a version that knows.
CREATE TABLE about (simulated INTEGER NOT NULL) STRICT;

-- Following: what a poll and a list ask of the scans that are open. An idle poll reads no row for those that are not due.
ALTER TABLE scan ADD COLUMN overdue_at INTEGER;   -- when it was found past the give-up age; the next complete look is the last
CREATE INDEX scan_by_action ON scan(tenant, action) WHERE state = 'running';
CREATE INDEX scan_missed ON scan(tenant, look_at) WHERE state = 'running' AND misses >= 2;
CREATE INDEX scan_unknown ON scan(tenant, id) WHERE state = 'unknown';
CREATE INDEX scan_again ON scan(tenant, priority DESC, id) WHERE state = 'unknown' AND (misses >= 2 OR unseen);
CREATE INDEX scan_sent ON scan(tenant, sent_at)
  WHERE state IN ('sending', 'unknown', 'running') AND overdue_at IS NULL AND pause IS NULL;
CREATE INDEX scan_overdue ON scan(tenant, overdue_at)
  WHERE state IN ('sending', 'unknown', 'running') AND overdue_at IS NOT NULL AND pause IS NULL;

-- What devices are called. A list that is asked for one by any of its names finds the few devices that may be meant, and
-- their alerts and decisions by theirs.
CREATE TABLE mention (                   -- the devices of each alert, also of one that was ignored or parked
  delivery INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  device   TEXT NOT NULL,                -- as decisions call it
  PRIMARY KEY (delivery, n, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_of_device ON mention(device, delivery, n);
CREATE TABLE known_as (
  name   TEXT NOT NULL,                  -- in lower case
  device TEXT NOT NULL,
  PRIMARY KEY (name, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_as_of_device ON known_as(device);
CREATE TABLE machine (                   -- the name of each machine, by the directory or else by an alert
  id     TEXT NOT NULL,
  tenant INTEGER NOT NULL REFERENCES tenant(id),
  name   TEXT NOT NULL,
  told   INTEGER NOT NULL,               -- 1: by the directory
  at     INTEGER NOT NULL,               -- when it was said, to the day
  PRIMARY KEY (id, tenant)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_by_age ON machine(at);
CREATE TRIGGER alert_unnamed AFTER DELETE ON alert BEGIN
  DELETE FROM mention WHERE delivery = OLD.delivery AND n = OLD.n;
END;
CREATE TRIGGER device_unnamed AFTER DELETE ON mention
  WHEN NOT EXISTS (SELECT 1 FROM mention WHERE device = OLD.device) BEGIN
  DELETE FROM known_as WHERE device = OLD.device;
END;
CREATE INDEX decision_of_device ON decision(device);
CREATE INDEX scan_of_machine ON scan(machine);

-- Lists from a time on, or up to one.
CREATE INDEX decision_at ON decision(at);
CREATE INDEX scan_at ON scan(created_at);
