//! scanhook: alert webhooks in, the right Microsoft Defender Antivirus scan out, followed to its end.
//!
//! ```text
//! bytes ─ authenticate ─► VerifiedDelivery ─ read ─► [Alert] ─ policy.decide ─► Verdict per (alert, device)
//!       ═ one journal transaction: delivery, alerts, decisions; plan(history of the machine) ─► scan begun or joined ═► 202
//!                                    │ after COMMIT the writer wakes the tenant's lane
//! lane (one per tenant, owns every call that leaves):  poll(tx, now) ─► calls, each already in the ledger ═ COMMIT ═► sent
//!                                                      answer(tx, call, answer, now) ═ COMMIT ═► next state
//! ```
//! The map with its invariants and walkthroughs is `ARCHITECTURE.md`.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod defender;
pub mod file;
pub mod in_force;
pub mod intake;
pub mod journal;
pub mod keyrings;
pub mod logs;
pub mod metrics;
pub mod policy;
pub mod presets;
pub mod reload;
pub mod replay;
pub mod server;
pub mod settings;
pub mod worker;
pub mod workers;
