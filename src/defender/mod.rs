//! The far side: Microsoft Entra ID for tokens, the Defender for Endpoint API for scans.
//!
//! ```text
//! Call ─ request ─► http::Request<Bytes> ─ client ─► Answer ─ token │ reply ─► what it means for the scan
//! ```
//! `request`, `reply` and `token` are pure: values in, values out, no clock and no socket, so hours of protocol can
//! be run in virtual time. `client` alone speaks to the network; it moves bytes and knows nothing about scans. `network`
//! says through which proxy they go, and `failure` what a connection is called that never came about.
//! What they are made of lies apart: of `token` its `bearer`, `claims` and `token_error`; of `reply` the `action` it
//! shows, the `refusal`, and whether the action is `ours`; of lists the `page` and the address of the `next_page`.
//!
//! `write_back` has the calls that write comments on alerts and on incidents of Microsoft Sentinel.
//!
//! A token is got in one step or several (`acquisition`), by what a `credential` is: secrets, an assertion signed with a
//! certificate (`certified`), the content of a file (`token_file`), the platform that gives this computer its `identity`,
//! a person who signed in (`sign_in`) and whose sign-in is renewed (`delegated`).

pub mod acquisition;
mod action;
mod answer;
mod bearer;
mod certified;
mod claims;
pub mod client;
mod cloud;
pub mod credential;
pub mod delegated;
mod direct;
pub mod directory;
mod endpoints;
mod failure;
mod file_trouble;
pub mod first_row;
pub mod header;
mod hosts;
mod identity;
pub mod list;
pub mod network;
mod next_page;
mod odd_row;
mod ours;
mod page;
mod plain_allowed;
mod refusal;
pub mod reply;
pub mod request;
pub mod sign_in;
pub mod token;
mod token_error;
pub mod token_file;
mod trusted_body;
pub mod write_back;

pub use answer::{Answer, Unsent};
pub use certified::AppCertificate;
pub use cloud::{Cloud, Region, UnknownCloud};
pub use direct::Direct;
pub use endpoints::{Endpoints, azure_base, login_authority};
pub use hosts::{BadEndpoint, is_loopback, is_near};
pub use plain_allowed::PlainAllowed;
pub use trusted_body::LATE;
