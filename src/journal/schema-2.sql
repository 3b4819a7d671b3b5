-- Schema 2: windows, pauses, the directory, clocks.

ALTER TABLE scan ADD COLUMN opens_at INTEGER;   -- the opening of the window it waits for
ALTER TABLE scan ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0; -- 1: the answer to an earlier try was lost
-- When a scan was first sent by Defender's own clock, which is how far back its action may lie in a list; ours may have
-- been set since.
ALTER TABLE scan ADD COLUMN far_sent_at INTEGER;
