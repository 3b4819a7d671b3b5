//! What the rules came to: hits, scans, holds, limits, and what no rule matched. Rules are files; nothing is edited here.

use axum::extract::{Path, Query};
use axum::response::Response;
use std::collections::BTreeMap;

use askama::Template;

use super::filters;
use super::outcomes;
use super::shell::{NavPage, PageShell};
use super::svg::Svg;
use super::visit::Visit;
use crate::api::{DecisionView, PolicyView, ReloadView, RuleRow, RulesView};
use crate::journal::Filter;
use crate::server::refusal::HttpError;
use crate::server::views::unknown_id;

/// Policies of the past that are listed.
const POLICIES: usize = 20;
/// Decisions of one rule that are shown.
const DECISIONS: u16 = 50;

/// A rule or a protection as the table shows it.
struct RuleLine {
    row: RuleRow,
    /// Hits since the beginning of the day before.
    lately: u64,
    bar: Option<Svg>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: PageShell,
    view: RulesView,
    rules: Vec<RuleLine>,
    protections: Vec<RuleLine>,
    policies: Vec<PolicyView>,
    reload: ReloadView,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage {
    shell: PageShell,
    since: String,
    line: RuleLine,
    is_protection: bool,
    decisions: Vec<DecisionView>,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    shell: PageShell,
    policy: PolicyView,
}

pub(super) async fn list(visit: Visit) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let view = admin.rules_view(visit.pairs()).await?;
    let lately = lately(&visit).await?;
    let (rules, protections) = (
        lines(&view.rules, &lately.rules),
        lines(&view.protections, &lately.protections),
    );
    let mut policies = admin.policies_view(Ok(Query(Vec::new()))).await?;
    policies.truncate(POLICIES);
    let page = RulesPage {
        shell: visit.shell("Rules", NavPage::Rules).await?,
        view,
        rules,
        protections,
        policies,
        reload: admin.reloads.last(),
    };
    visit.shown(&page.shell, &page)
}

pub(super) async fn show(Path(name): Path<String>, visit: Visit) -> Result<Response, HttpError> {
    let admin = &visit.admin;
    let view = admin.rules_view(visit.pairs()).await?;
    let of = |rows: &[RuleRow]| rows.iter().find(|row| row.name == name).cloned();
    let (row, is_protection) = match of(&view.rules) {
        Some(row) => (row, false),
        None => (of(&view.protections).ok_or_else(unknown_id)?, true),
    };
    let lately = lately(&visit).await?;
    let lately = match is_protection {
        true => lately.protections,
        false => lately.rules,
    };
    let line = lines(&[row], &lately).pop();
    let decisions = if is_protection {
        Vec::new()
    } else {
        let filter = Filter {
            rule: Some(name.clone()),
            limit: Some(DECISIONS),
            ..Filter::default()
        };
        admin.decisions_of(&visit.asked, filter).await?.items
    };
    let page = RulePage {
        shell: visit.shell(format!("Rule {name}"), NavPage::Rules).await?,
        since: view.since,
        line: line.ok_or_else(unknown_id)?,
        is_protection,
        decisions,
    };
    visit.shown(&page.shell, &page)
}

pub(super) async fn policy(Path(hash): Path<String>, visit: Visit) -> Result<Response, HttpError> {
    let policy = visit.admin.policy_view(hash, visit.pairs()).await?;
    let page = PolicyPage {
        shell: visit.shell("Policy", NavPage::Rules).await?,
        policy,
    };
    visit.shown(&page.shell, &page)
}

/// What the rules came to since the beginning of the day before.
async fn lately(visit: &Visit) -> Result<RulesView, HttpError> {
    let day = vec![("window".to_owned(), "24h".to_owned())];
    visit.admin.rules_view(Ok(Query(day))).await
}

/// These rows, with the hits of those of lately.
fn lines(rows: &[RuleRow], lately: &[RuleRow]) -> Vec<RuleLine> {
    let hits: BTreeMap<&str, u64> = lately
        .iter()
        .map(|row| (row.name.as_str(), row.hits))
        .collect();
    let line = |row: &RuleRow| RuleLine {
        lately: hits.get(row.name.as_str()).copied().unwrap_or_default(),
        bar: outcomes::bar(&row.outcomes),
        row: row.clone(),
    };
    rows.iter().map(line).collect()
}
