//! The issuer at which people sign in: its metadata and keys, fetched when they are needed and kept, and the exchange of a
//! code for an id token. Strangers' tokens and failures do not set the pace: it is asked again at most once a minute for
//! another key, and not at once after it did not answer.

mod exchange;
mod metadata;

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use crate::clock;
use crate::defender::Answer;
use crate::defender::client::Client;
use crate::keyrings::Beat;
use crate::settings::OpenIdSettings;
use exchange::CodeReply;
pub use exchange::SignInTrip;
use metadata::IssuerMetadata;
use scanhook_core::access::{KnownPerson, NotProved, TokenPurpose};
use scanhook_core::signature::Keyring;

/// Bytes of an answer.
const LONGEST: usize = 1 << 20;
/// A browser waits for it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why nobody could be signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSignedIn {
    /// The issuer does not answer, or not as it should.
    IssuerUnavailable,
    /// What came proves nobody.
    NotProved,
}

/// The issuer, as far as it is known.
pub struct OpenId {
    client: watch::Receiver<Client>,
    beat: Beat,
    known: Mutex<IssuerMemory>,
    /// One asks for all.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct IssuerMemory {
    /// Whose it is.
    issuer: String,
    found: Option<Arc<IssuerFound>>,
    /// When it was asked last.
    asked: Option<Duration>,
    failed: bool,
}

struct IssuerFound {
    /// None where the configuration says where the keys are.
    metadata: Option<IssuerMetadata>,
    keys: Keyring,
}

