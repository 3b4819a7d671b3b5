//! Signing in at the configured issuer: the browser is sent there, and comes back with a code. What ties both ends together is
//! one random key in a short-lived cookie of this browser; state, nonce and verifier are made of it, so that nothing has to be
//! remembered here. It is sent along from the issuer's page (`SameSite=Lax`), the session's own cookie is not.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::back::WayBack;
use super::page::{offered, sign_in_page};
use crate::clock;
use crate::journal::SessionProof;
use crate::openid::SignInTrip;
use crate::server::access::cookie::{SESSION, TRIP};
use crate::server::access::session::key;
use crate::server::access::{AskedBy, RefusedAttempt, Wire, of_person};
use crate::server::content::only;
use crate::server::fields::FormValues;
use crate::server::page::sign_in::again;
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::{Admin, SharedAdmin};
use crate::settings::{OpenIdSettings, Settings};
use scanhook_core::access::{SessionKey, SignedInBy};

/// Characters of a code.
const CODE: usize = 8_192;

/// Sends the browser to the issuer.
pub(super) async fn begin(State(admin): SharedAdmin, request: Request) -> Response {
    let settings = admin.settings();
    let way = WayBack::of_query(request.uri().query());
    let Some(sign_in) = offered(&settings) else {
        return HttpError::NotFound.into_response();
    };
    let (headers, wire) = (request.headers(), Wire::of(&request));
    // The browser comes back to that name, and keeps its cookie by the name.
    if let Some(public) = &settings.admin.public_url
        && settings.admin.public_host()
            != only(headers, header::HOST)
                .map(str::to_ascii_lowercase)
                .as_deref()
    {
        let to = format!("{}/sign-in/start?next={}", public.as_str(), way.in_query());
        return Redirect::to(&to).into_response();
    }
    let begun = admin.begun(&settings, sign_in, (headers, wire));
    match begun.await {
        Ok((address, key)) => {
            let begun = format!("{}.{}", key.expose(), way.in_query());
            TRIP.kept(Redirect::to(&address).into_response(), &begun)
        }
        Err(refused) => sign_in_page(&settings, &way, Some(&refused)),
    }
}

/// The browser comes back, with a code or without.
pub(super) async fn came_back(State(admin): SharedAdmin, request: Request) -> Response {
    let settings = admin.settings();
    let (headers, wire) = (request.headers().clone(), Wire::of(&request));
    let trip = Trip::kept(&headers);
    let way = trip
        .as_ref()
        .map_or_else(|| WayBack::of(None), |trip| trip.way.clone());
    let said = FormValues::of_query(request.uri().query()).unwrap_or_default();
    let response = match admin.arrived(&settings, &headers, wire, trip, &said).await {
        // From a page of ours, so that the browser sends along the cookie that it just got.
        Ok(session) => SESSION.kept(again(way.path()), session.expose()),
        Err(refused) => sign_in_page(&settings, &way, Some(&refused)),
    };
    TRIP.forgotten(response)
}

/// A sign-in that this browser has begun.
struct Trip {
    key: SessionKey,
    way: WayBack,
}

impl Trip {
    /// As the browser sends it back.
    fn kept(headers: &HeaderMap) -> Option<Trip> {
        let (key, next) = TRIP.value(headers)?.split_once('.')?;
        Some(Trip {
            key: SessionKey::read(key)?,
            way: WayBack::of_query(Some(&format!("next={next}"))),
        })
    }

    /// The code with which the issuer says that this is over. A field that stands there twice may be read by one as this
    /// and by another as that, so it says nothing.
    fn code<'f>(&self, said: &'f FormValues, sign_in: &OpenIdSettings) -> Option<&'f str> {
        if let Some(error) = said.get("error") {
            let error = scanhook_core::plain::one_line(error, 100);
            tracing::warn!(
                error,
                "the issuer of [admin.sign_in] sent somebody back with an error"
            );
            return None;
        }
        let once = !["code", "state", "iss"]
            .iter()
            .any(|name| said.is_repeated(name));
        let of_ours = said.get("iss").is_none_or(|iss| iss == sign_in.of.issuer);
        let of_trip = said.get("state") == Some(self.key.derived("state").as_str());
        said.get("code")
            .filter(|code| once && of_ours && of_trip && (1..=CODE).contains(&code.len()))
    }
}

