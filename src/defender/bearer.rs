//! The bearer token as the header that it travels in. It stands apart so that nothing but a request can get at its text.

use http::header::HeaderValue;
use secrecy::SecretString;

/// An access token, as the header it travels in. Nothing prints it; only [`super::token::read`] makes one.
#[derive(Clone)]
pub struct Bearer(HeaderValue);

impl Bearer {
    pub(super) fn read(token: &str) -> Option<Bearer> {
        let visible = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
            .ok()
            .filter(|_| visible)?;
        header.set_sensitive(true);
        Some(Bearer(header))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The token itself, as one that proves an app.
    pub(super) fn assertion(&self) -> SecretString {
        let text = self.0.to_str().unwrap_or_default();
        SecretString::from(text.trim_start_matches("Bearer "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub(crate) fn bearer(token: &str) -> Bearer {
        Bearer::read(token).unwrap()
    }
}
