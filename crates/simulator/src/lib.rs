//! Entra ID and Microsoft Defender for Endpoint, as far as a scan needs them, in one process and without a network.
//!
//! [`Simulator::handle`] is a function of its state, the request and the instant it is told: hours of protocol run in
//! milliseconds, and one seed always plays the same way. Nothing of scanhook is imported here, so that a
//! misunderstanding of the protocol cannot be shared by both sides and pass every test.
//! Where the far side's behaviour is not documented, [`Setup`] offers the variants.

#[macro_use]
mod setup;
mod action;
mod actions;
mod answers;
mod assertions;
mod calls;
mod comments;
mod far_side;
pub mod fault;
mod grant;
mod identities;
mod incident_comment;
mod machines;
mod odata;
mod people;
mod permission;
mod quota;
pub mod serve;
mod sign_ins;
mod tokens;

pub use action::Action;
pub use calls::CallRecord;
pub use far_side::{Played, Simulator, WireAnswer};
pub use fault::{Fault, How};
pub use incident_comment::IncidentComment;
pub use setup::{
    Busy, FederatedIssuer, HostIdentity, ListOrder, Machine, Person, QuotaWindow, Setup, Tenant,
};
