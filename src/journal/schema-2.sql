-- Schema 2: what came after the first version.

ALTER TABLE delivery ADD COLUMN credential TEXT;   -- the names of the secrets that proved it, never the secrets
