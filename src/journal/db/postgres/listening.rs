//! What processes with the same journal tell each other at COMMIT: which tenants it touched. It only saves waiting:
//! whoever hears nothing, because a connection was lost or a pool stands in between, looks by itself before long.

use core::fmt::Write as _;
use core::time::Duration;
use std::sync::{Arc, LazyLock};

use super::checks::Use;
use super::connecting;
use super::lost::Lost;
use super::session::Session;
use crate::clock;
use crate::settings::PostgresSettings;

/// The server takes less than 8,000 bytes. Beyond, all tenants are meant.
const LONGEST: usize = 7_000;

/// Which of the processes told it: each knows what it changed itself.
static MYSELF: LazyLock<String> = LazyLock::new(|| {
    let started = clock::boottime().as_nanos();
    format!("{:x}-{started:x}", std::process::id())
});

/// The statement that tells of these tenants at COMMIT.
pub(super) fn tell(changed: impl IntoIterator<Item = i64>) -> String {
    let mut tenants = String::new();
    for tenant in changed {
        let _ = write!(tenants, " {tenant}");
    }
    if tenants.is_empty() {
        return "SELECT 1".to_owned();
    }
    if tenants.len() > LONGEST {
        tenants.clear();
    }
    format!("SELECT pg_notify('scanhook', '{}{tenants}')", *MYSELF)
}

/// What another process told: these tenants, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeardChange {
    Tenants(Vec<i64>),
    All,
}

fn heard(told: &str) -> Option<HeardChange> {
    let mut words = told.split(' ');
    if words.next() == Some(MYSELF.as_str()) {
        return None;
    }
    let tenants: Vec<i64> = words.filter_map(|word| word.parse().ok()).collect();
    Some(if tenants.is_empty() {
        HeardChange::All
    } else {
        HeardChange::Tenants(tenants)
    })
}

/// A session that listens.
pub(crate) struct Listener {
    at: Arc<PostgresSettings>,
    schema: i64,
    session: Option<Session>,
}

impl Listener {
    pub(crate) fn new(at: Arc<PostgresSettings>, schema: i64) -> Listener {
        Listener {
            at,
            schema,
            session: None,
        }
    }

    /// What is heard within this time. After the connection was made anew all tenants are meant, for something may have
    /// been missed.
    pub(crate) fn hear(&mut self, within: Duration) -> Option<HeardChange> {
        let Some(session) = &self.session else {
            match self.listening() {
                Ok(session) => self.session = Some(session),
                Err(_) => {
                    // Whoever writes says that the database is away.
                    std::thread::park_timeout(within);
                    return None;
                }
            }
            return Some(HeardChange::All);
        };
        match session.hear(within) {
            Ok(told) => heard(&told?),
            Err(_) => {
                self.session = None;
                None
            }
        }
    }

    fn listening(&self) -> Result<Session, Lost> {
        let session = connecting::session(&self.at, Use::Reader, self.schema)
            .map_err(|why| Lost::Away(why.to_string()))?;
        session.say("LISTEN scanhook")?;
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As another process would have told it.
    fn told_by_another(changed: impl IntoIterator<Item = i64>) -> Option<HeardChange> {
        let sql = tell(changed);
        let (_, told) = sql.split_once(", '")?;
        heard(
            &told
                .trim_end_matches("')")
                .replacen(MYSELF.as_str(), "another", 1),
        )
    }

    #[test]
    fn what_another_process_changed_is_heard_and_what_this_one_changed_is_not() {
        assert_eq!(tell([]), "SELECT 1");
        assert_eq!(
            told_by_another([3, 17]),
            Some(HeardChange::Tenants(vec![3, 17]))
        );
        assert_eq!(heard(&format!("{} 3 17", *MYSELF)), None);
    }

    #[test]
    fn more_tenants_than_can_be_named_are_all() {
        let sql = tell(1_000_000..1_002_000);
        assert!(sql.len() < LONGEST, "{}", sql.len());
        assert_eq!(
            told_by_another(1_000_000..1_002_000),
            Some(HeardChange::All)
        );
    }
}
