//! Inbound HTTP: the accept loop, the public door for webhooks, and the one place that turns errors into statuses.
//! Knows nothing of lanes or of Defender, so that a slow far side cannot slow a sender.

pub mod address;
pub mod admin;
mod bodies;
mod connection;
mod content;
mod control;
pub mod descriptors;
mod failures;
pub mod limits;
pub mod listener;
mod order;
mod query;
pub mod reception;
pub mod refusal;
mod same_site;
mod seats;
pub mod state;
pub mod traces;
pub mod webhook;
mod words;
