-- Schema 2: windows, pauses, the directory.

ALTER TABLE scan ADD COLUMN opens_at INTEGER;   -- the opening of the window it waits for
ALTER TABLE scan ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0; -- 1: the answer to an earlier try was lost
