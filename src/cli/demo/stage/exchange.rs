//! One request and its answer, as any other program would send it.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, StatusCode};

use crate::api::Receipt;
use crate::defender::Answer;
use crate::defender::client::Client;

/// What a sender got.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(super) body: Bytes,
}

impl Received {
    /// The receipt in it.
    pub(crate) fn receipt(&self) -> anyhow::Result<Receipt> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("an answer {} holds no receipt", self.status))
    }
}

pub(super) async fn send(client: Client, request: Request<Bytes>) -> anyhow::Result<Received> {
    let uri = request.uri().clone();
    match client.send(request).await {
        Answer::Http(response) => Ok(Received {
            status: response.status(),
            body: response.into_body(),
        }),
        Answer::NotSent(unsent) => bail!("no answer from {uri}: {}", unsent.code),
        Answer::Unknown(code) => bail!("no answer from {uri}: {code}"),
    }
}
