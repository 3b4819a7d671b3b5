//! What an issuer publishes about itself, and where.

use serde::Deserialize;

use crate::defender::is_loopback;

/// What is read of an issuer's `/.well-known/openid-configuration`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct IssuerMetadata {
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) authorization_endpoint: String,
    #[serde(default)]
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    /// Left out: `client_secret_basic`.
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
}

/// Where an issuer publishes it.
pub(super) fn place(issuer: &str) -> String {
    let issuer = issuer.trim_end_matches('/');
    format!("{issuer}/.well-known/openid-configuration")
}

impl IssuerMetadata {
    /// Reads it. It has to be that of this issuer, or tokens of another one would count.
    pub(super) fn read(answer: &[u8], issuer: &str) -> Result<IssuerMetadata, &'static str> {
        let read: IssuerMetadata =
            serde_json::from_slice(answer).map_err(|_| "the answer is not its metadata")?;
        if read.issuer != issuer {
            return Err("the metadata is that of another issuer: compare `issuer` to the letter");
        }
        let near = is_near(issuer);
        let places = [
            &read.authorization_endpoint,
            &read.token_endpoint,
            &read.jwks_uri,
        ];
        let fits = |place: &&String| place.is_empty() || is_safe(place, near);
        if !places.iter().all(fits) || read.jwks_uri.is_empty() {
            return Err("the metadata names an address that is not https");
        }
        Ok(read)
    }

    /// Whether the secret goes into the form; else into the `Authorization` header.
    pub(super) fn takes_secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_some_and(|methods| methods.iter().any(|one| one == "client_secret_post"))
    }

    /// What is asked for: the claims of a person, and a scope of its own for the roles where the issuer has one.
    pub(super) fn scopes(&self, roles: &str) -> String {
        let own = self.scopes_supported.iter().find(|scope| *scope == roles);
        match own {
            Some(own) => format!("openid profile {own}"),
            None => "openid profile".to_owned(),
        }
    }
}

/// https, or an issuer on this computer and its address there.
fn is_safe(place: &str, near: bool) -> bool {
    place.starts_with("https://") || (near && is_near(place))
}

fn is_near(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok();
    uri.is_some_and(|uri| uri.host().is_some_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ISSUER: &str = "https://login.example/v2.0";

    fn metadata() -> serde_json::Value {
        json!({ "issuer": ISSUER, "authorization_endpoint": "https://login.example/authorize",
                "token_endpoint": "https://login.example/token", "jwks_uri": "https://login.example/keys" })
    }

    #[test]
    fn metadata_of_another_issuer_or_with_an_address_that_others_can_read_is_refused() {
        let read = |value: &serde_json::Value| {
            IssuerMetadata::read(value.to_string().as_bytes(), ISSUER).map(drop)
        };
        assert_eq!(read(&metadata()), Ok(()));
        for (key, value) in [
            ("issuer", "https://login.example/v2.0/"),
            ("issuer", "https://evil.example"),
            ("token_endpoint", "http://login.example/token"),
            ("token_endpoint", "http://127.0.0.1/token"),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("jwks_uri", "http://login.example/keys"),
            ("jwks_uri", ""),
        ] {
            let mut wrong = metadata();
            wrong[key] = json!(value);
            assert!(read(&wrong).is_err(), "{key} {value}");
        }
        assert!(IssuerMetadata::read(b"<html>", ISSUER).is_err());
    }

    #[test]
    fn an_issuer_on_this_computer_may_speak_plain_http() {
        let issuer = "http://127.0.0.1:9/";
        let near = json!({ "issuer": issuer, "jwks_uri": "http://127.0.0.1:9/keys" });
        assert!(IssuerMetadata::read(near.to_string().as_bytes(), issuer).is_ok());
        assert_eq!(
            place(issuer),
            "http://127.0.0.1:9/.well-known/openid-configuration"
        );
    }
}
