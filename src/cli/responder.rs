//! The admin listener of a running responder, as the read verbs see it.

use core::time::Duration;
use std::error::Error as _;
use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::format::OutputFormat;
use super::output;
use super::surroundings::surroundings;
use super::trouble::{CliError, Exit};
use crate::certificate::read_authorities;
use crate::file;
use crate::settings::Inputs;
use scanhook_core::access::is_token;

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
        let response = self
            .signed(self.client()?.get(url))?
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        self.judged(response).await
    }

    /// Asks for one page; its body.
    pub(super) async fn get(&self, path: &str, query: &ListPairs<'_>) -> Result<String, CliError> {
        let url = format!(
            "{}{path}{}",
            self.address().trim_end_matches('/'),
            joined(query)
        );
        let response = self
            .signed(self.client()?.get(url))?
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        self.judged(response).await
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
        self.signed(request)?
            .send()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    /// The request with the token, if there is one.
    fn signed(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, CliError> {
        let file = self
            .token_file
            .clone()
            .or_else(|| surroundings().token_file());
        let Some(path) = file else {
            return Ok(request);
        };
        let unreadable = |error: &dyn core::fmt::Display| {
            CliError::new(Exit::NoInput, format!("{}: {error}", path.display()))
        };
        let text = file::read(&path, LARGEST_TOKEN)
            .map_err(|error| unreadable(&error))?
            .text()
            .map_err(|error| unreadable(&error))?;
        let token = text.trim();
        if !is_token(token) {
            let sentence = format!(
                "{} does not hold a token: one begins with shk_, and `scanhook token` makes it",
                path.display()
            );
            return Err(CliError::new(Exit::BadData, sentence));
        }
        Ok(request.bearer_auth(token))
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

    /// Reads a part of an answer.
    pub(super) fn of<T: DeserializeOwned>(&self, part: Value) -> Result<T, CliError> {
        serde_json::from_value(part).map_err(|_| self.stranger())
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
            "no responder answers at {}: is `scanhook serve` running, and is this its admin_listen? ({})",
            self.address(),
            root(error)
        );
        CliError::new(Exit::Unavailable, sentence)
    }
}

/// The file of an authority beside those of this computer: the one of the command line, else `SCANHOOK_CA`.
pub(super) fn authority(named: Option<&Path>) -> Option<PathBuf> {
    named
        .map(Path::to_owned)
        .or_else(|| surroundings().authority())
}

/// The authorities in a file.
fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, CliError> {
    let pem = std::fs::read(path).map_err(|error| CliError::reading(path, &error))?;
    let faulty = |why: String| CliError::new(Exit::Configuration, format!("--ca: {why}"));
    let all = read_authorities(&pem).map_err(|why| faulty(why.message(path, path)))?;
    let one = |der: &[u8]| reqwest::Certificate::from_der(der);
    all.iter()
        .map(|der| one(der).map_err(|why| faulty(why.to_string())))
        .collect()
}

/// Whether somebody answers, whose certificate is not accepted.
pub(super) fn is_of_certificate(error: &reqwest::Error) -> bool {
    root(error).contains("invalid peer certificate")
}

/// A client that follows no redirect and takes no proxy from the environment: it talks to whom it is told to.
pub(super) fn client(
    patience: Duration,
    authority: Option<&Path>,
) -> Result<reqwest::Client, CliError> {
    let mut builder = reqwest::Client::builder();
    for certificate in authority
        .map(authorities)
        .transpose()?
        .into_iter()
        .flatten()
    {
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .timeout(patience)
        .user_agent(concat!("scanhook/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            let sentence = format!(
                "no HTTPS client ({}); are CA certificates installed?",
                root(&error)
            );
            CliError::new(Exit::Configuration, sentence)
        })
}

/// What lies at the bottom of an error: "Connection refused" rather than "error sending request".
pub(super) fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

/// The code of a refusal; none where the answer is somebody else's.
fn code(body: &str) -> Option<String> {
    serde_json::from_str::<Value>(body)
        .ok()?
        .get("code")?
        .as_str()
        .map(str::to_owned)
}

/// Whether an order was refused because it names who gives it.
fn refuses_name(body: &str) -> bool {
    let key = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|problem| Some(problem.get("key")?.as_str()? == "by"));
    code(body).as_deref() == Some("unknown-key") && key == Some(true)
}

/// The sentence and the code of a refusal, as far as it has them.
pub(super) fn detail(body: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Value>(body) else {
        return output::plain(body);
    };
    let text = |key| problem.get(key).and_then(Value::as_str);
    let sentence = text("detail")
        .or(text("title"))
        .unwrap_or("no reason is given");
    let mut detail = text("code").map_or_else(
        || sentence.to_owned(),
        |code| format!("{sentence} [{code}]"),
    );
    for (key, label) in [
        ("key", "key"),
        ("takes", "it takes"),
        ("needs", "it needs the role"),
    ] {
        if let Some(more) = text(key) {
            detail.push_str(&format!("; {label}: {more}"));
        }
    }
    if let Some(item) = problem.get("item") {
        detail.push_str(&about(item));
    }
    output::plain(&detail)
}

/// What a refused order says of the thing it was about.
fn about(item: &Value) -> String {
    let shown = ["device", "state", "reason"]
        .into_iter()
        .filter_map(|key| item.get(key).and_then(Value::as_str));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let mut text = if shown.is_empty() {
        shown
    } else {
        format!("; it is: {shown}")
    };
    let candidates = item
        .get("candidates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let candidates = candidates.collect::<Vec<_>>().join("; ");
    if !candidates.is_empty() {
        text.push_str(&format!("; it may be: {candidates}"));
    }
    text
}

/// Text as a part of a URL.
pub(super) fn encoded(text: &str) -> impl core::fmt::Display + '_ {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

fn joined(query: &ListPairs<'_>) -> String {
    let pairs = query
        .iter()
        .filter_map(|(key, value)| Some((key, (*value)?)));
    let pairs = pairs.map(|(key, value)| format!("{key}={}", encoded(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() {
        query
    } else {
        format!("?{query}")
    }
}
