//! Secrets that are simply shown: in `Authorization`, in a header of their own, at the end of the URL. They prove who
//! sends, and nothing about what is sent.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use super::key::{Key, from_base64};
use super::refused::{Failure, MISSING};

/// The position of the key that is `Authorization: Bearer <key>`.
pub(super) fn bearer(headers: &HeaderMap, keys: &[Key]) -> Result<usize, Failure> {
    let token = in_authorization(headers)?;
    let key = keys.iter().position(|key| key.is_token(token));
    key.ok_or(Failure::of("the bearer token is another one"))
}

/// What stands behind `Bearer`.
pub(super) fn in_authorization(headers: &HeaderMap) -> Result<&[u8], Failure> {
    let value = headers.get(AUTHORIZATION).ok_or(MISSING)?.as_bytes();
    behind(b"bearer", value).ok_or(Failure::of(
        "the scheme is not Bearer, or the token is empty",
    ))
}

/// The position of the key that is this header's whole value.
pub(super) fn header(
    headers: &HeaderMap,
    name: &HeaderName,
    keys: &[Key],
) -> Result<usize, Failure> {
    let value = headers.get(name).ok_or(MISSING)?.as_bytes();
    let key = keys.iter().position(|key| key.is_token(value));
    key.ok_or(Failure::of("the header holds another secret, or none"))
}

/// The position of the key that is the password of this user.
pub(super) fn basic(headers: &HeaderMap, username: &str, keys: &[Key]) -> Result<usize, Failure> {
    let value = headers.get(AUTHORIZATION).ok_or(MISSING)?.as_bytes();
    let text = behind(b"basic", value).ok_or(Failure::of(
        "the scheme is not Basic, or nothing is behind it",
    ))?;
    let shown = from_base64(text).ok_or(Failure::of("what stands behind Basic is not base64"))?;
    // Name and password are compared as one, so that nothing tells which of the two is wrong.
    let before = format!("{username}:");
    let key = keys
        .iter()
        .position(|key| key.is_behind(before.as_bytes(), &shown));
    key.ok_or(Failure::of("user name or password is another one"))
}

/// The position of the key that ends the URL.
pub(super) fn in_url(secret: Option<&[u8]>, keys: &[Key]) -> Result<usize, Failure> {
    let secret = secret.ok_or(Failure::of("the URL does not end in a secret"))?;
    let key = keys.iter().position(|key| key.is_token(secret));
    key.ok_or(Failure::of(
        "the secret at the end of the URL is another one",
    ))
}

/// What stands behind the scheme, whose letter case does not count; never empty.
fn behind<'v>(scheme: &[u8], value: &'v [u8]) -> Option<&'v [u8]> {
    let blank = value.iter().position(|b| *b == b' ')?;
    let (found, rest) = value.split_at(blank);
    let rest = rest.trim_ascii();
    (found.eq_ignore_ascii_case(scheme) && !rest.is_empty()).then_some(rest)
}
