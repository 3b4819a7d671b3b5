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
