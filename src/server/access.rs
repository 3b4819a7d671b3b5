//! Who may come in at the admin listener, and how far. Every request passes `guard`: it finds out who asks (`identify`),
//! looks up what the route takes (`routes`), and puts an [`AskedBy`] into the request for whoever answers it. What is refused
//! is counted against the sender's address and, where it was an order or a credential, written into the audit.

mod asked;
pub(super) mod cookie;
pub(super) mod guard;
mod identify;
mod recent;
mod refusals;
mod routes;
pub(super) mod session;
mod standing;
mod wire;

pub(super) use asked::AskedBy;
pub(super) use identify::{of_person, of_token};
pub use recent::RefusedCredentials;
pub(super) use refusals::RefusedAttempt;
pub(super) use routes::is_verbose;
pub use routes::{OPEN_ROUTES, ROUTES, RouteAccess};
pub(super) use standing::CallerStanding;
pub(super) use wire::Wire;
