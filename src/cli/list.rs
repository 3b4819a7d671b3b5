//! Lists of a running responder: what they are narrowed to, and as what they are written.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::format::OutputFormat;
use super::output::{self, complain};
use super::responder::{ListPairs, Responder};
use super::rows::RowLines;
use super::trouble::CliError;
use crate::api::Page;
use crate::api::csv::CsvRow;

/// Rows of a table, where nothing else is asked for.
const ROWS: usize = 20;
/// Rows that are asked for at once.
pub(super) const LONGEST_PAGE: usize = 100;

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

/// Where a list comes from, and what it is narrowed to.
#[derive(clap::Args)]
pub(super) struct ListFilter {
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
}

impl ListFilter {
    /// The responder that is asked.
    pub(super) fn responder(&self, output: OutputFormat) -> Responder {
        Responder {
            admin: self.admin.clone(),
            ca: self.ca.clone(),
            token_file: self.token_file.clone(),
            output,
        }
    }

    /// The query that this comes to.
    pub(super) fn query<'q>(
        &'q self,
        state: Option<&'q str>,
    ) -> Vec<(&'static str, Option<&'q str>)> {
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
}

/// A list, and how it is written.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: ListFilter,
    /// How the list is written; ndjson and csv have all rows unless --limit says how many.
    #[arg(short, long, value_enum, default_value_t)]
    output: ListFormat,
    /// Rows, newest first [default: 20 in a table].
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Continue behind a page: its `next`.
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

/// How a table of these is written for people.
pub(super) type ListTable<T> = fn(&[T]) -> String;

impl ListArgs {
    /// The responder, for what is no list.
    pub(super) fn responder(&self) -> Responder {
        self.filter.responder(match self.output {
            ListFormat::Text => OutputFormat::Text,
            _ => OutputFormat::Json,
        })
    }

    /// Shows a list: a table of as many rows as asked for, one page as received, or row by row.
    pub(super) async fn show<T: DeserializeOwned + CsvRow>(
        &self,
        path: &str,
        state: Option<&str>,
        table: ListTable<T>,
    ) -> anyhow::Result<ExitCode> {
        let (responder, mut query) = (self.responder(), self.filter.query(state));
        let (shown, more) = match self.output {
            ListFormat::Text => self.tabulate(&responder, path, &query, table).await?,
            ListFormat::Json => {
                let limit = self.limit.map(|limit| limit.to_string());
                query.push(("after", self.after.as_deref()));
                query.push(("limit", limit.as_deref()));
                let body = responder.get(path, &query).await?;
                responder.read::<Page<Value>>(&body)?;
                output::json(&body)?;
                return Ok(ExitCode::SUCCESS);
            }
            ListFormat::Csv | ListFormat::Ndjson => {
                query.push(("after", self.after.as_deref()));
                let limit = self.limit.unwrap_or(usize::MAX);
                let rows = RowLines {
                    responder: &responder,
                    path,
                    query: &query,
                    is_csv: self.output == ListFormat::Csv,
                };
                rows.write::<T>(limit).await?
            }
        };
        match (shown, more) {
            (0, false) => complain("nothing matches"),
            (_, false) => {}
            (shown, true) => complain(&format!("the newest {shown}; --limit shows more")),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// A table, page by page, until it has as many rows as asked for. Returns how many it has, and whether there are more.
    async fn tabulate<T: DeserializeOwned>(
        &self,
        responder: &Responder,
        path: &str,
        query: &ListPairs<'_>,
        table: ListTable<T>,
    ) -> Result<(usize, bool), CliError> {
        let limit = self.limit.unwrap_or(ROWS);
        let (mut rows, mut after) = (Vec::<T>::new(), self.after.clone());
        loop {
            let most = limit.saturating_sub(rows.len()).clamp(1, LONGEST_PAGE);
            let most = most.to_string();
            let more = [("after", after.as_deref()), ("limit", Some(most.as_str()))];
            let page = responder.get(path, &[query, &more].concat()).await?;
            let page: Page<T> = responder.read(&page)?;
            let left = limit.saturating_sub(rows.len());
            rows.extend(page.items.into_iter().take(left));
            after = page.next;
            if after.is_none() || rows.len() >= limit {
                output::tell(&table(&rows))?;
                return Ok((rows.len(), after.is_some()));
            }
        }
    }
}
