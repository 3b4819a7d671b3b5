//! What is to be seen on this computer: journal, disk, listeners, and when each source was heard. Pure: from what was seen
//! to steps.

use std::net::SocketAddr;

use super::step::DoctorStep;
use crate::api::{SourceView, StatusView};
use crate::journal::{JournalSight, Refusal};

/// Who listens at an address of this configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhoListens {
    Nobody,
    /// Somebody who answers its probe `/livez` as scanhook does.
    Scanhook,
    Another,
    /// The system chooses the port, so it cannot be known.
    Unknown,
}

/// What was seen of the listeners.
pub(super) struct ListenerFacts<'a> {
    pub(super) listen: SocketAddr,
    pub(super) public: WhoListens,
    /// Where a running scanhook was asked, as a URL.
    pub(super) admin: &'a str,
    pub(super) admin_door: WhoListens,
    /// What it answered.
    pub(super) running: Option<&'a StatusView>,
}

pub(super) fn listener(facts: &ListenerFacts<'_>) -> DoctorStep {
    let ListenerFacts {
        listen,
        public,
        admin,
        admin_door,
        running,
    } = facts;
    let taken = |who: &str, key: &str| {
        DoctorStep::bad(
            "listener",
            format!("another program listens at {who}"),
            format!("end that program, or choose another address with `{key}`"),
        )
    };
    let name = running.map_or_else(
        || "scanhook".to_owned(),
        |running| format!("scanhook {}", running.version),
    );
    // One that keeps its status to itself shows itself by its probe.
    let runs = running.is_some() || *admin_door == WhoListens::Scanhook;
    match (runs, public) {
        (true, WhoListens::Scanhook) => {
            DoctorStep::good("listener", format!("{name} listens at {listen}"))
        }
        (true, WhoListens::Unknown) => {
            DoctorStep::good("listener", format!("{name} answers at {admin}"))
        }
        (true, WhoListens::Nobody) => DoctorStep::bad(
            "listener",
            format!("{name} answers at {admin}, but nobody listens at {listen}"),
            "it was started with another address: restart it, or name the configuration it runs with by --config",
        ),
        (_, WhoListens::Another) => taken(&listen.to_string(), "[server] listen"),
        (false, WhoListens::Scanhook) => DoctorStep::bad(
            "listener",
            format!("{name} listens at {listen}, but none answers at {admin}"),
            "name the admin listener of the one that runs with --admin, or end the other program",
        ),
        (false, _) if *admin_door == WhoListens::Another => taken(admin, "[admin] listen"),
        (false, WhoListens::Nobody) => DoctorStep::good(
            "listener",
            format!("no scanhook runs, and {listen} is free for one"),
        ),
        (false, WhoListens::Unknown) => {
            DoctorStep::skipped("listener", "the system chooses the port at the start")
        }
    }
}

/// The journal, and the disk it lies on.
pub(super) fn journal(path: &str, sight: &JournalSight) -> [DoctorStep; 2] {
    let journal = match (&sight.trouble, sight.exists, sight.has_folder) {
        _ if sight.moved_to.is_some() => DoctorStep::bad(
            "journal",
            format!(
                "{path} was moved to {} and is only read since [journal-moved]",
                sight.moved_to.as_deref().unwrap_or_default()
            ),
            "name the database with `[journal] url`",
        ),
        (Some(why), ..) => DoctorStep::bad(
            "journal",
            format!("{path} cannot be used: {why}"),
            "let the user that scanhook runs as write its folder and file (chown, chmod, a volume that is not read-only), or name another with `[journal] url` or --data-dir",
        ),
        (None, true, _) => DoctorStep::good("journal", format!("{path} can be read and written")),
        (None, false, true) => {
            DoctorStep::good("journal", format!("{path} is made at the first start"))
        }
        (None, false, false) => DoctorStep::good(
            "journal",
            format!("{path} is made with its folder at the first start"),
        ),
    };
    let (room, mib) = (&sight.room, |bytes: u64| bytes >> 20);
    const REMEDY: &str =
        "make room on the disk, or let records be forgotten earlier with `[journal] retention`";
    let disk = match (room.for_senders(), room.warning()) {
        _ if room.disk == 0 => DoctorStep::skipped("disk", "how full it is is not known here"),
        (Err(error), _) => DoctorStep::bad("disk", error.to_string(), REMEDY),
        (Ok(()), Some(warning)) => DoctorStep::bad("disk", warning, REMEDY),
        (Ok(()), None) => DoctorStep::good("disk", format!("{} MiB are free", mib(room.free))),
    };
    [journal, disk]
}

/// The journal, where it is in a database.
pub(super) fn database(shown: &str, looked: Result<(), Refusal>) -> DoctorStep {
    match looked {
        Ok(()) => DoctorStep::good("journal", format!("{shown} can be read and written")),
        Err(refusal) => DoctorStep::bad(
            "journal",
            format!("{shown} cannot be used [{}]", refusal.code()),
            refusal.to_string(),
        ),
    }
}

/// When each source was last heard, by a running scanhook or by the journal.
pub(super) fn sources(
    names: &[String],
    running: Option<&StatusView>,
    sight: &JournalSight,
) -> Vec<DoctorStep> {
    let seen = |name: &String| {
        running.and_then(|status| status.sources.iter().find(|source| source.name == *name))
    };
    names
        .iter()
        .map(|name| match seen(name) {
            Some(source) => of_running(source),
            None => match sight.heard.get(name) {
                Some(at) => DoctorStep::good("sources", format!("`{name}` delivered at {at}")),
                None => never(name),
            },
        })
        .collect()
}

fn of_running(source: &SourceView) -> DoctorStep {
    let name = &source.name;
    match (&source.silent_since, &source.last_delivery_at) {
        (Some(since), _) => DoctorStep::bad(
            "sources",
            format!("`{name}` is silent since {since}, against `expect_every`"),
            format!(
                "see at the sender why it posts nothing; `scanhook status --source {name}` has its refusals"
            ),
        ),
        (None, Some(at)) => DoctorStep::good("sources", format!("`{name}` delivered at {at}")),
        (None, None) => never(name),
    }
}

fn never(name: &str) -> DoctorStep {
    DoctorStep::skipped("sources", format!("`{name}` has not delivered yet")).with_remedy(format!(
        "`scanhook send --source {name}` posts one as its sender would"
    ))
}
