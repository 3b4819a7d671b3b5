//! The admin listener of a running responder, as the read verbs see it.

mod client;
mod lines;
mod refusal;

pub(super) use client::{authority, client, is_of_certificate, root};
pub(super) use lines::AnswerLines;
pub(super) use refusal::detail;

use core::time::Duration;
use std::path::PathBuf;

use http::header::{self, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::format::OutputFormat;
use super::output;
use super::surroundings::surroundings;
use super::trouble::{CliError, Exit};
use crate::defender::is_loopback;
use crate::file;
use crate::settings::Inputs;
use refusal::{code, refuses_name};
use scanhook_core::access::is_token;
use scanhook_core::percent::query;

/// How long an answer may take. It comes from this computer, and from an index.
const PATIENCE: Duration = Duration::from_secs(30);
/// A file that is larger holds no token.
const LARGEST_TOKEN: u64 = 4096;

/// Where the responder is asked, and how it is shown.
#[derive(clap::Args)]
pub(super) struct Responder {
    /// The admin listener of the running responder [default: SCANHOOK_ADMIN, else that of scanhook.toml, else
    /// http://127.0.0.1:9090].
    #[arg(long, value_name = "URL")]
    pub(super) admin: Option<String>,
    /// The authority that signed the certificate of an admin listener with TLS, as PEM [default: SCANHOOK_CA, else those of
    /// this computer].
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// A file that holds your token [default: SCANHOOK_TOKEN_FILE; without one, this computer is let in if scanhook.toml
    /// says so].
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// How the answer is written; json is the answer itself.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: OutputFormat,
}

/// What a list is narrowed to: keys of the query, each with its value if there is one.
pub(super) type ListPairs<'q> = [(&'static str, Option<&'q str>)];

impl Responder {
    /// Where it is asked.
    fn address(&self) -> String {
        self.admin.clone().unwrap_or_else(|| surroundings().admin())
    }

    fn client(&self) -> Result<reqwest::Client, CliError> {
        client(PATIENCE, authority(self.ca.as_deref()).as_deref())
    }

    /// Where it is asked, by whoever has read a configuration.
    pub(super) fn asked_at(&self, inputs: &Inputs) -> String {
        self.admin.clone().unwrap_or_else(|| inputs.admin())
    }

    /// What is at a path of an address that was found out before; its body.
    pub(super) async fn get_at(&self, address: &str, path: &str) -> Result<String, CliError> {
        let url = format!("{}{path}", address.trim_end_matches('/'));
        let response = self.sent(self.client()?.get(url)).await?;
        self.judged(response).await
    }

    /// Asks for one page; its body.
    pub(super) async fn get(&self, path: &str, query: &ListPairs<'_>) -> Result<String, CliError> {
        self.get_at(&self.address(), &format!("{path}{}", joined(query)))
            .await
    }

    /// Asks for an answer that is read while it is written.
    pub(super) async fn lines(
        &self,
        path: &str,
        query: &ListPairs<'_>,
        headers: &[(&'static str, &str)],
    ) -> Result<AnswerLines, CliError> {
        let url = format!(
            "{}{path}{}",
            self.address().trim_end_matches('/'),
            joined(query)
        );
        // An answer may take hours; how long nothing may come is the business of whoever reads.
        let mut request = self.client()?.get(url).timeout(Duration::MAX);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match tokio::time::timeout(PATIENCE, self.sent(request)).await {
            Ok(response) => response?,
            Err(_) => return Err(self.broken("no answer in time")),
        };
        if response.status().as_u16() != 200 {
            self.judged(response).await?;
            return Err(self.stranger());
        }
        Ok(AnswerLines::of(response))
    }

    /// An answer that ended before its end.
    pub(super) fn broken(&self, why: &str) -> CliError {
        let sentence = format!("the answer of {} broke off: {why}", self.address());
        CliError::new(Exit::Unavailable, sentence)
    }

    /// Gives an order; the answer's body. The name that you are logged in with is left out where the responder knows better
    /// who you are and takes none.
    pub(super) async fn post(&self, path: &str, order: &Value) -> Result<String, CliError> {
        let response = self.posted(path, order).await?;
        if response.status().as_u16() != 400 {
            return self.judged(response).await;
        }
        let refusal = self.body(response).await?;
        let mut unnamed = order.clone();
        let named = unnamed
            .as_object_mut()
            .and_then(|order| order.remove("by"))
            .is_some_and(|by| by.as_str() == surroundings().user());
        if !named || !refuses_name(&refusal) {
            return self.judge(400, refusal);
        }
        let response = self.posted(path, &unnamed).await?;
        self.judged(response).await
    }

    async fn posted(&self, path: &str, order: &Value) -> Result<reqwest::Response, CliError> {
        let url = format!("{}{path}", self.address().trim_end_matches('/'));
        let request = self
            .client()?
            .post(url)
            .header("content-type", "application/json")
            .body(order.to_string());
        self.sent(request).await
    }

    /// Sends a request, with the token if there is one.
    async fn sent(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, CliError> {
        let (client, request) = request.build_split();
        let mut request = request.map_err(|error| self.unreachable(&error))?;
        if let Some(token) = self.token()? {
            private(request.url())?;
            request.headers_mut().insert(header::AUTHORIZATION, token);
        }
        client
            .execute(request)
            .await
            .map_err(|error| self.unreachable(&error))
    }

    /// The header with the token of whoever asks, if they have one.
    fn token(&self) -> Result<Option<HeaderValue>, CliError> {
        let file = self
            .token_file
            .clone()
            .or_else(|| surroundings().token_file());
        let Some(path) = file else {
            return Ok(None);
        };
        let unreadable = |error: &dyn core::fmt::Display| {
            CliError::new(Exit::NoInput, format!("{}: {error}", path.display()))
        };
        let text = file::read(&path, LARGEST_TOKEN)
            .map_err(|error| unreadable(&error))?
            .text()
            .map_err(|error| unreadable(&error))?;
        let token = text.trim();
        let line = HeaderValue::try_from(format!("Bearer {token}"));
        match line {
            Ok(mut line) if is_token(token) => {
                line.set_sensitive(true);
                Ok(Some(line))
            }
            _ => {
                let sentence = format!(
                    "{} does not hold a token: one begins with shk_, and `scanhook token` makes it",
                    path.display()
                );
                Err(CliError::new(Exit::BadData, sentence))
            }
        }
    }

    async fn body(&self, response: reqwest::Response) -> Result<String, CliError> {
        response
            .text()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    async fn judged(&self, response: reqwest::Response) -> Result<String, CliError> {
        let status = response.status().as_u16();
        let body = self.body(response).await?;
        self.judge(status, body)
    }

    fn judge(&self, status: u16, body: String) -> Result<String, CliError> {
        match status {
            200 => Ok(body),
            400 => Err(CliError::new(
                Exit::Usage,
                format!("{} does not take this: {}", self.address(), detail(&body)),
            )),
            401 | 403 if code(&body).is_some() => {
                Err(CliError::new(Exit::Permission, detail(&body)))
            }
            404 if code(&body).as_deref() == Some("unknown-id") => {
                Err(CliError::new(Exit::NoInput, detail(&body)))
            }
            404 if code(&body).is_some() => Err(self.absent(&body)),
            409 | 410 if code(&body).is_some() => Err(CliError::new(Exit::BadData, detail(&body))),
            500.. => Err(CliError::new(
                Exit::Unavailable,
                format!("{}: {status}, {}", self.address(), detail(&body)),
            )),
            _ => Err(self.stranger()),
        }
    }

    /// Reads an answer.
    pub(super) fn read<T: DeserializeOwned>(&self, body: &str) -> Result<T, CliError> {
        serde_json::from_str(body).map_err(|_| self.stranger())
    }

    /// A path that names what is not there; or one that only the admin listener has.
    fn absent(&self, body: &str) -> CliError {
        let hint = if code(body).as_deref() == Some("not-found") {
            " Is this the admin listener?"
        } else {
            ""
        };
        CliError::new(
            Exit::NoInput,
            format!("{}: {}{hint}", self.address(), detail(body)),
        )
    }

    fn stranger(&self) -> CliError {
        let sentence = format!(
            "{} answers, but not as scanhook's admin listener does; is it the right port?",
            self.address()
        );
        CliError::new(Exit::BadData, sentence)
    }

    fn unreachable(&self, error: &reqwest::Error) -> CliError {
        if error.is_builder() {
            return CliError::new(
                Exit::Usage,
                format!("--admin: {} is not a URL", output::plain(&self.address())),
            );
        }
        if is_of_certificate(error) {
            let sentence = format!(
                "the certificate of {} is not accepted: {}; name the authority that signed it with --ca or SCANHOOK_CA",
                self.address(),
                root(error)
            );
            return CliError::new(Exit::Unavailable, sentence);
        }
        let sentence = format!(
            "no responder answers at {}: is `scanhook serve` running, and is this its `[admin] listen`? ({})",
            self.address(),
            root(error)
        );
        CliError::new(Exit::Unavailable, sentence)
    }
}

/// Whether nobody on the way to this URL can read a token.
fn private(url: &reqwest::Url) -> Result<(), CliError> {
    if url.scheme() == "https" || url.host_str().is_some_and(is_loopback) {
        return Ok(());
    }
    let sentence = "a token is not sent over plain http to another computer: use https in --admin, and a new token \
                    if this one went that way before";
    Err(CliError::new(Exit::Usage, sentence))
}

fn joined(pairs: &ListPairs<'_>) -> String {
    let given = |(key, value): &(&'static str, Option<_>)| Some((*key, (*value)?));
    let query = query(pairs.iter().filter_map(given));
    if query.is_empty() {
        query
    } else {
        format!("?{query}")
    }
}
