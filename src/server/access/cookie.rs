//! The cookies of this listener. A browser keeps them, and sends them back with what it asks for.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::server::refusal::HttpError;

/// How each name begins. Browsers refuse such a cookie from other hosts of the same domain and without TLS; this computer
/// counts as safe to them.
const NAMES: &str = "__Host-scanhook";

/// A cookie of ours.
pub(in crate::server) struct OwnCookie {
    name: &'static str,
    same_site: &'static str,
    /// How long it is kept; else until the browser is closed.
    seconds: Option<u32>,
}

/// A session. A page of another site never makes the browser send it.
pub(in crate::server) const SESSION: OwnCookie = OwnCookie {
    name: NAMES,
    same_site: "Strict",
    seconds: None,
};
/// A sign-in that has begun, for as long as somebody may take at the issuer. It is sent along from the issuer's page.
pub(in crate::server) const TRIP: OwnCookie = OwnCookie {
    name: "__Host-scanhook-sign-in",
    same_site: "Lax",
    seconds: Some(600),
};

impl OwnCookie {
    /// Its value, where the browser sends one.
    pub(in crate::server) fn value<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines = headers.get_all(COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == self.name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// An answer that has the browser keep it.
    pub(in crate::server) fn kept(&self, answer: Response, value: &str) -> Response {
        self.set(answer, value, self.seconds)
    }

    /// An answer that has the browser forget it.
    pub(in crate::server) fn forgotten(&self, answer: Response) -> Response {
        self.set(answer, "", Some(0))
    }

    fn set(&self, mut answer: Response, value: &str, seconds: Option<u32>) -> Response {
        let OwnCookie {
            name, same_site, ..
        } = self;
        let mut line = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}");
        if let Some(seconds) = seconds {
            line.push_str(&format!("; Max-Age={seconds}"));
        }
        let Ok(mut line) = HeaderValue::from_str(&line) else {
            return HttpError::Internal.into_response();
        };
        line.set_sensitive(true);
        answer.headers_mut().append(SET_COOKIE, line);
        answer
    }
}

/// Whether the browser sends a cookie of ours, whatever is in it.
pub(in crate::server) fn has_cookie(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(COOKIE).iter();
    lines.any(|line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        line.split(';')
            .any(|pair| pair.trim_start().starts_with(NAMES))
    })
}
