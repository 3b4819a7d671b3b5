//! To read the files now.

use super::orderer::{Act, DONE};
use crate::api::ReloadView;
use crate::journal::Tx;
use crate::server::access::AskedBy;
use crate::server::order;
use crate::server::refusal::{CommandError, HttpError};
use crate::server::state::Admin;
use scanhook_core::person::By;

impl Admin {
    /// Reads rules.toml and scanhook.toml now. What is faulty is not put in force, and is the answer.
    pub(in crate::server) async fn reload(
        &self,
        asked: &AskedBy,
        body: &[u8],
    ) -> Result<ReloadView, HttpError> {
        let members = order::read(body, &[])?;
        let orderer = self.orderer(asked, &members)?;
        let Some(view) = self.reloads.order("an order").await else {
            return Err(if *self.ready.borrow() {
                HttpError::NotFound
            } else {
                HttpError::ShuttingDown
            });
        };
        if view.faults.is_empty() {
            let scope = view.policy.clone();
            let act = move |_: &mut Tx<'_>, _: &By| {
                let act = Act {
                    what: "reload",
                    scope,
                    count: 1,
                    ids: Vec::new(),
                    result: DONE.to_owned(),
                };
                Ok(((), act))
            };
            self.ordered(&orderer, act).await?;
            Ok(view)
        } else {
            Err(CommandError::NotReloaded(Box::new(view)).into())
        }
    }
}
