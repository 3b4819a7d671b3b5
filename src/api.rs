//! The JSON others see: the server writes it, the verbs read it. No logic.

mod alert;
mod certificate;
mod control;
mod decision;
mod device;
mod event;
mod lane;
mod page;
mod receipt;
pub mod refusals;
mod reload;
mod scan;
mod source;
mod status;
mod summary;
mod wait;

pub use alert::AlertView;
pub use certificate::CertificateView;
pub use control::{ItemView, OrderView, PauseView, PausesView};
pub use decision::DecisionView;
pub use device::DeviceView;
pub use event::EventView;
pub use lane::{CredentialView, LaneView, QuotaView, TenantView};
pub use page::Page;
pub use receipt::{AlertReceipt, DecisionCount, DecisionReceipt, Receipt, Truncated};
pub use reload::{FaultView, ReloadView};
pub use scan::ScanView;
pub use source::{DoorView, RefusalView, SourceView, UnreadView};
pub use status::StatusView;
pub use summary::{CountView, SummaryView};
pub use wait::{OutageView, WaitView};
