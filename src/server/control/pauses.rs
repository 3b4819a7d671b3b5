//! To keep scans from being sent, and to let them go on.

use super::orderer::{Act, DONE};
use crate::api::{PauseView, PausesView};
use crate::clock;
use crate::server::access::AskedBy;
use crate::server::order;
use crate::server::refusal::{CommandError, HttpError};
use crate::server::state::Admin;

impl Admin {
    /// Sets a pause.
    pub(in crate::server) async fn pause(
        &self,
        asked: &AskedBy,
        body: &[u8],
    ) -> Result<PausesView, HttpError> {
        let now = clock::now();
        let members = order::read(body, &["tenant", "rule", "device", "until", "reason", "by"])?;
        let (scope, until) = (self.scope(asked, &members)?, members.until(now)?);
        let orderer = self.orderer(asked, &members)?;
        // A misspelt rule would be a pause that pauses nothing.
        let known = |rule: &String| {
            self.intake
                .in_force()
                .policy
                .rules()
                .names()
                .any(|name| name == rule)
        };
        if scope.rule.as_ref().is_some_and(|rule| !known(rule)) {
            return Err(
                CommandError::BadValue("rule", "the name of a rule that is in force").into(),
            );
        }
        let who = orderer.by.who.clone();
        let set = self
            .ordered(&orderer, move |tx, by| {
                let set = tx.pause(&scope, by, until, now)?;
                let act = Act {
                    what: "pause",
                    scope: set.scope(),
                    count: 1,
                    ids: Vec::new(),
                    result: DONE.to_owned(),
                };
                Ok((set, act))
            })
            .await?;
        let PauseView {
            tenant,
            rule,
            device: pattern,
            until,
            reason: words,
            ..
        } = &set;
        tracing::warn!(
            who,
            tenant,
            rule,
            pattern,
            until,
            words,
            scope = set.scope(),
            "paused"
        );
        Ok(PausesView {
            items: vec![set],
            in_force: self.pauses_for(asked).await?,
        })
    }

    /// Ends pauses.
    pub(in crate::server) async fn resume(
        &self,
        asked: &AskedBy,
        body: &[u8],
    ) -> Result<PausesView, HttpError> {
        let members = order::read(body, &["tenant", "rule", "device", "reason", "by"])?;
        let (which, orderer) = (self.scope(asked, &members)?, self.orderer(asked, &members)?);
        let who = orderer.by.who.clone();
        let items = self
            .ordered(&orderer, move |tx, by| {
                let items = tx.resume(&which, by, clock::now())?;
                let scopes: Vec<String> = items.iter().map(PauseView::scope).collect();
                let act = Act {
                    what: "resume",
                    scope: scopes.join("; "),
                    count: items.len(),
                    ids: Vec::new(),
                    result: DONE.to_owned(),
                };
                Ok((items, act))
            })
            .await?;
        for ended in &items {
            let PauseView {
                tenant,
                rule,
                device: pattern,
                ..
            } = ended;
            tracing::warn!(who, tenant, rule, pattern, scope = ended.scope(), "resumed");
        }
        Ok(PausesView {
            items,
            in_force: self.pauses_for(asked).await?,
        })
    }
}