/// What it is known by at the issuer.
fn known_by(key: &SessionKey, redirect: String) -> SignInTrip {
    SignInTrip {
        state: key.derived("state"),
        nonce: key.derived("nonce"),
        verifier: key.derived("verifier").into(),
        redirect,
    }
}

/// Where the browser comes back to. Without a public name it is the one that this request was sent to, which is this computer.
fn redirect(settings: &Settings, headers: &HeaderMap, wire: Wire) -> Option<String> {
    let base = match &settings.admin.public_url {
        Some(public) => public.as_str().to_owned(),
        None => {
            let scheme = if wire.over_tls { "https" } else { "http" };
            format!("{scheme}://{}", only(headers, header::HOST)?)
        }
    };
    Some(format!("{base}/sign-in/callback"))
}

impl Admin {
    async fn begun(
        &self,
        settings: &Settings,
        sign_in: &OpenIdSettings,
        (headers, wire): (&HeaderMap, Wire),
    ) -> Result<(String, SessionKey), HttpError> {
        if let Some(left) = self.credentials.spent(wire.address, clock::mono()) {
            return Err(HttpError::FailureBudget(left));
        }
        wire.keeps_secrets(settings)?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| HttpError::Internal)?;
        let key = SessionKey::from_random(&bytes);
        let redirect = redirect(settings, headers, wire).ok_or(HttpError::Internal)?;
        let address = self
            .openid
            .address(sign_in, &known_by(&key, redirect))
            .await;
        Ok((address.map_err(AccessError::from)?, key))
    }

    /// Begins the session of whoever came back.
    async fn arrived(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        wire: Wire,
        trip: Option<Trip>,
        said: &FormValues,
    ) -> Result<SessionKey, HttpError> {
        if let Some(left) = self.credentials.spent(wire.address, clock::mono()) {
            return Err(HttpError::FailureBudget(left));
        }
        let sign_in = offered(settings).ok_or(HttpError::NotFound)?;
        wire.keeps_secrets(settings)?;
        let mut attempt = RefusedAttempt {
            address: wire.address,
            how: "sign-in",
            person: None,
            refused: AccessError::SignInFailed,
        };
        let came = trip.and_then(|trip| Some((trip.code(said, sign_in)?, trip)));
        let Some((code, trip)) = came else {
            self.attempt_refused(&attempt).await;
            return Err(AccessError::SignInFailed.into());
        };
        let redirect = redirect(settings, headers, wire).ok_or(HttpError::Internal)?;
        let trip = known_by(&trip.key, redirect);
        let person = match self.openid.came_back(sign_in, code, &trip).await {
            Ok(person) => person,
            Err(why) => {
                attempt.refused = match AccessError::from(why) {
                    AccessError::CredentialRefused => AccessError::SignInFailed,
                    other => other,
                };
                self.attempt_refused(&attempt).await;
                return Err(attempt.refused.into());
            }
        };
        let caller = match of_person(sign_in, &person, SignedInBy::SignIn) {
            Ok(caller) => caller,
            Err(refused) => {
                (attempt.refused, attempt.person) = (refused, Some(&person));
                self.attempt_refused(&attempt).await;
                return Err(refused.into());
            }
        };
        let proof = SessionProof::SignIn {
            issuer: sign_in.identity(),
            roles: sign_in.known(&person.roles),
        };
        let asked = AskedBy::new(caller, wire.address);
        let begun = self.sign_in(&asked, proof, key(headers)).await?;
        self.metrics.access.signed_in("sign-in", "done");
        Ok(begun)
    }
}
