//! Reads rules.toml: one run tells every error, with its place and what to do.

mod expect;
mod given;
mod hint;
mod lint;
pub(super) mod list;
mod mistaken;
mod protect;
mod read;
mod walk;
mod when;
mod window;
