//! Signs a request as a scheme says. Only what we send ourselves is signed, so nothing of the check is needed here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::scheme::{Encoding, Scheme};
use super::stamp::StampPlace;

impl Scheme {
    /// The header's value for these bytes; `None` without a key.
    pub(super) fn sign(&self, body: &[u8], time: &str, id: &str) -> Option<String> {
        let tag = self
            .mac(self.keys.first()?, body, Some(time.as_bytes()), Some(id))?
            .tag();
        let tag = match self.encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => BASE64.encode(tag),
        };
        let signature = format!("{}{tag}", self.prefix);
        Some(match self.stamp.as_ref().map(|stamp| &stamp.place) {
            Some(StampPlace::Entry(prefix)) => format!("{prefix}{time}{}{signature}", self.joint()),
            _ => signature,
        })
    }
}
