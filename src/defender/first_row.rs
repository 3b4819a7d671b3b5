//! Calls that show what an app may do and change nothing: the first row of a list, and a greeting without a credential.

use core::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue};
use http::{Request, Response};
use serde_json::Value;

use super::Endpoints;
use super::bearer::Bearer;
use super::header::pause;
use super::refusal::DefenderError;
use super::reply::PAUSE;
use super::request::get;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOf {
    Machines,
    Actions,
}

/// What the answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstRow {
    /// The list may be read; so many rows came.
    Read(usize),
    /// 400 to 499, but for 429.
    Refused(DefenderError),
    /// The quota is spent; no call for so long.
    Throttled(Duration),
    /// A stable code.
    Failed(String),
}

/// Asks for the first row of a list.
#[must_use]
pub fn ask(e: &Endpoints, bearer: &Bearer, list: RowOf) -> Request<Bytes> {
    let list = match list {
        RowOf::Machines => "machines",
        RowOf::Actions => "machineactions",
    };
    get(&format!("{}/api/{list}?$top=1", e.api_base), bearer)
}

/// Asks a base for anything at all, without a credential: whether it answers, and what its clock says.
#[must_use]
pub fn greet(base: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = format!("{base}/").parse().unwrap_or_default();
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("*/*"));
    request
}

/// Reads the answer to [`ask`].
#[must_use]
pub fn read(answer: &Response<Bytes>) -> FirstRow {
    let status = answer.status();
    match status.as_u16() {
        200..=299 => {
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let rows = body.get("value").and_then(Value::as_array);
            rows.map_or_else(
                || FirstRow::Failed("unreadable-answer".to_owned()),
                |rows| FirstRow::Read(rows.len()),
            )
        }
        429 => FirstRow::Throttled(pause(answer.headers(), PAUSE)),
        400..=499 => FirstRow::Refused(DefenderError::read(answer)),
        other => FirstRow::Failed(format!("http-{other}")),
    }
}
