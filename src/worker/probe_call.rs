//! A probe on its way, and what its answer is read against.

use crate::defender::request::NextPage;

/// A Defender that cannot be reached is tried.
#[derive(Clone, Debug)]
pub struct Probe {
    pub(super) generation: u64,
    pub(super) asked: NextPage,
}
