//! The pairs of keys that the simulation's far side verifies.

#[path = "../it/credentials/keys.rs"]
mod keys;

pub use keys::Keys;
