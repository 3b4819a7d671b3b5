//! Tokens of managed identities: what each platform of Azure is asked, and what its answers mean (defender-api, managed
//! identity). Requests go to this computer or to a link-local address, never through a proxy.

use core::time::Duration;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::credential::{AzurePlatform, IdentityName, ManagedIdentity};
use super::direct::Direct;
use super::header;
use super::token::{self, TokenRefusal, TokenReply, Whose};
use scanhook_core::percent::encoded;
use scanhook_core::time::Timestamp;

/// Waits before the tries after the first, in seconds.
const WAITS: [u64; 5] = [0, 2, 6, 14, 30];
/// How long a platform that is being updated may answer 410.
const UPDATING: Duration = Duration::from_secs(70);
/// The path below the host of the metadata service.
const METADATA: &str = "/metadata/identity/oauth2/token";

/// What a platform's answer means.
pub(super) enum IdentityReply {
    Done(TokenReply),
    /// The same request once more after this time.
    Again(Duration),
    /// The request once more, with the key in this file.
    KeyFile(PathBuf),
}

/// Asks the platform for a token for this resource.
pub(super) fn request(identity: &ManagedIdentity, resource: &str) -> Request<Bytes> {
    let (address, version) = match &identity.platform {
        AzurePlatform::Vm { host } => (format!("{host}{METADATA}"), "2018-02-01"),
        AzurePlatform::AppService { endpoint, .. } => (endpoint.clone(), "2019-08-01"),
        AzurePlatform::Arc { endpoint, .. } => (endpoint.clone(), "2020-06-01"),
    };
    let which = match (&identity.which, &identity.platform) {
        (IdentityName::System, _) => None,
        (IdentityName::ClientId(id), _) => Some(("client_id", id)),
        (IdentityName::ObjectId(id), _) => Some(("object_id", id)),
        // The same thing under two names.
        (IdentityName::ResourceId(id), AzurePlatform::Vm { .. }) => Some(("msi_res_id", id)),
        (IdentityName::ResourceId(id), _) => Some(("mi_res_id", id)),
    };
    let mut url = format!(
        "{address}?api-version={version}&resource={}",
        encoded(resource)
    );
    if let Some((key, id)) = which {
        url.push_str(&format!("&{key}={}", encoded(id)));
    }
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.parse().unwrap_or_default();
    request.extensions_mut().insert(Direct);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        HeaderName::from_static("metadata"),
        HeaderValue::from_static("true"),
    );
    if let AzurePlatform::AppService { header, .. } = &identity.platform {
        headers.insert(
            HeaderName::from_static("x-identity-header"),
            sensitive(header),
        );
    }
    request
}

/// One that is no header value is refused by the platform.
fn sensitive(secret: &SecretString) -> HeaderValue {
    let mut value = HeaderValue::from_str(secret.expose_secret())
        .unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Reads a platform's answer, after so many tries in this time before it.
pub(super) fn read(
    platform: &AzurePlatform,
    answer: &Response<Bytes>,
    (tries, span): (u32, Duration),
    now: Timestamp,
) -> IdentityReply {
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return IdentityReply::Done(token::read(answer, now));
    }
    if matches!(status, 404 | 410 | 429 | 500..=599) {
        let waits = WAITS.get(tries as usize).copied().map(Duration::from_secs);
        let updating = (status == 410 && span < UPDATING).then(|| UPDATING.saturating_sub(span));
        let least = header::pause(answer.headers(), Duration::ZERO);
        return waits.or(updating).map_or_else(
            || IdentityReply::Done(TokenReply::Later(least, format!("identity-http-{status}"))),
            |wait| IdentityReply::Again(wait.max(least)),
        );
    }
    if let (401, AzurePlatform::Arc { keys, .. }) = (status, platform) {
        return challenge(answer).map_or_else(
            || IdentityReply::Done(TokenReply::Refused(key_refused())),
            |path| match is_key(&path, keys) {
                true => IdentityReply::KeyFile(path),
                false => IdentityReply::Done(TokenReply::Refused(elsewhere())),
            },
        );
    }
    IdentityReply::Done(TokenReply::Refused(refused(status, answer.body())))
}

/// The file that the agent names: `Basic realm=/var/opt/azcmagent/tokens/….key`.
fn challenge(answer: &Response<Bytes>) -> Option<PathBuf> {
    let text = answer.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let realm = text.trim().strip_prefix("Basic realm=")?.trim_matches('"');
    (!realm.is_empty()).then(|| PathBuf::from(realm))
}

/// Whatever answers there may name any file: only keys in the agent's own folder are read.
fn is_key(path: &Path, keys: &Path) -> bool {
    path.parent() == Some(keys)
        && path.extension().is_some_and(|extension| extension == "key")
        && path.is_absolute()
}

/// The agent takes no key, or asks for none.
pub(super) fn key_refused() -> TokenRefusal {
    refusal(
        "arc-key-refused",
        "the agent of Azure Arc does not take the key of its own key file; check the agent with `azcmagent show`",
    )
}

fn elsewhere() -> TokenRefusal {
    refusal(
        "arc-key-file",
        "what answers as the agent of Azure Arc names a key file outside the agent's folder, which is not read; check what \
         listens there",
    )
}

fn refused(status: u16, body: &Bytes) -> TokenRefusal {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = body.get("error").and_then(Value::as_str);
    let mut refusal = refusal(
        "",
        "the platform gives no token for this managed identity; check that the identity is assigned to this computer and \
         named as managed_identity says",
    );
    refusal.code = format!("identity-http-{status}");
    refusal.more = word.map(|word| format!("it says: {}", header::shown(word, 64)));
    refusal
}

fn refusal(code: &str, meaning: &'static str) -> TokenRefusal {
    TokenRefusal {
        code: code.to_owned(),
        whose: Whose::Operator,
        meaning,
        trace: None,
        more: None,
    }
}
