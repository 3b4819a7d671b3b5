//! Tokens for Azure's resource manager, with which comments are written on incidents. The tenant's own app asks for them, by
//! the credential that it has, and only while a comment waits. That none is granted stops nothing but these comments.

use core::time::Duration;

use uuid::Uuid;

use super::azure_access::AzureAccess;
use super::state::{AzureTokenCall, DueMessages, Notifier};
use crate::defender::Answer;
use crate::defender::token::Bearer;
use crate::journal::{JournalError, Occasion, Tx};
use crate::settings::{Receiver, WriteBackTarget};
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

impl Notifier {
    /// The token of a tenant for a call that leaves now. Where there is none, or it ends soon, it is asked for.
    pub(super) fn azure_bearer(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: &str,
        due: &mut DueMessages,
        now: Timestamp,
    ) -> Option<(Uuid, Bearer)> {
        let account = self.loans.get(tenant)?.account.clone();
        let access = self
            .azure
            .entry(tenant.to_owned())
            .or_insert_with(|| AzureAccess::new(account.clone()));
        if !access.is_of(&account) {
            // What is under way for the account before has another id, and is answered to nobody.
            *access = AzureAccess::new(account);
        }
        let id = tx.new_uuid(now);
        if let Some(call) = access.ask(id, now) {
            due.tokens.push(AzureTokenCall {
                tenant: tenant.to_owned(),
                id,
                request: call.request,
                file: call.file,
            });
        }
        due.wake_at = due.wake_at.min(access.due());
        access.bearer(now)
    }

    /// A token was not taken: the next call asks for another.
    pub(super) fn azure_refused(&mut self, tenant: &str, token: Uuid) {
        if let Some(access) = self.azure.get_mut(tenant) {
            access.refused(token);
        }
    }

    /// Takes what came back for a token call.
    ///
    /// # Errors
    /// When the journal cannot be written; then this must be made anew.
    pub fn token_answer(
        &mut self,
        tx: &mut Tx<'_>,
        receivers: &[Receiver],
        (tenant, id): (&str, Uuid),
        answer: &Answer,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let refused = self
            .azure
            .get_mut(tenant)
            .and_then(|access| access.answer(id, answer, now));
        let Some(why) = refused else { return Ok(()) };
        for receiver in receivers.iter().filter(|one| needs_azure(one, tenant)) {
            let mut row = tx.receiver(&receiver.name)?;
            row.answer = Some(why.clone());
            row.failing.get_or_insert(now);
            tx.keep_receiver(&row)?;
            let fails = Occasion::new(MessageType::ReceiverFailing, None, &receiver.name);
            let fails = fails.because("No token for Azure is granted.");
            tx.begins(&fails, Duration::ZERO, now)?;
        }
        Ok(())
    }
}

fn needs_azure(receiver: &Receiver, tenant: &str) -> bool {
    let back = receiver.channel.write_back();
    back.is_some_and(|back| {
        back.tenant == tenant && matches!(back.to.target, WriteBackTarget::Sentinel { .. })
    })
}