impl OpenId {
    #[must_use]
    pub fn new(client: watch::Receiver<Client>, beat: Beat) -> OpenId {
        OpenId {
            client,
            beat,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Where a browser is sent to sign in.
    ///
    /// # Errors
    /// [`NotSignedIn::IssuerUnavailable`].
    pub async fn address(
        &self,
        settings: &OpenIdSettings,
        trip: &SignInTrip,
    ) -> Result<String, NotSignedIn> {
        let found = self.found(settings, false).await?;
        let metadata = found.metadata.as_ref();
        match metadata.filter(|metadata| !metadata.authorization_endpoint.is_empty()) {
            Some(metadata) => Ok(exchange::address(metadata, settings, trip)),
            None => {
                tracing::error!("the issuer of [admin.sign_in] names no address for signing in");
                Err(NotSignedIn::IssuerUnavailable)
            }
        }
    }

    /// Who came back with this code.
    ///
    /// # Errors
    /// [`NotSignedIn`].
    pub async fn came_back(
        &self,
        settings: &OpenIdSettings,
        code: &str,
        trip: &SignInTrip,
    ) -> Result<KnownPerson, NotSignedIn> {
        let token = self.redeemed(settings, code, trip).await?;
        let nonce = &trip.nonce;
        self.person(
            settings,
            token.expose_secret(),
            TokenPurpose::SignIn { nonce },
        )
        .await
    }

    /// Of whom a token tells; where its key is not known, the issuer is asked for its keys.
    ///
    /// # Errors
    /// [`NotSignedIn`].
    pub async fn person(
        &self,
        settings: &OpenIdSettings,
        token: &str,
        purpose: TokenPurpose<'_>,
    ) -> Result<KnownPerson, NotSignedIn> {
        let judge = |found: &IssuerFound| {
            let keys = Some(&found.keys);
            settings.of.person(token, purpose, keys, clock::now())
        };
        let found = self.found(settings, false).await?;
        let judged = match judge(&found) {
            Err(NotProved::KeyUnknown) => judge(&*self.found(settings, true).await?),
            judged => judged,
        };
        judged.map_err(|why| {
            let why = match why {
                NotProved::KeyUnknown => "the key that it is signed with is not one of the issuer",
                NotProved::Wrong(why) => why,
            };
            tracing::warn!(why, "a token of the issuer of [admin.sign_in] was refused");
            NotSignedIn::NotProved
        })
    }

    async fn redeemed(
        &self,
        settings: &OpenIdSettings,
        code: &str,
        trip: &SignInTrip,
    ) -> Result<SecretString, NotSignedIn> {
        let found = self.found(settings, false).await?;
        let metadata = found.metadata.as_ref();
        let metadata = metadata.ok_or(NotSignedIn::IssuerUnavailable)?;
        for secret in &settings.secrets {
            let request = exchange::request(metadata, settings, secret, (code, trip));
            let request = request.ok_or(NotSignedIn::IssuerUnavailable)?;
            match exchange::reply(self.sent(request).await) {
                CodeReply::Token(token) => return Ok(token),
                CodeReply::BadClient(why) => {
                    tracing::error!(
                        why,
                        "the issuer does not take the credential of [admin.sign_in]"
                    );
                }
                CodeReply::Refused(why) => {
                    tracing::warn!(why, "the issuer does not take the code of a sign-in");
                    return Err(NotSignedIn::NotProved);
                }
                CodeReply::Unavailable(why) => {
                    tracing::error!(why, "the issuer of [admin.sign_in] does not answer a code");
                    return Err(NotSignedIn::IssuerUnavailable);
                }
            }
        }
        Err(NotSignedIn::IssuerUnavailable)
    }

    /// What is known of the issuer; `anew`: a key is wanted that is not there.
    async fn found(
        &self,
        settings: &OpenIdSettings,
        anew: bool,
    ) -> Result<Arc<IssuerFound>, NotSignedIn> {
        let issuer = &settings.identity();
        if let Some(ready) = self.ready(issuer, anew) {
            return ready;
        }
        let _asking = self.asking.lock().await;
        // Whoever was before may have asked.
        if let Some(ready) = self.ready(issuer, anew) {
            return ready;
        }
        let fetched = self.fetched(settings).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.issuer != *issuer {
            *known = IssuerMemory {
                issuer: issuer.clone(),
                ..IssuerMemory::default()
            };
        }
        (known.asked, known.failed) = (Some(clock::mono()), fetched.is_err());
        match fetched {
            Ok(found) => known.found = Some(Arc::new(found)),
            Err(why) => {
                tracing::error!(
                    issuer,
                    why,
                    "the issuer of [admin.sign_in] could not be asked"
                );
            }
        }
        known.found.clone().ok_or(NotSignedIn::IssuerUnavailable)
    }

    /// What needs no question now; `None`: the issuer is to be asked.
    fn ready(&self, issuer: &str, anew: bool) -> Option<Result<Arc<IssuerFound>, NotSignedIn>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.issuer != issuer {
            return None;
        }
        let age = clock::mono().saturating_sub(known.asked?);
        let least = match (&known.found, known.failed) {
            (None, _) => self.beat.again,
            (Some(_), true) => self.beat.most,
            (Some(_), false) if anew => self.beat.most,
            (Some(_), false) => self.beat.fresh,
        };
        let found = known.found.clone();
        (age < least).then(|| found.ok_or(NotSignedIn::IssuerUnavailable))
    }

    async fn fetched(&self, settings: &OpenIdSettings) -> Result<IssuerFound, String> {
        let issuer = &settings.of.issuer;
        let metadata = match &settings.keys {
            Some(_) => None,
            None => {
                let answer = self.got(&metadata::place(issuer)).await?;
                Some(IssuerMetadata::read(&answer, issuer)?)
            }
        };
        let published = metadata.as_ref().map(|metadata| &metadata.jwks_uri);
        let place = settings.keys.as_ref().or(published).ok_or("no-address")?;
        let keys = Keyring::read(&self.got(place).await?).map_err(|why| why.to_string())?;
        Ok(IssuerFound { metadata, keys })
    }

    async fn got(&self, url: &str) -> Result<Bytes, String> {
        let request = Request::get(url)
            .body(Bytes::new())
            .map_err(|_| "no-address".to_owned())?;
        match self.sent(request).await {
            Answer::Http(answer) if answer.status() == StatusCode::OK => Ok(answer.into_body()),
            Answer::Http(answer) => Err(format!("http-{}", answer.status().as_u16())),
            Answer::NotSent(unsent) => Err(unsent.code.to_owned()),
            Answer::Unknown(code) => Err(code),
        }
    }

    async fn sent(&self, request: Request<Bytes>) -> Answer {
        let client = self.client.borrow().capped(LONGEST);
        let sent = tokio::time::timeout(PATIENCE, client.send(request));
        let late = || Answer::Unknown("timeout".to_owned());
        sent.await.unwrap_or_else(|_| late())
    }
}
