//! Ids for the outside: uuid v7. Randomness enters here and nowhere else.

use uuid::Uuid;

use scanhook_core::time::Timestamp;

/// Where new ids come from.
pub struct Ids(Box<dyn FnMut() -> [u8; 10] + Send>);

impl Ids {
    /// From the operating system's randomness.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn random() -> Result<Ids, getrandom::Error> {
        getrandom::fill(&mut [0; 10])?;
        Ok(Ids(Box::new(|| {
            let mut bytes = [0; 10];
            // Tried above; should it fail later, zeroes meet the UNIQUE index and the job is refused.
            let _ = getrandom::fill(&mut bytes);
            bytes
        })))
    }

    /// From a seed: the same ids in the same order, for the simulation.
    #[must_use]
    pub fn seeded(seed: u64) -> Ids {
        let mut counter = 0_u64;
        Ids(Box::new(move || {
            counter += 1;
            let mixed = (seed ^ counter.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut bytes = [0; 10];
            bytes[..2].copy_from_slice(&mixed.to_be_bytes()[..2]);
            bytes[2..].copy_from_slice(&(mixed ^ counter).to_be_bytes());
            bytes
        }))
    }

    /// The next id.
    pub fn next(&mut self, now: Timestamp) -> Uuid {
        v7(now, &(self.0)())
    }
}

fn v7(at: Timestamp, rest: &[u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.millis()).unwrap_or(0), rest)
        .into_uuid()
}

/// A decision's id outside: its time and its row number in the shape of a uuid v7, so that it needs no column.
#[must_use]
pub fn decision_uuid(at: Timestamp, row: i64) -> Uuid {
    let mut rest = [0; 10];
    rest[2..].copy_from_slice(&row.to_be_bytes());
    v7(at, &rest)
}

/// The row number inside a decision's id. Of any other id it is a number that means nothing.
pub(super) fn decision_row(id: Uuid) -> i64 {
    let (_, low) = id.as_u64_pair();
    // The two bits above it say which kind of uuid it is.
    i64::try_from(low & (u64::MAX >> 2)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_decision_holds_its_row() {
        for row in [1, 77, 1 << 40, (1 << 62) - 1] {
            assert_eq!(
                decision_row(decision_uuid(
                    Timestamp::from_millis(1_790_000_000_000),
                    row
                )),
                row
            );
        }
    }

    #[test]
    fn decisions_have_distinct_ids_in_the_order_of_their_rows() {
        let id = |row| decision_uuid(Timestamp::from_millis(1_790_000_000_000), row);
        assert!(id(1) < id(2) && id(2) < id(1 << 40));
        assert_eq!(id(77).get_version_num(), 7);
    }

    #[test]
    fn a_seed_gives_distinct_ids_in_the_same_order() {
        let draw = || {
            let mut ids = Ids::seeded(7);
            (0..1000)
                .map(|_| ids.next(Timestamp::from_millis(5)))
                .collect::<Vec<_>>()
        };
        let mut first = draw();
        assert_eq!(first, draw());
        first.sort();
        first.dedup();
        assert_eq!(first.len(), 1000);
    }
}
