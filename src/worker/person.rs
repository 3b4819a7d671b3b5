//! What a tenant does whose token is a person's: it waits for a sign-in where only that helps, and keeps the refresh token
//! before the last one until the last one has proved itself.

use core::time::Duration;

use super::backoff::Succession;
use super::memory::LastRenewal;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::token::Token;
use crate::defender::token_file::FileTrouble;
use crate::journal::Api;
use scanhook_core::time::Timestamp;

/// The code of a tenant for which nobody has signed in.
const NOBODY: &str = "not-signed-in";
/// How soon a new sign-in is seen. Entra is not asked again for the refresh token that it refused.
const LOOK: Duration = Duration::from_secs(10);

impl TenantWorker {
    /// Entra or the platform refuses a token: nothing leaves until somebody mends that.
    pub(super) fn stop_refused(&mut self, turn: &mut Turn<'_, '_>, code: &str, why: String) {
        let refused_person = self.backoff.acquisition.refusal().is_some();
        let span = match refused_person {
            true => LOOK.min(self.pace.stopped),
            false => self.pace.stopped,
        };
        self.stop_for(turn, code, why, span);
    }

    /// Stops the tenant where the file of a person's refresh token waits for that person; false where it does not.
    pub(super) fn wants_person(&mut self, turn: &mut Turn<'_, '_>, trouble: FileTrouble) -> bool {
        let account = self.account.clone();
        let credential = account.credential.as_ref().ok();
        let Some(user) = credential.and_then(|credential| credential.user()) else {
            return false;
        };
        let goes_back = self.backoff.acquisition.goes_back();
        let gone = matches!(trouble, FileTrouble::Missing | FileTrouble::Empty);
        let refusal = self.backoff.acquisition.refusal().cloned();
        match refusal {
            Some(refusal) if goes_back || trouble == FileTrouble::Unchanged => {
                let why = format!(
                    "Entra refuses a token ({}): {}",
                    refusal.code,
                    refusal.words()
                );
                self.stop_refused(turn, &refusal.code, why);
            }
            _ if gone => {
                self.stop_for(turn, NOBODY, user.first(), LOOK.min(self.pace.stopped));
            }
            _ => return false,
        }
        self.backoff.awaiting = None;
        true
    }

    /// A token of a person was granted, and its successor is on the disk.
    pub(super) fn note_person(&mut self, token: &Token, now: Timestamp) {
        let credential = self.account.credential.as_ref().ok();
        if credential
            .and_then(|credential| credential.user())
            .is_none()
        {
            return;
        }
        let account = token.claims.account.clone();
        self.backoff.memory.person = Some(LastRenewal {
            account: account.unwrap_or_else(|| "somebody".to_owned()),
            at: now,
        });
        self.backoff.succession = Succession::Unproved(now);
    }

    /// A call that left at `sent_at` was answered: its token was good for something, or not.
    pub(super) fn note_proof(&mut self, api: Api, answer: &Answer, sent_at: Timestamp) {
        let good = matches!(answer, Answer::Http(response) if response.status().is_success());
        if let Succession::Unproved(since) = self.backoff.succession
            && good
            && api != Api::Token
            && sent_at >= since
        {
            self.backoff.succession = Succession::Proved;
        }
    }

    /// The refresh token before the one that has proved itself goes, unless that one is being renewed.
    pub(super) fn forget_previous(&mut self, turn: &mut Turn<'_, '_>) {
        if self.backoff.succession != Succession::Proved || self.is_under_way(Api::Token) {
            return;
        }
        self.backoff.succession = Succession::Settled;
        let credential = self.account.credential.as_ref().ok();
        if let Some(user) = credential.and_then(|credential| credential.user()) {
            turn.files.extend(user.proved());
        }
    }
}
