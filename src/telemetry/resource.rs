//! Who all of it comes from: the process, named so that two of them are told apart and one that is started again is the same.

use opentelemetry_proto::tonic::resource::v1::Resource;

use super::wire::text;
use scanhook_core::time::Timestamp;

/// The process that spans and metrics come from.
#[derive(Clone)]
pub struct Origin {
    /// The name of its computer, or of its pod.
    pub host: String,
    /// The port of its public listener.
    pub port: u16,
    /// Since when it counts.
    pub since: Timestamp,
}

impl Origin {
    pub(super) fn resource(&self) -> Resource {
        let attributes = vec![
            text("service.name", "scanhook"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text(
                "service.instance.id",
                format!("{}:{}", self.host, self.port),
            ),
            text("host.name", self.host.as_str()),
        ];
        Resource {
            attributes,
            ..Resource::default()
        }
    }
}
