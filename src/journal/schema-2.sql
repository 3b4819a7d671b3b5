-- Schema 2.

-- When a scan was first sent by Defender's own clock, which is how far back its action may lie in a list; ours may have
-- been set since.
ALTER TABLE scan ADD COLUMN far_sent_at INTEGER;

-- When the urgent scan was wanted that a call is for: what is to be expected is told by that, not by when it could leave.
ALTER TABLE call ADD COLUMN wanted_at INTEGER;
