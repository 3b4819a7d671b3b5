//! JSON Pointer (RFC 6901), with one extension for mappings: a segment `*` is every element or member.
//! A literal key `*` is written `~2`, which RFC 6901 leaves free.

mod doubt;
mod find;
mod lenient;
mod owner;
mod parse;
mod put;

pub use parse::{BadPointer, Pointer};
