//! Who may do what at the admin listener: roles, the tenants that a grant is about, the tokens of programs, and the
//! chain of the audit. Whoever asks is a [`Caller`]; what an operation takes is a [`Permission`]; `AdminGrant::allows` is
//! the only place where the two meet.
//!
//! Roles are fixed and each includes the one before, so that nobody has to read an editor of permissions to know what a
//! person may do. Nobody is somebody because a text field or a plain header says so.

mod approver;
mod audit;
mod caller;
mod grant;
mod person;
mod role;
mod session;
mod token;

pub use approver::Approver;
pub use audit::{AuditEntry, AuditFault, AuditLink, verify};
pub use caller::{Caller, SignedInBy};
pub use grant::{AdminGrant, TenantScope};
pub use person::{KnownPerson, NotProved, RolesClaim, TokenIssuer, TokenPurpose};
pub use role::{AdminRole, Permission};
pub use session::SessionKey;
pub use token::{AccessToken, AccessTokenHash, find, from_random, is_token};
