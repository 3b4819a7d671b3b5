//! scanhook: alert webhooks in, the right Microsoft Defender Antivirus scan out, followed to its end.
//!
//! The map, the words, what never happens, and one good day are in `ARCHITECTURE.md`; each module explains itself.

pub mod activation;
pub mod api;
pub mod app;
pub mod certificate;
pub mod cli;
pub mod clock;
pub mod defender;
mod explain;
pub mod file;
pub mod in_force;
pub mod intake;
pub mod journal;
pub mod keyrings;
pub mod logs;
pub mod metrics;
pub mod notify;
pub mod openid;
pub mod policy;
pub mod presets;
pub mod reload;
pub mod replay;
pub mod server;
pub mod settings;
pub mod telemetry;
pub mod worker;
pub mod workers;
