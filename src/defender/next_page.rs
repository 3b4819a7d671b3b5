//! The address of a page of a list, and what of a link to the next one is followed. Links are written by the far side,
//! so this alone decides how much of them is believed.

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::Serialize;

use super::Endpoints;
use scanhook_core::percent::encoded;

/// What may not stand raw in a link that is otherwise taken as the far side wrote it.
const LINK: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`');

/// The options of a query that say where in the list its page begins.
const PLACE: [&str; 2] = ["$skip", "$skiptoken"];

/// Path and query of a page of a list, always on the origin that is configured: the token cannot follow a link elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct NextPage(String);

impl NextPage {
    /// A page by its whole address below the configured origin.
    pub(super) fn at(to: &str, e: &Endpoints) -> NextPage {
        NextPage(to.strip_prefix(e.api_parts().0).unwrap_or(to).to_owned())
    }

    /// Reads an `@odata.nextLink`. One on the same origin (or a path from its root) that leads to the list itself, which
    /// is named by the last part of its path, is taken as it is. Of any other only the place in the list is taken: the
    /// far side prints host names that are not the one that was called.
    #[must_use]
    pub fn of(link: &str, asked: &NextPage, e: &Endpoints, list: &str) -> Option<NextPage> {
        if link.contains(|c: char| c.is_control()) {
            return None;
        }
        NextPage::here(link, e, list).or_else(|| asked.from(link))
    }

    fn here(link: &str, e: &Endpoints, list: &str) -> Option<NextPage> {
        let link = utf8_percent_encode(link, LINK).to_string();
        let link: Uri = link.parse().ok()?;
        let (origin, prefix) = e.api_parts();
        if link.authority().is_some() {
            let origin: Uri = origin.parse().ok()?;
            if !same_origin(&link, &origin) {
                return None;
            }
        }
        let path = link.path().strip_prefix(prefix)?.to_ascii_lowercase();
        let to_the_list = path.starts_with("/api/")
            && path
                .strip_suffix(list)
                .is_some_and(|before| before.ends_with('/'));
        to_the_list
            .then(|| {
                link.path_and_query()
                    .map(|p| NextPage(p.as_str().to_owned()))
            })
            .flatten()
    }

    /// The same list as this page, from the place that a link elsewhere names.
    fn from(&self, link: &str) -> Option<NextPage> {
        let query = link.split('#').next()?.split_once('?')?.1;
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .ok()
                .map(|text| text.into_owned())
        };
        let mut places = Vec::new();
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let Some(option) = PLACE
                .iter()
                .find(|option| decoded(key).is_some_and(|key| key.eq_ignore_ascii_case(option)))
            else {
                continue;
            };
            let value = decoded(value)?;
            if *option == "$skip"
                && (value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()))
            {
                return None;
            }
            places.push(format!("{option}={}", encoded(&value)));
        }
        (!places.is_empty()).then(|| self.placed(&places))
    }

    /// The same list after so many rows.
    #[must_use]
    pub fn after(&self, rows: usize) -> NextPage {
        self.placed(&[format!("$skip={rows}")])
    }

    /// This page's list from another place on.
    fn placed(&self, places: &[String]) -> NextPage {
        let (path, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let is_place = |pair: &str| {
            PLACE
                .iter()
                .any(|option| pair.split('=').next() == Some(*option))
        };
        let kept = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_place(pair));
        let options: Vec<&str> = kept.chain(places.iter().map(String::as_str)).collect();
        NextPage(format!("{path}?{}", options.join("&")))
    }

    /// Path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |u: &Uri| {
        u.port_u16().or(if u.scheme_str() == Some("https") {
            Some(443)
        } else {
            Some(80)
        })
    };
    let user_info = a.authority().is_some_and(|x| x.as_str().contains('@'));
    !user_info
        && a.scheme() == b.scheme()
        && port(a) == port(b)
        && a.host()
            .zip(b.host())
            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}
