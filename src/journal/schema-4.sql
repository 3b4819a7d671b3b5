-- Schema 4. Numbers that screens show, counted as things happen, so that no screen counts a table.

-- The severity of the alert, where lists are narrowed by it. Rows of earlier versions get theirs in steps (`backfill`).
ALTER TABLE decision ADD COLUMN severity TEXT;
INSERT INTO sweep SELECT 'backfill', 0, 0 WHERE EXISTS (SELECT 1 FROM decision) OR EXISTS (SELECT 1 FROM scan);

-- How many decisions are held, and for what; how many wait for the directory. Triggers keep it.
CREATE TABLE decision_count (
  tenant    INTEGER NOT NULL,
  state     TEXT NOT NULL,
  reason    TEXT NOT NULL,
  decisions INTEGER NOT NULL,
  PRIMARY KEY (tenant, state, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO decision_count SELECT tenant, state, reason, count(*) FROM decision
  WHERE state IN ('resolving', 'held', 'dropped') AND state <> 'dropped' GROUP BY 1, 2, 3;
CREATE TRIGGER decision_counted AFTER INSERT ON decision WHEN NEW.state IN ('resolving', 'held') BEGIN
  INSERT INTO decision_count VALUES (NEW.tenant, NEW.state, NEW.reason, 1) ON CONFLICT DO UPDATE SET decisions = decisions + 1;
END;
CREATE TRIGGER decision_left AFTER UPDATE OF state, reason ON decision
  WHEN OLD.state IN ('resolving', 'held') AND (NEW.state <> OLD.state OR NEW.reason <> OLD.reason) BEGIN
  UPDATE decision_count SET decisions = decisions - 1
    WHERE tenant = OLD.tenant AND state = OLD.state AND reason = OLD.reason;
END;
CREATE TRIGGER decision_recounted AFTER UPDATE OF state, reason ON decision
  WHEN NEW.state IN ('resolving', 'held') AND (NEW.state <> OLD.state OR NEW.reason <> OLD.reason) BEGIN
  INSERT INTO decision_count VALUES (NEW.tenant, NEW.state, NEW.reason, 1) ON CONFLICT DO UPDATE SET decisions = decisions + 1;
END;
CREATE TRIGGER decision_uncounted AFTER DELETE ON decision WHEN OLD.state IN ('resolving', 'held') BEGIN
  UPDATE decision_count SET decisions = decisions - 1
    WHERE tenant = OLD.tenant AND state = OLD.state AND reason = OLD.reason;
END;

-- Parked alerts of each source.
CREATE TABLE parked (
  source TEXT PRIMARY KEY,
  alerts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO parked SELECT source, count(*) FROM alert
  WHERE state IN ('parked', 'ignored', 'duplicate') AND state = 'parked' GROUP BY source;
CREATE TRIGGER alert_parked AFTER INSERT ON alert WHEN NEW.state = 'parked' BEGIN
  INSERT INTO parked VALUES (NEW.source, 1) ON CONFLICT DO UPDATE SET alerts = alerts + 1;
END;
CREATE TRIGGER alert_unparked AFTER DELETE ON alert WHEN OLD.state = 'parked' BEGIN
  UPDATE parked SET alerts = alerts - 1 WHERE source = OLD.source;
END;

-- What happened in each minute of the last 30 days.
CREATE TABLE minute (
  at         INTEGER NOT NULL,           -- its beginning
  tenant     INTEGER NOT NULL,           -- 0: alerts that belong to none, such as parked ones
  alerts     INTEGER NOT NULL DEFAULT 0, -- received
  scan_calls INTEGER NOT NULL DEFAULT 0, -- that may have left
  held       INTEGER NOT NULL DEFAULT 0, -- decisions that were held
  PRIMARY KEY (at, tenant)
) STRICT, WITHOUT ROWID;

-- What each rule and protection came to on each day.
CREATE TABLE tally (
  day    INTEGER NOT NULL,               -- its beginning, in UTC
  tenant INTEGER NOT NULL,
  policy INTEGER NOT NULL,               -- 0: not known
  rule   TEXT NOT NULL,                  -- or the protection; empty: no rule
  what   TEXT NOT NULL,                  -- `state:reason` of a decision, `again:state:reason`, `ended:outcome`, `guards:how`
  n      INTEGER NOT NULL,
  at     INTEGER NOT NULL,               -- the last time
  PRIMARY KEY (day, tenant, policy, rule, what)
) STRICT, WITHOUT ROWID;

-- Scans that came to nothing in the last hours.
CREATE INDEX scan_failed_at ON scan(ended_at)
  WHERE outcome IN ('failed', 'timeout', 'cancelled', 'lost', 'too_old', 'no_such_machine', 'unsupported', 'refused');
