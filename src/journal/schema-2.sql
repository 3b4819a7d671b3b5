-- Schema 2. As in schema 1: no index without a query that needs it.

CREATE INDEX call_open ON call(tenant) WHERE ended_at IS NULL;   -- calls nobody waits for any more, at a restart
