//! What the database says when it does not do what it was asked, and whether it can be asked again.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why there is no answer, or not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lost {
    /// No answer within the time that is waited for one.
    #[error("the database did not answer within 10 s")]
    Silent,
    /// The connection is over.
    #[error("the connection to the database is lost: {0}")]
    Away(String),
    /// The database refused: its code and what it says.
    #[error("the database says {1} ({0})")]
    Refused(String, String),
    /// COMMIT was not answered as it should be: what was written may be kept or not.
    #[error("the database did not say that COMMIT is done: {0}")]
    Unanswered(String),
    /// A value cannot be read.
    #[error("{0}")]
    Value(String),
    #[error("{0}")]
    Broken(String),
}

impl Lost {
    pub(super) fn of(error: Error) -> Lost {
        if let Some(told) = error.as_db_error() {
            let code = told.code().code().to_owned();
            let mut says = told.message().to_owned();
            if let Some(detail) = told.detail() {
                says = format!("{says}: {detail}");
            }
            return Lost::Refused(code, says);
        }
        Lost::Away(with_sources(&error))
    }

    pub(super) fn closed() -> Lost {
        Lost::Away("the server closed it".to_owned())
    }

    /// The five characters by which the database names the fault.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Lost::Refused(code, _) => Some(code),
            _ => None,
        }
    }

    fn is(&self, state: &SqlState) -> bool {
        self.code() == Some(state.code())
    }

    /// Nothing can be asked over this connection any more.
    pub(crate) fn ends_the_connection(&self) -> bool {
        match self {
            // 57P01 to 57P05: ended by somebody or by a limit; 25P03: ended because it stood still in a transaction.
            Lost::Refused(code, _) => {
                code.starts_with("57P") || code == "25P03" || code.starts_with("08")
            }
            Lost::Value(_) => false,
            Lost::Silent | Lost::Away(_) | Lost::Unanswered(_) | Lost::Broken(_) => true,
        }
    }

    /// No room on the disk.
    pub(crate) fn is_full(&self) -> bool {
        self.is(&SqlState::DISK_FULL)
    }

    /// Somebody else was in the way for too long.
    pub(crate) fn is_busy(&self) -> bool {
        self.is(&SqlState::LOCK_NOT_AVAILABLE) || self.is(&SqlState::T_R_DEADLOCK_DETECTED)
    }

    /// It took longer than `statement_timeout`.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.is(&SqlState::QUERY_CANCELED)
    }
}

/// An error with what lies below it.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text = format!("{text}: {source_text}");
        }
        below = source.source();
    }
    text
}
