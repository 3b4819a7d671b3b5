//! Which machine a device is: what the tenant's directory is asked, in which order, and what its answers come to.
//!
//! An id is the machine. Otherwise the whole name, or where the alert says no domain the first label, then the Entra
//! device id, then the internal address; the next is asked only where the one before found nobody. Exactly one machine
//! that can be scanned must remain, and nothing the alert says may speak against it: no machine is guessed.

mod looked;
mod no_answer;
mod question;
mod record;
mod resolution;
mod resolve;

pub use looked::Looked;
pub use no_answer::NoAnswer;
pub use question::{DeviceClaims, EntraId, HostName, Question, internal};
pub use record::{Bar, Record, Records};
pub use resolution::{FoundBy, Resolution};
pub use resolve::{LookupStep, resolve};

#[cfg(test)]
mod tests;
