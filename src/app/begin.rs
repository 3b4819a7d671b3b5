//! What the app is begun with, and why it could not be.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::heartbeat::Heartbeat;
use super::storms::StormPace;
use crate::activation::ActivationError;
use crate::defender::BadEndpoint;
use crate::defender::client::{ClientError, Timeouts};
use crate::journal::{JournalError, OpenError};
use crate::keyrings::Beat;
use crate::reload::WatchedFiles;
use crate::worker::Pace;
use scanhook_core::lease::LeaseTerms;
use scanhook_simulator::serve as simulator;

/// The two sockets, bound by whoever starts the app.
pub struct Listeners {
    pub public: TcpListener,
    pub admin: TcpListener,
}

impl Listeners {
    /// Where the two listen: for webhooks, and for status and metrics.
    pub(super) fn addresses(&self) -> std::io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.public.local_addr()?, self.admin.local_addr()?))
    }
}

/// What differs between `serve`, `demo` and tests.
#[derive(Default)]
pub struct Options {
    /// How patient the workers are.
    pub pace: Pace,
    /// How long their calls may take.
    pub timeouts: Timeouts,
    /// Play the far side in this process.
    pub simulator: Option<simulator::SharedSimulator>,
    /// How often the keys of token issuers are fetched.
    pub beat: Beat,
    /// What is read again when it changes; `None`: nothing ever is.
    pub reload: Option<WatchedFiles>,
    /// How often it is looked for storms.
    pub storms: StormPace,
    /// Who is told that this process works, if anybody wants to hear it.
    pub heartbeat: Option<Heartbeat>,
    /// How long leases last, where other processes may have the same journal.
    pub lease: Option<LeaseTerms>,
}

/// Why the app did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No TLS client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A far side's address is not allowed.
    #[error(transparent)]
    Endpoint(BadEndpoint),
    /// The operating system gives no randomness.
    #[error("no randomness for ids: {0}")]
    Randomness(#[from] getrandom::Error),
    /// A socket or a thread.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<ActivationError> for StartError {
    fn from(why: ActivationError) -> StartError {
        match why {
            ActivationError::Journal(why) => StartError::Journal(why),
            ActivationError::Endpoint(why) => StartError::Endpoint(why),
        }
    }
}
