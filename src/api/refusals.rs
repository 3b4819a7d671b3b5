//! Every refusal of a request that senders can see: its status, its code, and what to do about it.

use http::StatusCode;

/// One row of the list of errors: what a sender sees and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// What happened, in a sentence; it is the answer's `detail`.
    pub meaning: &'static str,
    /// What to do, in a sentence; for the documentation.
    pub remedy: &'static str,
}

pub(crate) const fn row(
    status: StatusCode,
    code: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> Code {
    Code {
        status,
        code,
        meaning,
        remedy,
    }
}

pub(crate) const NOT_FOUND: Code = row(
    StatusCode::NOT_FOUND,
    "not-found",
    "There is nothing at this path.",
    "Post to /webhooks/{source}; status and metrics are on the admin listener.",
);

pub(crate) const UNKNOWN_SOURCE: Code = row(
    StatusCode::NOT_FOUND,
    "unknown-source",
    "No source of this name is configured.",
    "Compare the last part of the URL with the [sources.*] tables of scanhook.toml.",
);

pub(crate) const METHOD: Code = row(
    StatusCode::METHOD_NOT_ALLOWED,
    "method-not-allowed",
    "This method is not taken here.",
    "Use a method of the answer's Allow header, or list the sender's under the source's `methods`.",
);

pub(crate) const MEDIA_TYPE: Code = row(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "media-type",
    "The content type is not taken here.",
    "Send application/json in UTF-8, or list the sender's type under the source's `content_types`.",
);

pub(crate) const CONTENT_ENCODING: Code = row(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "content-encoding",
    "The content encoding is not taken here.",
    "Switch compression off at the sender, or allow gzip under the source's `content_encodings`.",
);

pub(crate) const BODY_TOO_LARGE: Code = row(
    StatusCode::PAYLOAD_TOO_LARGE,
    "body-too-large",
    "The body is larger than this source takes.",
    "Send fewer alerts in one request, or raise `max_body`.",
);

pub(crate) const BODY_TIMEOUT: Code = row(
    StatusCode::REQUEST_TIMEOUT,
    "body-timeout",
    "The body did not arrive in time.",
    "Look at the network between sender and receiver; the whole body has one deadline.",
);

pub(crate) const BODY_UNREADABLE: Code = row(
    StatusCode::BAD_REQUEST,
    "body-unreadable",
    "The body broke off or its framing is wrong.",
    "Look for a proxy that rewrites bodies or closes early.",
);

pub(crate) const NOT_GZIP: Code = row(
    StatusCode::BAD_REQUEST,
    "body-not-gzip",
    "The body is not one whole gzip stream.",
    "Look for a proxy that unpacks bodies and leaves the Content-Encoding header, or cuts them.",
);

pub(crate) const NO_PAYLOAD: Code = row(
    StatusCode::BAD_REQUEST,
    "form-without-payload",
    "The form does not have exactly one field `payload`.",
    "Put the JSON into a form field of this name, or send it alone as application/json.",
);

pub(crate) const MISSING_HOST: Code = row(
    StatusCode::BAD_REQUEST,
    "missing-host",
    "The request has no Host header.",
    "Send HTTP/1.1 with one Host header.",
);

pub(crate) const REPEATED_HOST: Code = row(
    StatusCode::BAD_REQUEST,
    "repeated-host",
    "The request has more than one Host header.",
    "Send one Host header; look for a proxy that adds a second.",
);

pub(crate) const CREDENTIAL_REPEATED: Code = row(
    StatusCode::BAD_REQUEST,
    "credential-repeated",
    "A credential header occurs more than once.",
    "Send each credential header once; look for a proxy that adds its own.",
);

pub(crate) const CREDENTIAL_TOO_MANY: Code = row(
    StatusCode::BAD_REQUEST,
    "credential-too-many-signatures",
    "The signature header lists more than 8 signatures.",
    "Finish the sender's key rotation: one signature for each live key is enough.",
);

pub(crate) const CREDENTIAL_ID: Code = row(
    StatusCode::BAD_REQUEST,
    "credential-id",
    "The id in the credential headers is too long or has characters that are not allowed.",
    "Use a short id of letters, digits, '-' and '_'.",
);

pub(crate) const CREDENTIAL_CERTIFICATE: Code = row(
    StatusCode::BAD_REQUEST,
    "credential-certificate",
    "The header Client-Cert of the proxy holds no certificate.",
    "Let the proxy send one line as RFC 9440 writes it: the certificate's DER in base64 between two colons.",
);

pub(crate) const UNAUTHENTICATED: Code = row(
    StatusCode::UNAUTHORIZED,
    "unauthenticated",
    "Authentication failed.",
    "Run `scanhook status --source NAME`: the last refusals stand there with the check that failed.",
);

pub(crate) const SIGNING_KEY: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "signing-key-unknown",
    "The key that signed the token is not known yet.",
    "Let the sender retry; if it lasts, look in the log for why the authority's keys could not be fetched.",
);

pub(crate) const OVERLOADED: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "overloaded",
    "Too much work is waiting; nothing was stored.",
    "Let the sender retry; if it lasts, look at the disk's sync time, and at `[server] body_memory`.",
);

pub(crate) const JOURNAL_UNAVAILABLE: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "journal-unavailable",
    "The alert could not be stored.",
    "Let the sender retry; look for a full disk or another process that locks the journal.",
);

pub(crate) const SHUTTING_DOWN: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "shutting-down",
    "The receiver is stopping; nothing was stored.",
    "Let the sender retry.",
);

pub(crate) const VIEW_TOO_SLOW: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "view-too-slow",
    "The journal took longer than two seconds for this page, so it was not read to its end.",
    "Narrow the filter or the time; if it lasts, look at the disk and at the size of the journal.",
);

pub(crate) const FAILURE_BUDGET: Code = row(
    StatusCode::SERVICE_UNAVAILABLE,
    "failure-budget",
    "Too many failed authentications from this address.",
    "Correct the sender's credential; behind a proxy, list it under `trusted_proxies`.",
);

pub(crate) const INTERNAL: Code = row(
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal",
    "The receiver failed on this request.",
    "It is a fault of scanhook: please report it with the log line of that moment.",
);

/// Every code but those of the strict JSON reader and those that only operators see, which have lists of their own;
/// for docs/errors.md.
pub const ALL: &[Code] = &[
    NOT_FOUND,
    UNKNOWN_SOURCE,
    METHOD,
    MEDIA_TYPE,
    CONTENT_ENCODING,
    BODY_TOO_LARGE,
    BODY_TIMEOUT,
    BODY_UNREADABLE,
    NOT_GZIP,
    NO_PAYLOAD,
    MISSING_HOST,
    REPEATED_HOST,
    CREDENTIAL_REPEATED,
    CREDENTIAL_TOO_MANY,
    CREDENTIAL_CERTIFICATE,
    CREDENTIAL_ID,
    UNAUTHENTICATED,
    SIGNING_KEY,
    OVERLOADED,
    JOURNAL_UNAVAILABLE,
    SHUTTING_DOWN,
    FAILURE_BUDGET,
    INTERNAL,
    VIEW_TOO_SLOW,
];
