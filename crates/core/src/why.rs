//! The decision record in words: what a person reads when they ask why there was, or was not, a scan.

mod enumeration;
mod next_step;
mod no_match;
mod outcome;
mod phrase;
mod record;
mod sentence;

pub use record::Why;

#[cfg(test)]
mod tests;
