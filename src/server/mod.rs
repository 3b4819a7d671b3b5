//! Inbound HTTP: the accept loop, the public door for webhooks, and the one place that turns errors into statuses.
//! Knows nothing of workers or of Defender, so that a slow far side cannot slow a sender.
//!
//! `listener` accepts connections, with `seats` (who gets one) and `descriptors` (open files). `connection` reads heads
//! within deadlines, after the `handshake` where the listener has TLS. `webhook` is the public listener, with `content` (what the head says of the body), `bodies` (their
//! memory), `address`, `sender_certificate` and `failures` (who failed to authenticate how often), and `traces` (what came no further);
//! `reception` turns what intake says into an answer. `admin` is the other listener, with `control` (orders of people),
//! `rows` (lists and single things, made in `views` with `standing`), `status`, `now` (the first screen, with `forecast` and `banners`),
//! `page` (the same for browsers), `sign_in` (who comes and leaves), `messages` (the outbox and its receivers), `events` (the
//! stream of what happened, with `subscribers`), `formats` (lists as CSV and lines of JSON; `lasting` keeps their connections),
//! `delivery_body`, `order`, `query` and `fields` (what they may say) and `same_site`
//! (which pages may ask). `refusal` is the one place that turns an `HttpError` into a status.
//!
//! A body of 16 KiB or more is read on a thread of its own (`Intake::read`), one of a source and four in all at a time.

pub mod access;
pub mod address;
pub mod admin;
mod audit;
mod banners;
mod bodies;
mod connection;
mod content;
mod control;
mod delivery_body;
pub mod descriptors;
mod events;
mod explained;
mod exposition;
mod failures;
pub mod far_side;
mod fields;
pub mod forecast;
mod formats;
pub mod handshake;
mod lasting;
mod leave;
pub mod limits;
pub mod listener;
pub mod membership;
mod messages;
mod now;
pub mod openapi;
mod order;
mod page;
mod query;
pub mod reception;
pub mod refusal;
mod rows;
mod same_site;
mod seats;
pub mod sender_certificate;
mod sign_in;
mod standing;
pub mod state;
mod status;
pub mod subscribers;
pub mod summaries;
pub mod traces;
mod views;
pub mod webhook;
mod words;
