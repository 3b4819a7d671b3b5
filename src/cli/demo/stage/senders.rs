//! What senders do: samples, signed as their sources require or with a guessed secret, one by one or all at once.

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, header};
use tokio::task::JoinSet;

use super::DemoStage;
use super::exchange::Received;
use super::exchange::send;
use crate::cli::demo::samples::Sample;
use crate::clock;
use scanhook_core::signature::{Check, Key, Moment, ProvenRequest};

impl DemoStage {
    /// Signs a sample as its source requires, and posts it.
    pub(crate) async fn post(&self, sample: &Sample) -> anyhow::Result<Received> {
        send(
            self.client.clone(),
            self.delivery(sample, self.check(sample)?)?,
        )
        .await
    }

    /// Signs a sample with a secret that is not the source's, and posts it.
    pub(crate) async fn post_forged(&self, sample: &Sample) -> anyhow::Result<Received> {
        let key = Key::new("guessed", b"a secret that somebody has guessed")?;
        let check = self.check(sample)?.with_key(key);
        send(self.client.clone(), self.delivery(sample, &check)?).await
    }

    /// Posts all at once, each over a connection of its own.
    pub(crate) async fn burst(&self, samples: &[Sample]) -> anyhow::Result<Vec<Received>> {
        let mut posts = JoinSet::new();
        for sample in samples {
            posts.spawn(send(
                self.client.clone(),
                self.delivery(sample, self.check(sample)?)?,
            ));
        }
        posts.join_all().await.into_iter().collect()
    }

    /// How a sample's source wants its requests proved.
    fn check(&self, sample: &Sample) -> anyhow::Result<&Check> {
        let source = self
            .settings
            .sources
            .iter()
            .find(|source| source.name == sample.source);
        let check = source
            .and_then(|source| source.auth.alternatives.first())
            .and_then(|all| all.first());
        check.context("the demo cannot sign")
    }

    fn delivery(&self, sample: &Sample, check: &Check) -> anyhow::Result<Request<Bytes>> {
        let outgoing = ProvenRequest::prove(
            [check],
            sample.body.clone().into(),
            Moment::at(clock::now()),
        )?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!(
                "http://{}/webhooks/{}",
                self.public(),
                sample.source
            ))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        Ok(request.body(outgoing.body)?)
    }
}
