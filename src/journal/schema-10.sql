-- Schema 10: what another database than SQLite understands as well.

-- A condition on a yes or no is written without a number, and an index is found by the very text of its condition.
DROP INDEX pause_unsettled;
CREATE INDEX pause_unsettled ON pause(id) WHERE NOT settled;
DROP INDEX scan_waiting_once;
CREATE UNIQUE INDEX scan_waiting_once ON scan(tenant, machine, dry) WHERE state = 'waiting' AND NOT unanswered;
DROP INDEX scan_sent_once;
CREATE UNIQUE INDEX scan_sent_once ON scan(tenant, machine) WHERE state = 'waiting' AND unanswered;
DROP INDEX outbox_group;
CREATE UNIQUE INDEX outbox_group ON outbox(receiver, grp) WHERE state = 'waiting' AND tries = 0 AND open;
DROP INDEX write_back_held;
CREATE INDEX write_back_held ON write_back(receiver, decision) WHERE held;

-- The last number that was given to a row of a table, whatever was forgotten.
CREATE VIEW numbered AS SELECT name, seq FROM sqlite_sequence;
