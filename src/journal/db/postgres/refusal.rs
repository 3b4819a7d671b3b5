//! Why a database is not used as a journal, in words that say what to do.

use super::lost::Lost;

/// Why it is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no database to talk to.
    #[error("the journal's database cannot be reached: {0}")]
    Unreachable(String),
    #[error(
        "the journal's database does not take the password of {user}: {says}; correct `[journal] password_file`"
    )]
    Password { user: String, says: String },
    #[error(
        "the journal's database shows a certificate that is not good for {host}: {says}; name its authority with `[journal] ca_file`"
    )]
    Certificate { host: String, says: String },
    #[error("the journal's database is PostgreSQL {0}; it has to be 15 or newer")]
    TooOld(String),
    #[error(
        "the journal's database only lets read (it is a standby, or `default_transaction_read_only` is on): name the primary in `[journal] url`"
    )]
    ReadOnly,
    #[error("the journal's database has no journal yet: run `scanhook journal init`")]
    NotInitialised,
    #[error(
        "the journal's database has tables of a journal and no table `journal` that describes them; name an empty schema or database, or restore it from a backup"
    )]
    NoDescription,
    #[error(
        "the journal has schema {found}, this version knows up to {known}: use the newer scanhook"
    )]
    Newer { found: i64, known: i64 },
    #[error(
        "the journal has schema {found}, this version needs {known}: run `scanhook journal migrate`"
    )]
    Older { found: i64, known: i64 },
    /// No version made a journal of that schema in a database.
    #[error(
        "the journal has schema {found}, from which there is no way to {known}: make a new one in an empty schema"
    )]
    Unmigrated { found: i64, known: i64 },
    #[error(
        "the role {role} may not {may} in the table `{table}`: GRANT SELECT, INSERT, UPDATE, DELETE on all tables of the journal to it"
    )]
    Rights {
        role: String,
        may: String,
        table: String,
    },
    #[error(
        "the journal's database has {name} = {value}, with which a COMMIT is not durable: it has to be {wanted}"
    )]
    NotDurable {
        name: String,
        value: String,
        wanted: &'static str,
    },
    #[error(
        "the journal's database does not keep {0} from one transaction to the next: connect directly, or through a pool that keeps sessions"
    )]
    Session(String),
    #[error("the journal's database has the encoding {0}; it has to be UTF8")]
    Encoding(String),
    #[error("the journal's database refused: {0}")]
    Other(String),
}

impl Refusal {
    /// The stable code for logs and for `journal check`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::Unreachable(_) => "journal-unreachable",
            Refusal::Password { .. } => "journal-password",
            Refusal::Certificate { .. } => "journal-certificate",
            Refusal::TooOld(_) => "journal-server-too-old",
            Refusal::ReadOnly => "journal-read-only",
            Refusal::NotInitialised => "journal-not-initialised",
            Refusal::NoDescription => "journal-not-described",
            Refusal::Newer { .. } => "journal-newer",
            Refusal::Older { .. } => "journal-older",
            Refusal::Unmigrated { .. } => "journal-unmigrated",
            Refusal::Rights { .. } => "journal-rights",
            Refusal::NotDurable { .. } => "journal-not-durable",
            Refusal::Session(_) => "journal-session",
            Refusal::Encoding(_) => "journal-encoding",
            Refusal::Other(_) => "journal-refused",
        }
    }

    /// Waiting or another moment may help; a person has to do nothing.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Refusal::Unreachable(_) | Refusal::ReadOnly | Refusal::Other(_)
        )
    }
}

impl From<Lost> for Refusal {
    fn from(lost: Lost) -> Refusal {
        // It starts or stops, or somebody ends our session.
        let passes = lost.ends_the_connection();
        match lost {
            // 53300: too many connections.
            Lost::Refused(code, says) if !passes && code != "53300" => {
                Refusal::Other(format!("{says} ({code})"))
            }
            other => Refusal::Unreachable(other.to_string()),
        }
    }
}
