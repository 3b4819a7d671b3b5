//! Lists of a running responder: what they are narrowed to, and as what they are written.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::csv;
use super::format::OutputFormat;
use super::output::{self, complain};
use super::responder::{ListPairs, Responder};
use super::trouble::CliError;
use crate::api::Page;

/// Rows of a table, where nothing else is asked for.
const ROWS: usize = 20;
/// Rows that are asked for at once.
const LONGEST_PAGE: usize = 1_000;

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ListFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: a page, as it was received.
    Json,
    /// For programs: each row as a line of JSON.
    Ndjson,
    /// For spreadsheets, in which no cell becomes a formula.
    Csv,
}

/// Where a list comes from, what it is narrowed to, and how it is written.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// The admin listener of the running responder [default: SCANHOOK_ADMIN, else that of scanhook.toml, else
    /// http://127.0.0.1:9090].
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// The authority that signed the certificate of an admin listener with TLS, as PEM [default: SCANHOOK_CA, else those of
    /// this computer].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A file that holds your token [default: SCANHOOK_TOKEN_FILE].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How the list is written; ndjson and csv have all rows unless --limit says how many.
    #[arg(short, long, value_enum, default_value_t)]
    output: ListFormat,
    /// Only those of this device: any name, address or id of it, or a pattern such as dc-*.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Only those of the alert with this id, as its sender calls it.
    #[arg(long, value_name = "ID", alias = "id")]
    alert: Option<String>,
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only those of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Only those of this rule.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only those with this reason; of scans, with this outcome.
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only those of alerts of this severity.
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// Only those since then: 1h, or 2026-11-02T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those until then: 1h ago, or 2026-11-02T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Rows, newest first [default: 20 in a table].
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Continue behind a page: its `next`.
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

/// As what the rows of a list are shown.
pub(super) struct ListView<T> {
    /// For people.
    pub(super) table: fn(&[T]) -> String,
    /// The columns for a spreadsheet.
    pub(super) heads: &'static [&'static str],
    /// A row of them.
    pub(super) record: fn(T) -> Vec<String>,
}

impl ListArgs {
    /// The responder, for what is no list.
    pub(super) fn responder(&self) -> Responder {
        let output = if self.output == ListFormat::Text {
            OutputFormat::Text
        } else {
            OutputFormat::Json
        };
        Responder {
            admin: self.admin.clone(),
            ca: self.ca.clone(),
            token_file: self.token_file.clone(),
            output,
        }
    }

    fn query<'q>(&'q self, state: Option<&'q str>) -> Vec<(&'static str, Option<&'q str>)> {
        vec![
            ("state", state),
            ("device", self.device.as_deref()),
            ("alert", self.alert.as_deref()),
            ("source", self.source.as_deref()),
            ("tenant", self.tenant.as_deref()),
            ("rule", self.rule.as_deref()),
            ("reason", self.reason.as_deref()),
            ("severity", self.severity.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
        ]
    }

    /// Shows a list: a table of as many rows as asked for, one page as received, or row by row.
    pub(super) async fn show<T: DeserializeOwned>(
        &self,
        path: &str,
        state: Option<&str>,
        shown: &ListView<T>,
    ) -> anyhow::Result<ExitCode> {
        let (responder, query) = (self.responder(), self.query(state));
        if self.output == ListFormat::Json {
            let limit = self.limit.map(|limit| limit.to_string());
            let more = [
                ("after", self.after.as_deref()),
                ("limit", limit.as_deref()),
            ];
            let body = responder.get(path, &[&query[..], &more].concat()).await?;
            responder.read::<Page<Value>>(&body)?;
            output::json(&body)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.output == ListFormat::Csv {
            output::line(&csv::line(shown.heads.iter().copied()))?;
        }
        let limit = self.limit.unwrap_or(if self.output == ListFormat::Text {
            ROWS
        } else {
            usize::MAX
        });
        let (count, rows, more) = self.collect(&responder, path, &query, limit, shown).await?;
        if self.output == ListFormat::Text {
            output::tell(&(shown.table)(&rows))?;
        }
        match (count, more) {
            (0, false) => complain("nothing matches"),
            (_, false) => {}
            (shown, true) => complain(&format!("the newest {shown}; --limit shows more")),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Page by page, until there are as many rows as asked for. Returns how many there were, those for a table, and
    /// whether there are more.
    async fn collect<T: DeserializeOwned>(
        &self,
        responder: &Responder,
        path: &str,
        query: &ListPairs<'_>,
        limit: usize,
        shown: &ListView<T>,
    ) -> Result<(usize, Vec<T>, bool), CliError> {
        let (mut rows, mut count, mut after) = (Vec::new(), 0, self.after.clone());
        loop {
            let most = limit
                .saturating_sub(count)
                .clamp(1, LONGEST_PAGE)
                .to_string();
            let more = [("after", after.as_deref()), ("limit", Some(most.as_str()))];
            let page = responder.get(path, &[query, &more].concat()).await?;
            let page: Page<Value> = responder.read(&page)?;
            for item in page.items.into_iter().take(limit - count) {
                count += 1;
                if self.output == ListFormat::Ndjson {
                    output::json(&item.to_string())?;
                    continue;
                }
                let row = responder.of(item)?;
                if self.output == ListFormat::Csv {
                    let record = (shown.record)(row);
                    output::line(&csv::line(record.iter().map(String::as_str)))?;
                } else {
                    rows.push(row);
                }
            }
            after = page.next;
            if after.is_none() || count >= limit {
                return Ok((count, rows, after.is_some()));
            }
        }
    }
}
