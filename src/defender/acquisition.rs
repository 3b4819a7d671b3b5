//! How a token is got, request by request: which one is next, and what its answer leads to. Pure: time and randomness are
//! passed in, and files are read by whoever sends.
//!
//! A secret that Entra calls wrong or expired is followed by the next one at once. A managed identity's token is asked of
//! the platform first: it is the token itself, or the assertion that Entra is then asked with.

use core::time::Duration;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Request, Response};
use secrecy::SecretString;
use uuid::Uuid;

use super::Endpoints;
use super::credential::{ClientSecret, Credential, ManagedIdentity};
use super::delegated::{self, TokenHash, UserSignIn};
use super::identity::{self, IdentityReply};
use super::request;
use super::token::{self, TokenRefusal, TokenReply, Whose};
use super::token_file::FileInsert;
use scanhook_core::time::Timestamp;

/// The resource of the token that serves as an assertion.
const EXCHANGE: &str = "api://AzureADTokenExchange";
/// Refusals of a secret that another one may not meet.
const SECRET_CODES: [&str; 2] = ["AADSTS7000215", "AADSTS7000222"];

/// How long a refresh token that was refused is not sent again, unless another one stands in its file.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// Who asks for a token, and where.
#[derive(Clone, Copy)]
pub struct Applicant<'a> {
    pub endpoints: &'a Endpoints,
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    pub credential: &'a Credential,
}

/// A request that is to leave, and the file that completes it, if one does.
pub struct TokenCall {
    pub request: Request<Bytes>,
    pub file: Option<FileInsert>,
}

/// What an answer led to.
pub enum Progress {
    /// There is a token, or there is none for now. What follows begins anew.
    Done(TokenReply),
    /// The next request leaves after this time; at once where it is zero.
    Next(Duration),
}

/// How far getting a token has come.
#[derive(Default)]
pub struct Acquisition {
    step: Step,
    /// The secret that Entra last took.
    in_use: Option<usize>,
    /// The refresh token that the last request was sent with.
    used: Option<TokenHash>,
    /// The person's refresh token that was last refused.
    refused: Option<RefusedSignIn>,
}

/// A person's refresh token that was refused.
struct RefusedSignIn {
    token: TokenHash,
    at: Timestamp,
    why: TokenRefusal,
}

#[derive(Clone, Default)]
enum Step {
    /// Nothing was sent.
    #[default]
    Begin,
    /// The secret of this number, and the refusals of those before it.
    Secret(usize, Vec<String>),
    /// The platform, for so many tries since then.
    Platform(u32, Timestamp),
    /// The platform once more, with the key of this file.
    Key(PathBuf, Timestamp),
    /// Entra, with the identity's token.
    Exchange(SecretString),
    /// Entra, with a person's refresh token.
    Renewal,
    /// Entra, with the refresh token before, because the last one was refused.
    Previous,
}

