//! Signing in at the configured issuer: the browser is sent there, and comes back with a code. What ties both ends together is
//! one random key in a short-lived cookie of this browser; state, nonce and verifier are made of it, so that nothing has to be
//! remembered here. It is sent along from the issuer's page (`SameSite=Lax`), the session's own cookie is not.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::back::WayBack;
use super::page::SignInPage;
use crate::clock;
use crate::journal::SessionProof;
use crate::openid::SignInTrip;
use crate::server::access::session::{cookie, kept, key, with_cookie};
use crate::server::access::{AskedBy, RefusedAttempt, Wire, of_person};
use crate::server::content::only;
use crate::server::page::sign_in::again;
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::{Admin, SharedAdmin};
use crate::settings::{OpenIdSettings, Settings};
use percent_encoding::percent_decode_str;
use scanhook_core::access::{SessionKey, SignedInBy};

/// The cookie of a sign-in that has begun.
const TRIP: &str = "__Host-scanhook-sign-in";
/// How it is kept: as long as somebody may take at the issuer.
const KEPT: &str = "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600";
/// Has the browser forget it.
const FORGOTTEN: &str =
    "__Host-scanhook-sign-in=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
/// Characters of a code.
const CODE: usize = 8_192;

/// The issuer, if people are sent there.
fn offered(settings: &Settings) -> Option<&OpenIdSettings> {
    let sign_in = settings.admin.sign_in.as_ref();
    sign_in.filter(|sign_in| sign_in.is_offered())
}

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
        return led(&to);
    }
    let begun = admin.begun(&settings, sign_in, (headers, wire));
    match begun.await {
        Ok((address, key)) => {
            let value = format!("{TRIP}={}.{}; {KEPT}", key.expose(), way.in_query());
            match HeaderValue::from_str(&value) {
                Ok(cookie) => with_cookie(led(&address), cookie),
                Err(_) => HttpError::Internal.into_response(),
            }
        }
        Err(refused) => SignInPage::new(&settings, Some(way.path())).refused(&refused),
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
    let query = CallbackQuery::read(request.uri().query().unwrap_or_default());
    let response = match admin.arrived(&settings, &headers, wire, trip, &query).await {
        // From a page of ours, so that the browser sends along the cookie that it just got.
        Ok(session) => with_cookie(again(way.path()), session),
        Err(refused) => SignInPage::new(&settings, Some(way.path())).refused(&refused),
    };
    with_cookie(response, HeaderValue::from_static(FORGOTTEN))
}

fn led(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => HttpError::Internal.into_response(),
    }
}

/// A sign-in that this browser has begun.
struct Trip {
    key: SessionKey,
    way: WayBack,
}

impl Trip {
    /// As the browser sends it back.
    fn kept(headers: &HeaderMap) -> Option<Trip> {
        let (key, next) = cookie(headers, TRIP)?.split_once('.')?;
        let next = percent_decode_str(next).decode_utf8().ok()?;
        Some(Trip {
            key: SessionKey::read(key)?,
            way: WayBack::of(Some(&next)),
        })
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

/// What the issuer says with the browser.
#[derive(Default)]
struct CallbackQuery {
    code: String,
    state: String,
    issuer: Option<String>,
    error: Option<String>,
}

impl CallbackQuery {
    fn read(query: &str) -> CallbackQuery {
        let mut read = CallbackQuery::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = value.replace('+', " ");
            let Ok(value) = percent_decode_str(&value).decode_utf8() else {
                continue;
            };
            match name {
                "code" => read.code = value.into_owned(),
                "state" => read.state = value.into_owned(),
                "iss" => read.issuer = Some(value.into_owned()),
                "error" => read.error = Some(value.into_owned()),
                _ => {}
            }
        }
        read
    }
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

    /// Begins the session of whoever came back; the cookie that the browser keeps.
    async fn arrived(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        wire: Wire,
        trip: Option<Trip>,
        query: &CallbackQuery,
    ) -> Result<HeaderValue, HttpError> {
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
        let Some(trip) = trip.filter(|trip| query.fits(trip, sign_in)) else {
            self.attempt_refused(&attempt).await;
            return Err(AccessError::SignInFailed.into());
        };
        let redirect = redirect(settings, headers, wire).ok_or(HttpError::Internal)?;
        let trip = known_by(&trip.key, redirect);
        let person = match self.openid.came_back(sign_in, &query.code, &trip).await {
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
        kept(&begun).ok_or(HttpError::Internal)
    }
}

impl CallbackQuery {
    /// Whether this is the end of what this browser has begun.
    fn fits(&self, trip: &Trip, sign_in: &OpenIdSettings) -> bool {
        if let Some(error) = &self.error {
            let error = scanhook_core::plain::one_line(error, 100);
            tracing::warn!(
                error,
                "the issuer of [admin.sign_in] sent somebody back with an error"
            );
            return false;
        }
        let of_ours = self
            .issuer
            .as_ref()
            .is_none_or(|issuer| *issuer == sign_in.of.issuer);
        of_ours
            && self.state == trip.key.derived("state")
            && !self.code.is_empty()
            && self.code.len() <= CODE
    }
}
