//! The errand of the token: it is asked for when it is due, request after request, and what was granted is compared with
//! the tenant.

use core::time::Duration;

use uuid::Uuid;

use super::backoff::{Awaited, WithoutExternalId};
use super::call::Call;
use super::event::WorkerEvent;
use super::moved::is_elsewhere;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::acquisition::Progress;
use crate::defender::token::{self, ClaimFault, Token, TokenReply};
use crate::defender::token_file::FileTrouble;
use crate::journal::{Api, JournalError};

/// The code of a tenant whose credential cannot be read.
const NO_CREDENTIAL: &str = "credential";
/// The first wait for a file that cannot be used yet; it doubles, up to the wait after any failure.
const FILE_RETRY: Duration = Duration::from_secs(2);

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
        let who = match account.applicant() {
            Ok(who) => who,
            Err(why) => {
                self.stop(turn, NO_CREDENTIAL, why.to_owned());
                return Ok(());
            }
        };
        let jti = turn.tx.new_uuid(now);
        match self.backoff.acquisition.next(who, jti, now) {
            Ok(next) => self.enter_with(turn, Call::Token(None), next.request, next.file),
            Err(refusal) => {
                self.stop(turn, &refusal.code, refusal.to_string());
                Ok(())
            }
        }
    }

    pub(super) fn token_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let account = self.account.clone();
        let (response, who) = match (answer, account.applicant()) {
            (Answer::Http(response), Ok(who)) => (response, who),
            (Answer::NotSent(unsent), _) => {
                self.token_unanswered(turn, unsent.code);
                return Ok(());
            }
            (Answer::Unknown(code), _) => {
                self.token_unanswered(turn, &code);
                return Ok(());
            }
            (Answer::Http(_), Err(_)) => return Ok(()),
        };
        let platform = self.backoff.acquisition.asks_platform();
        if !platform {
            self.backoff.awaiting = None;
        }
        match self.backoff.acquisition.answer(who, &response, now) {
            Progress::Next(wait) => self.backoff.token_due = now.plus(wait),
            Progress::Done(TokenReply::Granted(token)) => {
                // Where the settings have the id, a token of another tenant is a fault of its own.
                let by_id = account.tenant_id.parse::<Uuid>().is_ok();
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
            Progress::Done(TokenReply::Refused(refusal)) => {
                self.backoff.awaiting = None;
                let by = if platform { "The platform" } else { "Entra" };
                let why = format!(
                    "{by} refuses a token ({}): {}",
                    refusal.code,
                    refusal.words()
                );
                self.stop_refused(turn, &refusal.code, why);
            }
            Progress::Done(TokenReply::Later(span, code)) => {
                self.backoff.token_due = now.plus(span.max(self.pace.token_retry));
                if platform {
                    self.await_platform(turn, &code);
                }
            }
        }
        Ok(())
    }

    /// Whether what came back for the token's call tells anything of Entra: not where the platform was asked, or a file
    /// kept it from leaving.
    pub(super) fn asks_entra(&self, answer: &Answer) -> bool {
        let code = match answer {
            Answer::Http(_) => None,
            Answer::NotSent(unsent) => Some(unsent.code),
            Answer::Unknown(code) => Some(code.as_str()),
        };
        let kept = code.and_then(FileTrouble::of_code).is_some();
        !kept && !self.backoff.acquisition.asks_platform()
    }

    /// No answer came, or nothing was sent: a file that is not as it should be may be so only for a moment.
    fn token_unanswered(&mut self, turn: &mut Turn<'_, '_>, code: &str) {
        let account = self.account.clone();
        let most = self.pace.token_retry;
        let mut wait = most;
        let trouble = FileTrouble::of_code(code);
        if let Some(trouble) = trouble
            && self.wants_person(turn, trouble)
        {
            self.backoff.acquisition.unanswered();
            return;
        }
        if let Some(trouble) = trouble {
            let tries = self
                .backoff
                .awaiting
                .as_ref()
                .map_or(0, |awaited| awaited.tries);
            wait = most.min(FILE_RETRY * (1 << tries.min(8)));
            let file = account.credential.as_ref().ok();
            let file = file.and_then(|credential| self.backoff.acquisition.file(credential));
            let file = file.map_or_else(String::new, |path| path.display().to_string());
            self.is_awaiting(turn, code, format!("{file} {}", trouble.words()));
        } else if self.backoff.acquisition.asks_platform() {
            self.await_platform(turn, code);
        }
        self.backoff.acquisition.unanswered();
        self.backoff.token_due = turn.now.plus(wait);
    }

    /// The platform gives no token yet.
    fn await_platform(&mut self, turn: &mut Turn<'_, '_>, code: &str) {
        let account = self.account.clone();
        let credential = account.credential.as_ref().ok();
        let Some(identity) = credential.and_then(|credential| credential.identity()) else {
            return;
        };
        let why = identity.platform.silence(code);
        self.is_awaiting(turn, code, why);
    }

    /// Tells once why there is no token yet.
    fn is_awaiting(&mut self, turn: &mut Turn<'_, '_>, code: &str, why: String) {
        let before = self.backoff.awaiting.take();
        if before.as_ref().is_none_or(|before| before.why != why) {
            turn.events.push(WorkerEvent::Awaited {
                code: code.to_owned(),
                why: why.clone(),
            });
        }
        let tries = before.map_or(1, |before| before.tries.saturating_add(1));
        self.backoff.awaiting = Some(Awaited { why, tries });
    }

    fn token_granted(&mut self, turn: &mut Turn<'_, '_>, token: Token) {
        let now = turn.now;
        let faults = token::check(
            &token.claims,
            &self.account.endpoints,
            &self.account.tenant_id,
        );
        self.backoff.awaiting = None;
        self.backoff.blind = faults.iter().any(ClaimFault::blinds);
        self.note_person(&token, now);
        let (stops, notes): (Vec<_>, Vec<_>) = faults.into_iter().partition(ClaimFault::stops);
        let lacks = token::check_comments(&token.claims).filter(|_| self.account.comments);
        let notes = notes.iter().chain(&lacks);
        self.backoff.notes = notes.map(ToString::to_string).collect();
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
