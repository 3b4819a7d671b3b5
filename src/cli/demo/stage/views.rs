//! What the admin listener shows, as the demo reads it.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use serde::de::DeserializeOwned;

use super::DemoStage;
use super::exchange::send;
use crate::api::{AlertView, DecisionView, Page, ScanView, StatusView};

impl DemoStage {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = Request::get(format!("http://{}{path}", self.admin())).body(Bytes::new())?;
        let answered = send(self.client.clone(), request).await?;
        if !answered.status.is_success() {
            bail!("the admin listener answers {path} with {}", answered.status);
        }
        serde_json::from_slice(&answered.body)
            .with_context(|| format!("the answer to {path} is not as documented"))
    }

    /// All pages of a list.
    async fn list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}{after}")).await?;
            all.extend(page.items);
            let Some(next) = page.next else {
                return Ok(all);
            };
            after = format!("{}after={next}", if path.contains('?') { '&' } else { '?' });
        }
    }

    /// Every scan, newest first.
    pub(crate) async fn scans(&self) -> anyhow::Result<Vec<ScanView>> {
        self.list("/api/v1/scans").await
    }

    /// One scan with what happened to it.
    pub(crate) async fn scan(&self, id: &str) -> anyhow::Result<ScanView> {
        self.get(&format!("/api/v1/scans/{id}")).await
    }

    /// Every decision, newest first.
    pub(crate) async fn decisions(&self) -> anyhow::Result<Vec<DecisionView>> {
        self.list("/api/v1/decisions").await
    }

    /// Every alert, in the order of arrival.
    pub(crate) async fn all_alerts(&self) -> anyhow::Result<Vec<AlertView>> {
        let mut all: Vec<AlertView> = self.list("/api/v1/alerts").await?;
        all.reverse();
        Ok(all)
    }

    /// What the journal holds under this alert id of this source.
    pub(crate) async fn alerts(&self, source: &str, id: &str) -> anyhow::Result<Vec<AlertView>> {
        self.list(&format!("/api/v1/alerts?source={source}&id={id}"))
            .await
    }

    /// How the responder is, with the last refusals of one source.
    pub(crate) async fn status(&self, source: &str) -> anyhow::Result<StatusView> {
        self.get(&format!("/api/v1/status?source={source}")).await
    }
}
