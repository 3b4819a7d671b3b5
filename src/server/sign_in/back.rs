//! Where somebody goes once they are signed in: back to the page that they asked for. Only a path of this listener counts;
//! a link to another place would make this page a helper of whoever wrote it.

use axum::response::{IntoResponse, Redirect, Response};

use crate::server::fields::FormValues;
use scanhook_core::percent::encoded;

/// Characters of a path that is gone back to.
const LONGEST: usize = 2_000;

/// A path of this listener, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WayBack(String);

impl WayBack {
    /// The path, if it is one of this listener; else the first page.
    pub(super) fn of(path: Option<&str>) -> WayBack {
        let path = path.filter(|path| is_ours(path)).unwrap_or("/");
        WayBack(path.to_owned())
    }

    /// What a query says as `next`.
    pub(super) fn of_query(query: Option<&str>) -> WayBack {
        let fields = FormValues::of_query(query).unwrap_or_default();
        WayBack::of(fields.get("next"))
    }

    /// The path as it is.
    pub(super) fn path(&self) -> &str {
        &self.0
    }

    /// The path as a value in a query, in which its slashes stay readable.
    pub(super) fn in_query(&self) -> String {
        encoded(&self.0).replace("%2F", "/")
    }

    /// Sends the browser there.
    pub(super) fn taken(&self) -> Response {
        Redirect::to(&self.0).into_response()
    }
}

/// One slash and no more: with two, or a backslash, which browsers read as a slash, another host would follow. Line breaks
/// and blanks, which browsers leave out, are no part of a path either.
fn is_ours(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    let leads_in_circles = path.starts_with("/sign-in") || path.starts_with("/sign-out");
    path.len() <= LONGEST
        && path.starts_with('/')
        && !path.starts_with("//")
        && !leads_in_circles
        && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_listener_is_gone_back_to() {
        for path in ["/", "/held", "/held/1?a=b&c=%2F%2Fx", "/alerts?q=a//b"] {
            assert_eq!(WayBack::of(Some(path)).path(), path);
            let query = format!("next={}", WayBack::of(Some(path)).in_query());
            assert_eq!(WayBack::of_query(Some(&query)).path(), path);
        }
        for hostile in [
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /held",
            "/held\r\nset-cookie: a=b",
            "/sign-in?next=/",
            "/sign-out",
            "",
            "/h\u{e4}ld",
        ] {
            assert_eq!(WayBack::of(Some(hostile)).path(), "/", "{hostile:?}");
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        assert_eq!(WayBack::of(Some(&long)).path(), "/");
        assert_eq!(
            WayBack::of_query(Some("next=%2F%2Fevil.example")).path(),
            "/"
        );
    }
}
