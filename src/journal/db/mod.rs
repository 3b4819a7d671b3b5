//! The seam between the journal's statements and the database that carries them out. It has the shape of rusqlite, so
//! that a statement is written once and reads as it always did; whoever writes one follows a few rules:
//!
//! * Places for values are `?`, `?1` or `:name`, never `$1`: SQLite numbers those by where they stand.
//! * A condition on a yes or no is written `settled` or `NOT settled`, and `dry = FALSE` where an index has to be found
//!   by it. No number stands for it.
//! * A row's new id is what `Connection::insert` returns, and columns are named: `SELECT *` breaks when another version adds
//!   one.
//! * Two values that may both be NULL are compared with `IS NOT DISTINCT FROM`.
//! * Letters are made small in Rust: each database knows other letters.
//! * Where a NULL is bound, it knows of which type it is (`Kind`).
//! * What nobody waits for is written with `Connection::later`, and what is known to be asked is a `KnownQuestion`: PostgreSQL
//!   takes those of a whole transaction as sets.

mod connection;
mod fault;
mod known_question;
mod params;
mod postgres;
mod row;
mod statement;
mod tables;
mod transaction;
mod value;

pub(super) use connection::Connection;
pub(super) use fault::{DbError, DbResult, OptionalExtension};
pub(super) use known_question::{AskedAbout, KnownQuestion};
pub(super) use params::{Params, params, params_from_iter};
pub use postgres::Refusal;
pub(super) use postgres::{
    HeardChange, Listener, Lost, Postgres, SentValue, Use, initialise, without_nul,
};
pub(super) use row::Row;
pub(super) use tables::TABLES;
pub(super) use value::{Kind, ToSql, Typed, Value};
