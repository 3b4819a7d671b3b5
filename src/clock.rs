//! The only reader of the clock.
#![allow(clippy::disallowed_methods, reason = "this is the door the ban points to")]

use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use crate::domain::time::Timestamp;

/// Now, by the wall.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// The same for code that speaks jiff.
#[must_use]
pub fn jiff() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Time since the first call: never goes back.
#[must_use]
pub fn mono() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
