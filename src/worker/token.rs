//! Asks for the token: it is asked for when it is due, and what was granted is compared with the tenant.

use uuid::Uuid;

use super::backoff::WithoutExternalId;
use super::call::Call;
use super::event::WorkerEvent;
use super::moved::is_elsewhere;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::token::{self, ClaimFault, Token, TokenReply};
use crate::defender::{Answer, request};
use crate::journal::{Api, JournalError};

impl TenantWorker {
    pub(super) fn poll_token(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.is_under_way(Api::Token) {
            return Ok(());
        }
        let due = self.backoff.token_due();
        if due > now {
            turn.wake(due);
            return Ok(());
        }
        let account = self.account.clone();
        let request = request::token(
            &account.endpoints,
            &account.tenant_id,
            &account.client_id,
            &account.secret,
        );
        self.enter(turn, Call::Token, request)
    }

    pub(super) fn token_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Answer::Http(response) = answer else {
            self.backoff.token_due = now.plus(self.pace.token_retry);
            return Ok(());
        };
        match token::read(&response, now) {
            TokenReply::Granted(token) => {
                // Where the settings have the id, a token of another tenant is a fault of its own.
                let by_id = self.account.tenant_id.parse::<Uuid>().is_ok();
                let entra = token
                    .claims
                    .tid
                    .as_ref()
                    .and_then(|tid| tid.parse().ok())
                    .filter(|_| !by_id);
                if is_elsewhere(turn.tx, self.id, entra)? {
                    self.moved_to = entra;
                    return Ok(());
                }
                if let Some(entra) = entra {
                    turn.tx.now_belongs_to(self.id, entra)?;
                }
                self.token_granted(turn, token);
            }
            TokenReply::Refused(refusal) => {
                let why = format!(
                    "Entra refuses a token ({}): {}",
                    refusal.code, refusal.meaning
                );
                self.stop(turn, &refusal.code, why);
            }
            TokenReply::Later(span, _) => {
                self.backoff.token_due = now.plus(span.max(self.pace.token_retry))
            }
        }
        Ok(())
    }

    fn token_granted(&mut self, turn: &mut Turn<'_, '_>, token: Token) {
        let now = turn.now;
        let faults = token::check(
            &token.claims,
            &self.account.endpoints,
            &self.account.tenant_id,
        );
        self.backoff.blind = faults.contains(&ClaimFault::NoReadRole);
        let (stops, notes): (Vec<_>, Vec<_>) = faults.into_iter().partition(ClaimFault::stops);
        self.backoff.notes = notes.iter().map(ToString::to_string).collect();
        if let Some(fault) = stops.first() {
            return self.stop(turn, fault.code(), fault.to_string());
        }
        turn.events.push(WorkerEvent::Token {
            audience: token.claims.aud.clone().unwrap_or_default(),
            tenant_id: token.claims.tid.clone().unwrap_or_default(),
            roles: token.claims.roles.clone(),
            expires: token.expires,
        });
        self.backoff.stopped = None;
        self.backoff.unreadable = (0, None);
        self.backoff.without_external_id = WithoutExternalId::default();
        self.backoff.generation += 1;
        // A token that lives a moment must not become a storm of token calls.
        self.backoff.token_due = token.refresh.max(now.plus(self.pace.token_retry));
        self.backoff.token = Some(token);
    }
}
