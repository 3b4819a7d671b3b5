//! Who took the lease and when, as the database itself notes it: a trigger, so that nothing has to be asked while it is
//! away. Whose session it was is told by the port that it came from.

use std::sync::Arc;

use jiff::Timestamp;

use super::slot::Slot;
use crate::harness::CLIENT;
use crate::server::Server;

const NOTED: &str = "
CREATE SCHEMA noted;
CREATE TABLE noted.taken(at BIGINT, fence BIGINT, holder BIGINT, port INT, app TEXT);
CREATE FUNCTION noted.take() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  INSERT INTO noted.taken VALUES ((extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT, NEW.fence, NEW.holder, inet_client_port(), NEW.app);
  RETURN NULL;
END $$;
CREATE TRIGGER noted AFTER UPDATE ON public.lane FOR EACH ROW WHEN (NEW.fence <> OLD.fence) EXECUTE FUNCTION noted.take();
";

/// From now on each that takes the lease is noted.
pub fn note(server: &Server) {
    server.look(NOTED);
}

/// A lease that was taken.
#[derive(Debug)]
#[allow(dead_code, reason = "for whoever reads what is wrong")]
pub struct Taken {
    pub at: Timestamp,
    pub fence: i64,
    /// The replica's number.
    pub holder: i64,
    pub slot: usize,
}

/// All of them, in order.
pub fn taken(server: &Server, slots: &[Arc<Slot>; 2]) -> Vec<Taken> {
    // Whoever sends messages has a lease as well.
    let rows = server.look(&format!(
        "SELECT at, fence, holder, port FROM noted.taken WHERE app LIKE '%{CLIENT}%' ORDER BY fence"
    ));
    let row = |row: &str| {
        let mut columns = row.split('|').map(|column| column.parse::<i64>().unwrap());
        let mut next = || columns.next().unwrap();
        let (at, fence, holder) = (next(), next(), next());
        let port = u16::try_from(next()).unwrap();
        let at = Timestamp::from_microsecond(at).unwrap();
        let since = [0, 1].map(|slot: usize| slots[slot].wire.came_from(port, at));
        assert!(since != [None, None], "nobody came from {port}");
        Taken {
            at,
            fence,
            holder,
            slot: usize::from(since[1] > since[0]),
        }
    };
    rows.lines().map(row).collect()
}
