//! The page with the form for signing in. It stands in place of every page that somebody asks for who is not known yet.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::back::WayBack;
use crate::server::access::session::key;
use crate::server::refusal::HttpError;
use crate::settings::Settings;

/// What these pages may load and do: nothing but send their form.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page with the form.
pub(super) struct SignInPage {
    next: String,
    /// Where and with whose help people sign in, if they do: a query, and a name.
    issuer: Option<(String, String)>,
    /// What was wrong with the last attempt: a code and a sentence.
    refused: Option<(&'static str, String)>,
}

/// Whether whoever asks would rather be shown the form than an error: a browser that asks for a page.
pub(in crate::server) fn is_wanted(request: &Request) -> bool {
    let mut accepted = request.headers().get_all(header::ACCEPT).iter();
    let path = request.uri().path();
    *request.method() == Method::GET
        && !path.starts_with("/api/")
        && accepted.any(|line| line.to_str().is_ok_and(|line| line.contains("text/html")))
}

/// The form in place of the page that was asked for, which comes after it. A browser that was led here by a page of another
/// site does not send its cookie: it is shown a page that asks for the same once more, from here.
pub(in crate::server) fn in_place_of(request: &Request, settings: &Settings) -> Response {
    let headers = request.headers();
    if says(headers, "sec-fetch-site", "cross-site")
        && says(headers, "sec-fetch-mode", "navigate")
        && key(headers).is_none()
    {
        return again("");
    }
    let asked = request.uri().path_and_query();
    let way = WayBack::of(asked.map(|path| path.as_str()));
    let mut response = SignInPage::new(settings, &way).answer(StatusCode::UNAUTHORIZED);
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"scanhook\""),
    );
    response
}

fn says(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|line| line == value)
}

/// A page that leads on at once: to this path, or to itself where there is none. What is asked for from here is asked for with
/// the cookie.
pub(super) fn again(path: &str) -> Response {
    let to = escaped(path);
    let (refresh, link) = match path {
        "" => ("0".to_owned(), String::new()),
        _ => (format!("0;url={to}"), format!("<a href=\"{to}\">Go on</a>")),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>scanhook</title>\
         <meta http-equiv=\"refresh\" content=\"{refresh}\"></head><body><p>One moment. {link}</p></body></html>\n"
    );
    shown(StatusCode::OK, page)
}

impl SignInPage {
    pub(super) fn new(settings: &Settings, way: &WayBack) -> SignInPage {
        let sign_in = settings.admin.sign_in.as_ref();
        let offered = sign_in.filter(|sign_in| sign_in.is_offered());
        SignInPage {
            next: way.path().to_owned(),
            issuer: offered.map(|sign_in| (way.in_query(), sign_in.shown())),
            refused: None,
        }
    }

    /// The page after an attempt that failed.
    pub(super) fn refused(mut self, refused: &HttpError) -> Response {
        self.refused = Some((refused.code(), refused.detail()));
        let mut response = self.answer(refused.status());
        if let Some(seconds) = refused.retry_after() {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    pub(super) fn answer(&self, status: StatusCode) -> Response {
        let refused = self
            .refused
            .as_ref()
            .map_or_else(String::new, |(code, why)| {
                format!(
                    "<p role=\"alert\"><strong>{code}</strong> {}</p>",
                    escaped(why)
                )
            });
        let issuer = self.issuer.as_ref().map_or_else(String::new, |(next, name)| {
            let (next, name) = (escaped(next), escaped(name));
            format!("<p><a class=\"button\" href=\"/sign-in/start?next={next}\">Sign in with {name}</a></p>")
        });
        let page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in - scanhook</title></head><body><main>\
             <h1>Sign in</h1>{refused}{issuer}<form method=\"post\" action=\"/sign-in\">\
             <input type=\"hidden\" name=\"next\" value=\"{}\"><label for=\"token\">Token</label> \
             <input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required> \
             <button>Sign in</button></form></main></body></html>\n",
            escaped(&self.next)
        );
        shown(status, page)
    }
}

fn shown(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, Html(page)).into_response()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
