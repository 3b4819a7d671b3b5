//! Questions that are known before their turn. A database behind a wire is asked many of them in one trip; whoever needs an
//! answer then asks as ever, and has it.

use super::fault::DbResult;
use super::params::{Binder, Params, Slot};
use super::value::Value;

/// What an answer depends on, besides what no job of a transaction changes: whoever changes it says so
/// (`Connection::differs`), and the question is asked anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AskedAbout {
    /// A delivery, by its key.
    Delivery(Vec<u8>),
    /// A finding about a device.
    Finding([u8; 16], String),
    /// The scans of a tenant's machine.
    Machine(i64, String),
    /// The name of a tenant's machine.
    Name(i64, String),
    /// The tenants and what is paused.
    Standing,
}

/// A statement that reads, with its values.
#[derive(Clone, Debug)]
pub(crate) struct KnownQuestion {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
    pub(crate) about: AskedAbout,
}

impl Params for &KnownQuestion {
    fn bind(self, to: Binder<'_>) -> DbResult<()> {
        for (at, value) in self.values.iter().enumerate() {
            to(Slot::Number(at + 1), value)?;
        }
        Ok(())
    }
}
