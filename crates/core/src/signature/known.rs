//! The signing schemes that have a name, as data: what each kind presumes, and the configuration may override.

use super::key::KeyEncoding;
use super::scheme::{Encoding, Separator};
use super::stamp::TimeFormat;

/// A kind of HMAC authentication. Keys of the configuration override these one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownScheme {
    /// The key in `[[sources.x.auth]]`.
    pub kind: &'static str,
    /// The header of the signatures; `None`: the configuration must name it.
    pub header: Option<&'static str>,
    /// What stands before a signature.
    pub prefix: &'static str,
    /// What divides several.
    pub separator: Separator,
    /// How a tag is written.
    pub encoding: Encoding,
    /// What is signed.
    pub signed: &'static str,
    /// What is signed instead where the configuration names a header for the timestamp.
    pub signed_with_timestamp: Option<&'static str>,
    /// The timestamp's header.
    pub timestamp_header: Option<&'static str>,
    /// How the timestamp may be written.
    pub timestamp_formats: &'static [TimeFormat],
    /// The id's header.
    pub id_header: Option<&'static str>,
    /// How the secret is written.
    pub key_encoding: KeyEncoding,
}

const ANY: KnownScheme = KnownScheme {
    kind: "hmac",
    header: None,
    prefix: "",
    separator: Separator::Usual,
    encoding: Encoding::Hex,
    signed: "{body}",
    signed_with_timestamp: None,
    timestamp_header: None,
    timestamp_formats: &[TimeFormat::Unix],
    id_header: None,
    key_encoding: KeyEncoding::Raw,
};

/// Every scheme with a name, `hmac` first, which presumes least.
pub const KNOWN: &[KnownScheme] = &[
    ANY,
    // The specification of Standard Webhooks; Svix signs the same way under names of its own.
    KnownScheme {
        kind: "standard_webhooks",
        header: Some("webhook-signature"),
        prefix: "v1,",
        separator: Separator::Only(b' '),
        encoding: Encoding::Base64,
        signed: "{id}.{timestamp}.{body}",
        timestamp_header: Some("webhook-timestamp"),
        id_header: Some("webhook-id"),
        key_encoding: KeyEncoding::Whsec,
        ..ANY
    },
    // GitHub, "Validating webhook deliveries". Its delivery id is not signed, so it tells nothing.
    KnownScheme {
        kind: "github",
        header: Some("X-Hub-Signature-256"),
        prefix: "sha256=",
        separator: Separator::Nothing,
        ..ANY
    },
    // grafana/alerting http/hmac.go: the header's name is the constant there; the user names the timestamp's.
    KnownScheme {
        kind: "grafana",
        header: Some("X-Grafana-Alerting-Signature"),
        separator: Separator::Nothing,
        signed_with_timestamp: Some("{timestamp}:{body}"),
        ..ANY
    },
    // PagerDuty v3 webhooks: several signatures while a secret is changed. The secret looks like base64 and is text.
    KnownScheme {
        kind: "pagerduty",
        header: Some("X-PagerDuty-Signature"),
        prefix: "v1=",
        separator: Separator::Only(b','),
        ..ANY
    },
    // CrowdStrike does not publish what it signs; public receivers disagree. This is the better tested reading.
    KnownScheme {
        kind: "crowdstrike",
        header: Some("X-CS-Primary-Signature"),
        separator: Separator::Nothing,
        encoding: Encoding::Base64,
        signed: "{body}{timestamp}",
        timestamp_header: Some("X-CS-Delivery-Timestamp"),
        timestamp_formats: &[
            TimeFormat::Rfc3339,
            TimeFormat::Unix,
            TimeFormat::UnixMillis,
        ],
        ..ANY
    },
];

impl KnownScheme {
    /// The scheme of this name.
    #[must_use]
    pub fn named(kind: &str) -> Option<&'static KnownScheme> {
        KNOWN.iter().find(|known| known.kind == kind)
    }
}
