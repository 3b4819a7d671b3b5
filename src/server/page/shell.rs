//! What stands around the content of every page: where one is, who one is, and what has to be known anywhere.

use super::assets::{AssetPaths, PATHS};
use crate::api::{BannerView, MeView};
use crate::server::access::AskedBy;
use scanhook_core::access::{Permission, SignedInBy};
use scanhook_core::percent::query;
use scanhook_core::time::Timestamp;

/// The pages of the navigation, and what lies outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NavPage {
    Now,
    Held,
    Alerts,
    Scans,
    Rules,
    System,
    Elsewhere,
}

/// What whoever looks may do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct May {
    pub(super) read_all: bool,
    pub(super) answer: bool,
    pub(super) pause: bool,
    pub(super) operate: bool,
    pub(super) administer: bool,
}

/// What stands around the content.
#[derive(Clone, Debug)]
pub(super) struct PageShell {
    pub(super) title: String,
    pub(super) here: NavPage,
    pub(super) me: Option<MeView>,
    pub(super) signs_out: bool,
    pub(super) may: May,
    /// The tenants that may be looked at, if there are several.
    pub(super) tenants: Vec<String>,
    /// Whether the page can be narrowed to one of them.
    pub(super) picks_tenant: bool,
    pub(super) tenant: Option<String>,
    pub(super) path: String,
    /// The query without the tenant and the place in a list.
    pub(super) fields: Vec<(String, String)>,
    /// Decisions that wait for a person.
    pub(super) held: u64,
    pub(super) banners: Vec<BannerView>,
    pub(super) seq: u64,
    pub(super) tag: String,
    pub(super) now: Timestamp,
    /// Whether the page may be asked for again, to show what has changed.
    pub(super) live: bool,
    pub(super) assets: &'static AssetPaths,
}

impl May {
    fn of(asked: &AskedBy) -> May {
        let may = |permission| asked.caller.grant.allows(permission);
        May {
            read_all: may(Permission::ReadAll),
            answer: may(Permission::Answer),
            pause: may(Permission::Pause),
            operate: may(Permission::Operate),
            administer: may(Permission::Administer),
        }
    }
}

/// Whoever is known without a session has none to end.
fn has_session(how: &SignedInBy) -> bool {
    matches!(how, SignedInBy::Token(_) | SignedInBy::SignIn)
}

impl PageShell {
    /// Of a page that tells of a problem, or of what came of an order.
    pub(super) fn around(
        asked: Option<&AskedBy>,
        title: String,
        here: NavPage,
        now: Timestamp,
    ) -> PageShell {
        PageShell {
            title,
            here,
            me: asked.map(AskedBy::view),
            signs_out: asked.is_some_and(|asked| has_session(&asked.caller.how)),
            may: asked.map(May::of).unwrap_or_default(),
            tenants: Vec::new(),
            picks_tenant: false,
            tenant: None,
            path: "/".to_owned(),
            fields: Vec::new(),
            held: 0,
            banners: Vec::new(),
            seq: 0,
            tag: String::new(),
            now,
            live: false,
            assets: &PATHS,
        }
    }

    /// The tenant as the query of a link to another page has it.
    pub(super) fn tenant_query(&self) -> String {
        self.tenant.as_ref().map_or_else(String::new, |tenant| {
            format!("?{}", query([("tenant", tenant.as_str())]))
        })
    }

    pub(super) fn is_here(&self, page: NavPage) -> bool {
        self.here == page
    }

    /// The pages that the navigation leads to, with their paths. What rules came to tells of all tenants.
    pub(super) fn pages(&self) -> impl Iterator<Item = (NavPage, &'static str, &'static str)> {
        let rules = self.may.read_all;
        let all = [
            (NavPage::Now, "Now", "/"),
            (NavPage::Held, "Held", "/held"),
            (NavPage::Alerts, "Alerts", "/alerts"),
            (NavPage::Scans, "Scans", "/scans"),
            (NavPage::Rules, "Rules", "/rules"),
            (NavPage::System, "System", "/system"),
        ];
        let pages = all.into_iter();
        pages.filter(move |(page, ..)| rules || *page != NavPage::Rules)
    }
}
