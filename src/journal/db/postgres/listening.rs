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

/// Where it is told: each journal of a database has a place of its own.
const CHANNEL: &str = "'scanhook_' || 'journal'::regclass::oid";

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
    format!("SELECT pg_notify({CHANNEL}, '{}{tenants}')", *MYSELF)
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
    /// It has not failed since it last listened.
    is_well: bool,
}

impl Listener {
    pub(crate) fn new(at: Arc<PostgresSettings>, schema: i64) -> Listener {
        Listener {
            at,
            schema,
            session: None,
            is_well: true,
        }
    }

    /// What is heard within this time. After the connection was made anew all tenants are meant, for something may have
    /// been missed.
    pub(crate) fn hear(&mut self, within: Duration) -> Option<HeardChange> {
        let told = match &self.session {
            Some(session) => session.hear(within).map(|told| heard(&told?)),
            None => self.listening().map(|session| {
                (self.session, self.is_well) = (Some(session), true);
                Some(HeardChange::All)
            }),
        };
        match told {
            Ok(told) => told,
            Err(why) => {
                if core::mem::replace(&mut self.is_well, false) {
                    tracing::warn!(error = %why, "nothing is heard of other replicas; what they change is noticed seconds later");
                }
                self.session = None;
                std::thread::park_timeout(within);
                None
            }
        }
    }

    fn listening(&self) -> Result<Session, Lost> {
        let session = connecting::session(&self.at, Use::Reader, self.schema)
            .map_err(|why| Lost::Away(why.to_string()))?;
        let channel = session.say(&format!("SELECT {CHANNEL}"))?;
        session.say(&format!("LISTEN {}", channel.unwrap_or_default()))?;
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As another process would have told it.
    fn told_by_another(changed: impl IntoIterator<Item = i64>) -> Option<HeardChange> {
        let sql = tell(changed);
        let (_, told) = sql.rsplit_once(", '")?;
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
