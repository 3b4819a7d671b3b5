//! Inbound HTTP: the accept loop, the public door for webhooks, and the one place that turns errors into statuses.
//! Knows nothing of lanes or of Defender, so that a slow far side cannot slow a sender.

pub mod address;
pub mod admin;
mod connection;
mod failures;
pub mod listener;
pub mod reception;
pub mod refusal;
pub mod webhook;
