//! How a person signs in once, so that an app may act for them: by a code that they enter on any computer (device
//! authorization), or in a browser on this one (authorization code with PKCE). As values: requests, and what the answers
//! mean. An app that signs people in here is a public client: no secret is sent.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Endpoints;
use super::delegated::{self, UserSignIn};
use super::header::shown;
use super::request::{posted_form, token_endpoint};
use super::token::{self, TokenClaims, TokenRefusal, TokenReply};
use scanhook_core::percent::encoded;
use scanhook_core::time::Timestamp;

/// The grant type of a device code.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How often is asked where the answer does not say.
const INTERVAL: u64 = 5;
/// No code is waited for any longer.
const LONGEST: u64 = 3600;

/// Who signs in, for which app, and where.
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    pub endpoints: &'a Endpoints,
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    pub user: &'a UserSignIn,
}

/// A code to be entered by a person. Without `Debug`: whoever has its secret half gets the sign-in.
pub struct DeviceCode {
    secret: SecretString,
    /// What the person enters.
    pub code: String,
    /// And where.
    pub address: String,
    /// How long it can be entered.
    pub life: Duration,
    /// How often is asked whether it was.
    pub interval: Duration,
}

/// A person who has signed in. Without `Debug`: it holds the refresh token.
pub struct SignedIn {
    /// What the access token says of itself.
    pub claims: TokenClaims,
    /// None where `offline_access` was not granted.
    pub refresh_token: Option<SecretString>,
}

/// How far a sign-in has come.
pub enum SignInReply {
    SignedIn(Box<SignedIn>),
    /// The person has not entered the code yet.
    Pending,
    /// The same, and it was asked too often.
    TooFast,
    Declined,
    Expired,
    Refused(TokenRefusal),
    /// Not now, by this code.
    Later(String),
}

/// What ties the answer of a browser to the sign-in that asked for it. Without `Debug`: it holds a secret.
pub struct BrowserProof {
    verifier: SecretString,
    pub state: String,
}

impl BrowserProof {
    /// Of random bytes, half of them for the state.
    #[must_use]
    pub fn of(random: &[u8; 64]) -> BrowserProof {
        let (verifier, state) = random.split_at(32);
        BrowserProof {
            verifier: SecretString::from(URL_SAFE_NO_PAD.encode(verifier)),
            state: URL_SAFE_NO_PAD.encode(state),
        }
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()))
    }
}

impl SignIn<'_> {
    fn place(&self, last: &str) -> String {
        let tenant = encoded(self.tenant_id);
        format!("{}/{tenant}/oauth2/v2.0/{last}", self.endpoints.authority)
    }

    /// The fields that every request has.
    fn fields(&self) -> String {
        format!(
            "client_id={}&scope={}",
            encoded(self.client_id),
            encoded(&self.user.scopes(self.endpoints))
        )
    }

    fn redeem(&self, grant: &str, more: &str) -> Request<Bytes> {
        let form = format!("grant_type={}&{}&{more}", encoded(grant), self.fields());
        posted_form(&token_endpoint(self.endpoints, self.tenant_id), form)
    }

    /// Asks for a code that a person can enter.
    #[must_use]
    pub fn device(&self) -> Request<Bytes> {
        posted_form(&self.place("devicecode"), self.fields())
    }

    /// Asks whether the code was entered.
    #[must_use]
    pub fn entered(&self, code: &DeviceCode) -> Request<Bytes> {
        let secret = encoded(code.secret.expose_secret());
        self.redeem(DEVICE_GRANT, &format!("device_code={secret}"))
    }

    /// Where a browser signs a person in, who then comes back to `redirect`.
    #[must_use]
    pub fn page(&self, proof: &BrowserProof, redirect: &str) -> String {
        format!(
            "{}?{}&response_type=code&response_mode=query&redirect_uri={}&state={}&code_challenge={}\
             &code_challenge_method=S256&prompt=select_account",
            self.place("authorize"),
            self.fields(),
            encoded(redirect),
            proof.state,
            proof.challenge()
        )
    }

    /// Redeems the code that a browser brought back.
    #[must_use]
    pub fn brought(&self, code: &str, proof: &BrowserProof, redirect: &str) -> Request<Bytes> {
        let verifier = encoded(proof.verifier.expose_secret());
        let (code, redirect) = (encoded(code), encoded(redirect));
        let more = format!("code={code}&redirect_uri={redirect}&code_verifier={verifier}");
        self.redeem("authorization_code", &more)
    }

    /// What the answer to the question for a code holds.
    ///
    /// # Errors
    /// Why there is none.
    pub fn code(
        &self,
        answer: &Response<Bytes>,
        now: Timestamp,
    ) -> Result<DeviceCode, SignInReply> {
        if !answer.status().is_success() {
            return Err(self.reply(answer, now));
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let text = |key: &str| {
            let text = body.get(key).and_then(Value::as_str).unwrap_or("");
            (!text.is_empty()).then(|| text.to_owned())
        };
        let seconds = |key: &str, missing: u64| {
            let value = body.get(key);
            let number = value.and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
            Duration::from_secs(number.unwrap_or(missing).clamp(1, LONGEST))
        };
        let unreadable = || SignInReply::Later("answer-unreadable".to_owned());
        let address = text("verification_uri").or_else(|| text("verification_url"));
        Ok(DeviceCode {
            secret: SecretString::from(text("device_code").ok_or_else(unreadable)?),
            code: shown(&text("user_code").ok_or_else(unreadable)?, 64),
            address: shown(&address.ok_or_else(unreadable)?, 200),
            life: seconds("expires_in", 900),
            interval: seconds("interval", INTERVAL),
        })
    }

    /// What an answer of the token endpoint means for the sign-in.
    #[must_use]
    pub fn reply(&self, answer: &Response<Bytes>, now: Timestamp) -> SignInReply {
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let word = body.get("error").and_then(Value::as_str).unwrap_or("");
        match word {
            "authorization_pending" => return SignInReply::Pending,
            "slow_down" => return SignInReply::TooFast,
            "authorization_declined" | "access_denied" => return SignInReply::Declined,
            "expired_token" | "code_expired" => return SignInReply::Expired,
            _ => {}
        }
        match token::read(answer, now) {
            TokenReply::Granted(token) => {
                let mut claims = token.claims;
                let id_token = body.get("id_token").and_then(Value::as_str);
                let by_id = || id_token.and_then(|token| TokenClaims::read(token).account);
                claims.account = claims.account.or_else(by_id);
                SignInReply::SignedIn(Box::new(SignedIn {
                    claims,
                    refresh_token: delegated::refresh_token(answer),
                }))
            }
            TokenReply::Refused(refusal) => SignInReply::Refused(delegated::said(refusal, None)),
            TokenReply::Later(_, code) => SignInReply::Later(code),
        }
    }
}

#[cfg(test)]
mod tests;
