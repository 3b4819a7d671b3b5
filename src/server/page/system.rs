//! What a person who runs it looks at: pauses, tenants, sources, messages, who may come in, the files and the journal.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;

use super::filters;
use super::shell::{NavPage, PageShell};
use super::visit::Visit;
use crate::api::{MessageView, ReceiverView, StatusView};
use crate::server::refusal::HttpError;
use scanhook_core::access::{AccessToken, TenantScope};
use scanhook_core::time::Timestamp;

/// A token as people may know it: never its hash.
struct TokenRow {
    name: String,
    role: &'static str,
    tenants: Option<String>,
    until: Option<String>,
    ended: bool,
    for_others: bool,
    used_at: Option<String>,
}

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage {
    shell: PageShell,
    status: StatusView,
    /// Messages that were given up.
    dead: Vec<MessageView>,
    tokens: Vec<TokenRow>,
    /// What this computer may do without a credential.
    loopback: Option<&'static str>,
    journal: String,
}

pub(super) async fn show(visit: Visit) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let may = |permission| visit.asked.caller.grant.allows(permission);
    let status = admin.status_view(&visit.asked, visit.pairs()).await?;
    let dead = if may(scanhook_core::access::Permission::ReadAll) {
        let state = vec![("state".to_owned(), "dead".to_owned())];
        admin.outbox_view(Ok(Query(state))).await?.items
    } else {
        Vec::new()
    };
    let settings = admin.settings();
    let mut tokens = Vec::new();
    if may(scanhook_core::access::Permission::Administer) {
        let used = admin.read(|reader| reader.tokens_used()).await?;
        for token in &settings.admin.tokens {
            let at = used.get(&token.hash.to_string()).copied();
            tokens.push(TokenRow::of(token, at, visit.now));
        }
    }
    let page = SystemPage {
        shell: visit.shell("System", NavPage::System).await?,
        status,
        dead,
        tokens,
        loopback: settings
            .admin
            .loopback
            .as_ref()
            .map(|grant| grant.role.code()),
        journal: settings.journal.location().to_string(),
    };
    visit.shown(&page.shell, &page)
}

impl TokenRow {
    fn of(token: &AccessToken, used: Option<Timestamp>, now: Timestamp) -> TokenRow {
        TokenRow {
            name: token.name.clone(),
            role: token.grant.role.code(),
            tenants: match &token.grant.tenants {
                TenantScope::All => None,
                some => some
                    .names()
                    .map(|names| names.iter().cloned().collect::<Vec<_>>().join(", ")),
            },
            until: token.until.map(|until| until.to_string()),
            ended: token.until.is_some_and(|until| until <= now),
            for_others: token.for_others,
            used_at: used.map(|at| at.to_string()),
        }
    }
}

impl SystemPage {
    /// Whether several processes can have the journal.
    fn is_shared(status: &StatusView) -> bool {
        let mine = status.replica.as_ref();
        mine.is_some_and(|replica| replica.lease.is_some())
    }

    /// Whether a receiver needs somebody.
    fn fails(receiver: &ReceiverView) -> bool {
        receiver.failures > 0 || receiver.dead > 0
    }
}
