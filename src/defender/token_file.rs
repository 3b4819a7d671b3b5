//! What a file adds to a request for a token, at the moment it leaves: the assertion of another issuer, or the key that
//! proves to the agent of Azure Arc that this process may read what only administrators may. Whoever sends the request
//! reads the file; what its content means is said here.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};

use super::next_page::encoded;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The last field of the form.
    Assertion,
    /// The header `Authorization: Basic`.
    Basic,
}

/// Why a file completes no request; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    Missing,
    Unreadable,
    Empty,
    TooLong,
    NotText,
}

impl FileTrouble {
    /// All of them.
    pub const ALL: &'static [FileTrouble] = &[
        FileTrouble::Missing,
        FileTrouble::Unreadable,
        FileTrouble::Empty,
        FileTrouble::TooLong,
        FileTrouble::NotText,
    ];

    /// The stable code, which stands in the place of an answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            FileTrouble::Missing => "token-file-missing",
            FileTrouble::Unreadable => "token-file-unreadable",
            FileTrouble::Empty => "token-file-empty",
            FileTrouble::TooLong => "token-file-too-long",
            FileTrouble::NotText => "token-file-not-text",
        }
    }

    /// The trouble of a code, if it is one of these.
    #[must_use]
    pub fn of_code(code: &str) -> Option<FileTrouble> {
        Self::ALL
            .iter()
            .copied()
            .find(|trouble| trouble.code() == code)
    }

    /// What is wrong with the file, to follow its name.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            FileTrouble::Missing => "is not there",
            FileTrouble::Unreadable => {
                "cannot be read: give the account that scanhook runs as the right to read it"
            }
            FileTrouble::Empty => "is empty",
            FileTrouble::TooLong => "is too long to be what it should be",
            FileTrouble::NotText => "holds something else than a token or key",
        }
    }
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

    /// The request with what was read of the file, which may be one byte more than it may have.
    ///
    /// # Errors
    /// Why the content cannot be used.
    pub fn complete(
        &self,
        request: Request<Bytes>,
        content: io::Result<Vec<u8>>,
    ) -> Result<Request<Bytes>, FileTrouble> {
        let content = content.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FileTrouble::Missing,
            _ => FileTrouble::Unreadable,
        })?;
        if content.len() as u64 > self.most {
            return Err(FileTrouble::TooLong);
        }
        match self.place {
            Place::Assertion => {
                let text = core::str::from_utf8(&content).map_err(|_| FileTrouble::NotText)?;
                with_assertion(request, text.trim())
            }
            Place::Basic => with_key(request, &content),
        }
    }
}

/// The issuer's own bytes, but for the line break that some write at the end.
fn with_assertion(request: Request<Bytes>, token: &str) -> Result<Request<Bytes>, FileTrouble> {
    if token.is_empty() {
        return Err(FileTrouble::Empty);
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FileTrouble::NotText);
    }
    let (head, body) = request.into_parts();
    let mut form = body.to_vec();
    form.extend_from_slice(b"&client_assertion=");
    form.extend_from_slice(encoded(token).as_bytes());
    Ok(Request::from_parts(head, Bytes::from(form)))
}

/// The key as the agent wrote it, but for a line break at the end.
fn with_key(mut request: Request<Bytes>, content: &[u8]) -> Result<Request<Bytes>, FileTrouble> {
    let key = core::str::from_utf8(content)
        .map_err(|_| FileTrouble::NotText)?
        .trim();
    if key.is_empty() {
        return Err(FileTrouble::Empty);
    }
    let mut header =
        HeaderValue::from_str(&format!("Basic {key}")).map_err(|_| FileTrouble::NotText)?;
    header.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, header);
    Ok(request)
}
