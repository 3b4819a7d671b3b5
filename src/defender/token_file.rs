//! What a file adds to a request for a token, at the moment it leaves: the assertion of another issuer, or the key that
//! proves to the agent of Azure Arc that this process may read what only administrators may. Whoever sends the request
//! reads the file; what its content means is said here.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};

use super::delegated::{Renewal, TokenHash, UserSignIn};
use scanhook_core::percent::encoded;

pub use super::file_trouble::FileTrouble;

/// The largest file of a federated token.
const LARGEST_TOKEN: u64 = 64 << 10;
/// The largest key file of Azure Arc, as documented.
const LARGEST_KEY: u64 = 4 << 10;

/// A file whose content completes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInsert {
    pub path: PathBuf,
    /// Bytes it may have.
    pub most: u64,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The last field of the form.
    Assertion,
    /// The header `Authorization: Basic`.
    Basic,
    /// The last field of the form, where the token is a person's.
    Refresh(RefreshFile),
}

/// What is to be known of a person's refresh token beside its file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RefreshFile {
    user: UserSignIn,
    /// Not sent if it is this one, which was refused a moment ago.
    unless: Option<TokenHash>,
    /// The token whose place the successor takes, where it is another one than that which is sent.
    over: Option<TokenHash>,
}

/// A request that is ready to leave.
pub struct CompletedCall {
    pub request: Request<Bytes>,
    /// The renewal that it is, if it is one.
    pub renewal: Option<Renewal>,
}

impl FileInsert {
    pub(super) fn assertion(path: PathBuf) -> FileInsert {
        FileInsert {
            path,
            most: LARGEST_TOKEN,
            place: Place::Assertion,
        }
    }

    pub(super) fn basic(path: PathBuf) -> FileInsert {
        FileInsert {
            path,
            most: LARGEST_KEY,
            place: Place::Basic,
        }
    }

    /// A person's refresh token. `refused`: one that is not to be sent again yet.
    pub(super) fn refresh(user: UserSignIn, refused: Option<TokenHash>) -> FileInsert {
        let (path, place) = (
            user.token_file.clone(),
            RefreshFile {
                user,
                unless: refused,
                over: None,
            },
        );
        FileInsert {
            path,
            most: LARGEST_TOKEN,
            place: Place::Refresh(place),
        }
    }

    /// The refresh token before, whose successor takes the place of the `refused` one.
    pub(super) fn previous(user: UserSignIn, refused: Option<TokenHash>) -> FileInsert {
        let (path, place) = (
            user.previous(),
            RefreshFile {
                user,
                unless: None,
                over: refused,
            },
        );
        FileInsert {
            path,
            most: LARGEST_TOKEN,
            place: Place::Refresh(place),
        }
    }

    /// Whether nobody but its owner may read the file.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.place, Place::Refresh(_))
    }

    /// The request with what was read of the file, which may be one byte more than it may have.
    ///
    /// # Errors
    /// Why the content cannot be used.
    pub fn complete(
        &self,
        request: Request<Bytes>,
        content: io::Result<Vec<u8>>,
    ) -> Result<CompletedCall, FileTrouble> {
        let content = content.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FileTrouble::Missing,
            _ => FileTrouble::Unreadable,
        })?;
        if content.len() as u64 > self.most {
            return Err(FileTrouble::TooLong);
        }
        let text = core::str::from_utf8(&content).map_err(|_| FileTrouble::NotText)?;
        let text = text.trim();
        if text.is_empty() {
            return Err(FileTrouble::Empty);
        }
        let alone = |request| CompletedCall {
            request,
            renewal: None,
        };
        match &self.place {
            Place::Assertion => with_field(request, "client_assertion", text).map(alone),
            Place::Basic => with_key(request, text).map(alone),
            Place::Refresh(refresh) if refresh.unless == Some(TokenHash::of(text)) => {
                Err(FileTrouble::Unchanged)
            }
            Place::Refresh(refresh) => Ok(CompletedCall {
                request: with_field(request, "refresh_token", text)?,
                renewal: Some(Renewal::new(refresh.user.clone(), text, refresh.over)),
            }),
        }
    }
}

/// The issuer's own bytes as the last field of the form.
fn with_field(
    request: Request<Bytes>,
    name: &str,
    token: &str,
) -> Result<Request<Bytes>, FileTrouble> {
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FileTrouble::NotText);
    }
    let (head, body) = request.into_parts();
    let mut form = body.to_vec();
    form.extend_from_slice(format!("&{name}={}", encoded(token)).as_bytes());
    Ok(Request::from_parts(head, Bytes::from(form)))
}

/// The key as the agent wrote it, but for a line break at the end.
fn with_key(mut request: Request<Bytes>, key: &str) -> Result<Request<Bytes>, FileTrouble> {
    let mut header =
        HeaderValue::from_str(&format!("Basic {key}")).map_err(|_| FileTrouble::NotText)?;
    header.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, header);
    Ok(request)
}
