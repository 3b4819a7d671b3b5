//! What the policy in force adds to the views of the journal: until when a scan cools, what each rule is and how much of
//! its limit is used, and which policy is the one.

use std::collections::BTreeMap;

use super::refusal::HttpError;
use super::state::Admin;
use crate::api::{CoolingView, PolicyView, RuleLimitView, RuleRow, RulesView, ScanView};
use crate::clock;
use crate::in_force::ActiveConfig;
use crate::journal::{Tallies, TenantId};
use scanhook_core::rules::duration;
use scanhook_core::scan::{Kind, Mode, Outcome, Priority};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Limit};

impl Admin {
    /// Completes a scan's view by what the journal does not know.
    pub(super) fn complete(&self, scan: &mut ScanView) {
        self.orphaned(&scan.tenant, &mut scan.waits);
        let until = self.cools_until(scan, clock::now());
        scan.cools_until = until.map(|until| until.to_string());
    }

    /// Until when new alerts of its rule are answered by a scan, if they still are.
    fn cools_until(&self, scan: &ScanView, now: Timestamp) -> Option<Timestamp> {
        let outcome = Outcome::of_code(scan.outcome.as_deref()?)?;
        let cools = outcome == Outcome::Succeeded || (scan.dry_run && outcome == Outcome::DryRun);
        let ended = scan.ended_at.as_deref().and_then(Timestamp::parse)?;
        let in_force = self.intake.in_force();
        let tenant = in_force
            .tenants
            .iter()
            .find(|one| one.name == scan.tenant)?;
        let kind = Kind::of_code(&scan.kind)?;
        let asked = AskedFor {
            rule: scan.rule.as_deref(),
            protections: &[],
            kind,
            priority: Priority::new(scan.priority)?,
            now,
        };
        let wanted = in_force.policy.wanted(tenant.terms, asked);
        Some(ended.plus(wanted.cooldown.of(kind))).filter(|until| cools && *until > now)
    }

    /// A scan by which new alerts are answered, as its machine shows it.
    pub(super) fn cooling(scan: &ScanView) -> Option<CoolingView> {
        let (until, ended_at) = (scan.cools_until.clone()?, scan.ended_at.clone()?);
        let why = format!(
            "a {} scan succeeded at {ended_at}: new alerts are answered by it until {until}",
            scan.kind
        );
        Some(CoolingView {
            scan: scan.id.clone(),
            kind: scan.kind.clone(),
            ended_at,
            until,
            why,
        })
    }

    /// Whether it is the policy in force.
    pub(super) fn mark(&self, policy: &mut PolicyView) {
        policy.in_force = policy.hash == self.intake.in_force().policy.fingerprint();
    }

    /// What each rule and protection came to since then, by one policy or by all.
    pub(super) async fn rule_rows(
        &self,
        since: Timestamp,
        policy: Option<String>,
    ) -> Result<RulesView, HttpError> {
        let now = clock::now();
        let in_force = self.intake.in_force();
        let limits = limits(&in_force, now);
        let tenants: Vec<(TenantId, String)> = in_force
            .tenants
            .iter()
            .map(|tenant| (tenant.id, tenant.name.clone()))
            .collect();
        let (tallies, used, unmatched) = self
            .read(move |reader| {
                let mut used: BTreeMap<String, RuleLimitView> = BTreeMap::new();
                for (rule, limit) in limits {
                    let mut most = RuleLimitView {
                        scans: limit.scans,
                        per: duration::show(limit.per),
                        ..RuleLimitView::default()
                    };
                    for (tenant, name) in &tenants {
                        let count = reader.limit_used(*tenant, &rule, limit, now)?;
                        if count > most.used {
                            (most.used, most.tenant) = (count, Some(name.clone()));
                        }
                    }
                    used.insert(rule, most);
                }
                let tallies = reader.tallies(since, policy.as_deref(), None)?;
                Ok((tallies, used, reader.unmatched(since, None)?))
            })
            .await?;
        let mut view = rows_of(&in_force, tallies, used, now);
        view.unmatched.titles = unmatched.titles;
        view.since = day_of(since).to_string();
        view.policy_since = Some(self.reloads.last().policy_since).filter(|at| !at.is_empty());
        Ok(view)
    }
}

/// The beginning of a day, from which tallies are told.
fn day_of(at: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400_000;
    Timestamp::from_millis(at.millis() / DAY * DAY)
}

/// The limits of rules, by their names.
fn limits(in_force: &ActiveConfig, now: Timestamp) -> Vec<(String, Limit)> {
    let policy = &in_force.policy;
    let outline = policy.rules().outline(policy.text(), now);
    let limits = outline.rules.into_iter().filter_map(|rule| {
        let limit = rule.limit?;
        let per = duration::parse(&limit.per)?;
        let scans = limit.scans;
        Some((rule.name, Limit { scans, per }))
    });
    limits.collect()
}

/// Rows in the order of the file, then those of rules that it has no more.
fn rows_of(
    in_force: &ActiveConfig,
    mut tallies: Tallies,
    mut used: BTreeMap<String, RuleLimitView>,
    now: Timestamp,
) -> RulesView {
    let policy = &in_force.policy;
    let outline = policy.rules().outline(policy.text(), now);
    let row = |known: &mut BTreeMap<String, RuleRow>, name: &str| {
        let found = known.remove(name).unwrap_or_default();
        RuleRow {
            name: name.to_owned(),
            in_force: true,
            ..found
        }
    };
    let mut view = RulesView {
        policy: policy.fingerprint().to_owned(),
        ..RulesView::default()
    };
    view.unmatched.decisions = tallies.rules.remove("").map_or(0, |row| row.hits);
    for rule in outline.rules {
        view.rules.push(RuleRow {
            mode: Some(Mode::code(rule.mode).to_owned()),
            scan: Some(rule.scan.to_owned()),
            limit: used.remove(&rule.name),
            ..row(&mut tallies.rules, &rule.name)
        });
    }
    for protection in outline.protections {
        view.protections.push(RuleRow {
            mode: protection.at_most.map(|at_most| at_most.code().to_owned()),
            ..row(&mut tallies.protections, &protection.name)
        });
    }
    view.rules.extend(tallies.rules.into_values());
    view.protections.extend(tallies.protections.into_values());
    view
}
