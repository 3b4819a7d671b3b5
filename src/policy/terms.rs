//! How far decisions may go, whatever the rules say: what the process and the tenant allow.

use scanhook_core::scan::Mode;
use scanhook_core::verdict::{Limit, Wanted};

/// How far decisions may go, whatever the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// No further than this mode.
    AtMost(Mode),
    /// The far side is the built-in simulator: what would be a dry run is sent there.
    Simulated,
}

impl Ceiling {
    fn lower(self, mode: Mode) -> Mode {
        match self {
            Ceiling::AtMost(ceiling) => mode.min(ceiling),
            Ceiling::Simulated if mode == Mode::DryRun => Mode::Enforce,
            Ceiling::Simulated => mode,
        }
    }
}

/// What a tenant allows its rules.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The strictest of the process's and the tenant's mode.
    pub ceiling: Ceiling,
    /// Scans all rules together may begin.
    pub limit: Option<Limit>,
}

pub(super) fn restrain(wanted: &mut Wanted, terms: Terms) {
    wanted.mode = terms.ceiling.lower(wanted.mode);
    wanted.tenant_limit = terms.limit;
}