impl Acquisition {
    /// The request to send next.
    ///
    /// # Errors
    /// When the certificate's key cannot sign.
    pub fn next(
        &mut self,
        who: Applicant<'_>,
        jti: Uuid,
        now: Timestamp,
    ) -> Result<TokenCall, TokenRefusal> {
        let form = |proof: &request::Proof<'_>| {
            request::token(who.endpoints, who.tenant_id, who.client_id, proof)
        };
        let alone = |request| TokenCall {
            request,
            file: None,
        };
        Ok(match who.credential {
            Credential::Secrets(secrets) => {
                if !matches!(self.step, Step::Secret(..)) {
                    self.step = Step::Secret(0, Vec::new());
                }
                alone(form(&request::Proof::Secret(&self.secret(secrets).text)))
            }
            Credential::Certificate(certificate) => {
                let endpoint = request::token_endpoint(who.endpoints, who.tenant_id);
                let assertion = certificate
                    .assertion(&endpoint, who.client_id, jti, now)
                    .map_err(|_| cannot_sign())?;
                alone(form(&request::Proof::Assertion(&assertion)))
            }
            Credential::FederatedToken { path } => TokenCall {
                request: form(&request::Proof::AssertionToCome),
                file: Some(FileInsert::assertion(path.clone())),
            },
            Credential::ManagedIdentity(identity) => {
                self.of_platform(identity, who.endpoints.audience(), now)
            }
            Credential::FederatedIdentity(identity) => match &self.step {
                Step::Exchange(assertion) => alone(form(&request::Proof::Assertion(assertion))),
                _ => self.of_platform(identity, EXCHANGE, now),
            },
            Credential::User(user) => {
                let scopes = user.scopes(who.endpoints);
                let request =
                    request::renewal(who.endpoints, who.tenant_id, who.client_id, &scopes);
                TokenCall {
                    request,
                    file: Some(self.of_user(user, now)),
                }
            }
        })
    }

    fn of_user(&mut self, user: &UserSignIn, now: Timestamp) -> FileInsert {
        self.used = None;
        let refused = self.refused.as_ref();
        if matches!(self.step, Step::Previous) {
            return FileInsert::previous(user.clone(), refused.map(|refused| refused.token));
        }
        self.step = Step::Renewal;
        let lately = refused.filter(|refused| now.since(refused.at) < REFUSED_FOR);
        FileInsert::refresh(user.clone(), lately.map(|refused| refused.token))
    }

    /// The request under way left with this refresh token.
    pub fn left_with(&mut self, token: Option<TokenHash>) {
        self.used = token;
    }

    /// Why the person's refresh token was refused, where it was and no other one stands in its file.
    #[must_use]
    pub fn refusal(&self) -> Option<&TokenRefusal> {
        self.refused.as_ref().map(|refused| &refused.why)
    }

    /// Whether the request under way is made with the refresh token before the last one.
    #[must_use]
    pub fn goes_back(&self) -> bool {
        matches!(self.step, Step::Previous)
    }

    /// The secret whose turn it is.
    fn secret<'s>(&self, secrets: &'s [ClientSecret]) -> &'s ClientSecret {
        let n = if let Step::Secret(n, _) = &self.step {
            *n
        } else {
            0
        };
        &secrets[n.min(secrets.len().saturating_sub(1))]
    }

    fn of_platform(
        &mut self,
        identity: &ManagedIdentity,
        resource: &str,
        now: Timestamp,
    ) -> TokenCall {
        let request = identity::request(identity, resource);
        let file = match &self.step {
            Step::Key(path, _) => Some(FileInsert::basic(path.clone())),
            Step::Platform(..) => None,
            _ => {
                self.step = Step::Platform(0, now);
                None
            }
        };
        TokenCall { request, file }
    }

    /// Whether the request under way asks the platform, not Entra.
    #[must_use]
    pub fn asks_platform(&self) -> bool {
        matches!(self.step, Step::Platform(..) | Step::Key(..))
    }

    /// The file that completes the last request.
    #[must_use]
    pub fn file<'a>(&'a self, credential: &'a Credential) -> Option<&'a Path> {
        match (credential, &self.step) {
            (Credential::FederatedToken { path }, _) | (_, Step::Key(path, _)) => Some(path),
            (Credential::User(user), _) => Some(&user.token_file),
            _ => None,
        }
    }

    /// The name of the secret that Entra last took.
    #[must_use]
    pub fn in_use<'c>(&self, credential: &'c Credential) -> Option<&'c str> {
        match credential {
            Credential::Secrets(secrets) => {
                secrets.get(self.in_use?).map(|secret| secret.name.as_str())
            }
            _ => None,
        }
    }

    /// No answer came: what follows begins anew.
    pub fn unanswered(&mut self) {
        self.step = Step::Begin;
    }

    /// Takes the answer to the last request. `now` is when it came, by our clock.
    pub fn answer(
        &mut self,
        who: Applicant<'_>,
        answer: &Response<Bytes>,
        now: Timestamp,
    ) -> Progress {
        match core::mem::take(&mut self.step) {
            Step::Secret(n, refusals) => {
                self.secret_answer(who.credential, (n, refusals), token::read(answer, now))
            }
            step @ (Step::Platform(..) | Step::Key(..)) => {
                self.platform_answer(who.credential, step, answer, now)
            }
            step @ (Step::Renewal | Step::Previous) => {
                self.user_answer(who.credential, step, answer, now)
            }
            Step::Begin | Step::Exchange(_) => Progress::Done(token::read(answer, now)),
        }
    }

    fn secret_answer(
        &mut self,
        credential: &Credential,
        (n, mut refusals): (usize, Vec<String>),
        reply: TokenReply,
    ) -> Progress {
        let Credential::Secrets(secrets) = credential else {
            return Progress::Done(reply);
        };
        match reply {
            TokenReply::Granted(token) => {
                self.in_use = Some(n);
                Progress::Done(TokenReply::Granted(token))
            }
            TokenReply::Refused(refusal)
                if secrets.len() > 1 && SECRET_CODES.contains(&refusal.code.as_str()) =>
            {
                let name = secrets.get(n).map_or("", |secret| secret.name.as_str());
                refusals.push(format!("{name}: {}", refusal.code));
                if n + 1 < secrets.len() {
                    self.step = Step::Secret(n + 1, refusals);
                    return Progress::Next(Duration::ZERO);
                }
                let each = Some(format!(
                    "each of the secrets was refused ({})",
                    refusals.join(", ")
                ));
                Progress::Done(TokenReply::Refused(TokenRefusal {
                    more: each,
                    ..refusal
                }))
            }
            other => Progress::Done(other),
        }
    }

    /// What only a new sign-in answers is said so; before that, the refresh token before the refused one is tried once.
    fn user_answer(
        &mut self,
        credential: &Credential,
        step: Step,
        answer: &Response<Bytes>,
        now: Timestamp,
    ) -> Progress {
        let (reply, Some(user)) = (token::read(answer, now), credential.user()) else {
            return Progress::Done(token::read(answer, now));
        };
        let refusal = match reply {
            TokenReply::Refused(refusal) => refusal,
            TokenReply::Granted(token) => {
                self.refused = None;
                return Progress::Done(TokenReply::Granted(token));
            }
            later => return Progress::Done(later),
        };
        let wants_sign_in = delegated::wants_sign_in(answer);
        let why = delegated::said(refusal, wants_sign_in.then_some(user));
        if let Step::Previous = step {
            // The last one is what a person asks about.
            let why = self.refused.as_ref().map_or(why, |last| last.why.clone());
            return Progress::Done(TokenReply::Refused(why));
        }
        self.refused = self.used.map(|token| RefusedSignIn {
            token,
            at: now,
            why: why.clone(),
        });
        if wants_sign_in && self.refused.is_some() {
            self.step = Step::Previous;
            return Progress::Next(Duration::ZERO);
        }
        Progress::Done(TokenReply::Refused(why))
    }

    fn platform_answer(
        &mut self,
        credential: &Credential,
        step: Step,
        answer: &Response<Bytes>,
        now: Timestamp,
    ) -> Progress {
        let Some(identity) = credential.identity() else {
            return Progress::Done(token::read(answer, now));
        };
        let (tries, since, with_key) = match step {
            Step::Platform(tries, since) => (tries, since, false),
            Step::Key(_, since) => (0, since, true),
            _ => (0, now, false),
        };
        match identity::read(&identity.platform, answer, (tries, now.since(since)), now) {
            IdentityReply::Again(wait) => {
                self.step = Step::Platform(tries.saturating_add(1), since);
                Progress::Next(wait)
            }
            // A second challenge would go on for ever.
            IdentityReply::KeyFile(path) if !with_key => {
                self.step = Step::Key(path, since);
                Progress::Next(Duration::ZERO)
            }
            IdentityReply::KeyFile(_) => {
                Progress::Done(TokenReply::Refused(identity::key_refused()))
            }
            IdentityReply::Done(TokenReply::Granted(token))
                if matches!(credential, Credential::FederatedIdentity(_)) =>
            {
                self.step = Step::Exchange(token.bearer.assertion());
                Progress::Next(Duration::ZERO)
            }
            IdentityReply::Done(reply) => Progress::Done(reply),
        }
    }
}

fn cannot_sign() -> TokenRefusal {
    TokenRefusal {
        code: "certificate-key".to_owned(),
        whose: Whose::Operator,
        meaning: "the key of the certificate cannot sign; check certificate_file and key_file",
        trace: None,
        more: None,
    }
}

#[cfg(test)]
mod tests;
