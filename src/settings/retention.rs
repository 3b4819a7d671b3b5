//! Whether the journal remembers for as long as others ask it: what is forgotten earlier is scanned again.

use core::time::Duration;

use super::fault::SettingsFault;
use super::journal::JournalSettings;
use super::source::Source;
use super::tenant::Tenant;
use scanhook_core::rules::{Rules, duration};

/// Defender counts calls by the hour; the ledger is asked for that one and the one before.
const LEDGER: Duration = Duration::from_secs(2 * 3_600);

/// Something that asks the journal, and how long it must remember for that.
type Need = (String, Duration);

/// What the configuration alone needs.
pub(super) fn compare(
    journal: &JournalSettings,
    tenants: &[Tenant],
    sources: &[Source],
) -> Option<SettingsFault> {
    let limits = tenants.iter().map(|tenant| {
        (
            format!("`limit.per` of tenant `{}`", tenant.name),
            tenant.limit.per,
        )
    });
    let remember = sources.iter().map(|source| {
        (
            format!("`remember` of source `{}`", source.name),
            source.remember,
        )
    });
    let ledger = (
        "the count of calls that Defender's quota asks for".to_owned(),
        LEDGER,
    );
    lacking(
        journal,
        core::iter::once(ledger).chain(limits).chain(remember),
    )
}

impl JournalSettings {
    /// What the rules look back upon for longer than the journal keeps its records.
    #[must_use]
    pub fn too_forgetful(&self, rules: &Rules) -> Vec<SettingsFault> {
        let needs = rules
            .looks_back()
            .into_iter()
            .map(|(what, span)| (format!("{what} in the rules"), span));
        lacking(self, needs).into_iter().collect()
    }
}

fn lacking(journal: &JournalSettings, needs: impl Iterator<Item = Need>) -> Option<SettingsFault> {
    let mut needs: Vec<Need> = needs.filter(|(_, span)| *span > journal.records).collect();
    needs.sort_by_key(|(_, span)| core::cmp::Reverse(*span));
    let longest = needs.first()?.1;
    let named = needs
        .iter()
        .take(5)
        .map(|(what, span)| format!("{what} needs {}", duration::show(*span)));
    let message = format!(
        "is {}, but {}: what is forgotten too early is scanned again; set at least \"{}\"",
        duration::show(journal.records),
        named.collect::<Vec<_>>().join(", "),
        duration::show(longest)
    );
    let key = "journal.retention.records".to_owned();
    Some(SettingsFault {
        code: "bad-value",
        key,
        file: None,
        line: None,
        column: None,
        message,
    })
}
