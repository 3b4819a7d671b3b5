//! A tenant's token for Azure: how it is asked for, request after request, and what came back.

use core::time::Duration;
use std::sync::Arc;

use uuid::Uuid;

use crate::defender::Answer;
use crate::defender::acquisition::{Acquisition, Applicant, Progress, TokenCall};
use crate::defender::token::{Bearer, Token, TokenReply};
use crate::worker::Account;
use scanhook_core::time::Timestamp;

/// No token call sooner than this after another, but for the steps of one.
const TOKEN_RETRY: Duration = Duration::from_secs(30);
/// How long a refusal holds.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// A tenant's token for Azure, or how far getting it has come.
pub(super) struct AzureAccess {
    account: Arc<Account>,
    acquisition: Acquisition,
    token: Option<GrantedToken>,
    due: Timestamp,
    /// The request whose answer is waited for.
    under_way: Option<Uuid>,
}

/// A token, by the request that it answers.
struct GrantedToken {
    id: Uuid,
    token: Token,
}

impl AzureAccess {
    pub(super) fn new(account: Arc<Account>) -> AzureAccess {
        AzureAccess {
            account,
            acquisition: Acquisition::default(),
            token: None,
            due: Timestamp::from_millis(0),
            under_way: None,
        }
    }
}

impl AzureAccess {
    /// Whether it is this account's.
    pub(super) fn is_of(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.account, account)
    }

    /// The token for a call that leaves now, and what it is told apart by.
    pub(super) fn bearer(&self, now: Timestamp) -> Option<(Uuid, Bearer)> {
        let granted = self.token.as_ref();
        let granted = granted.filter(|granted| granted.token.expires > now)?;
        Some((granted.id, granted.token.bearer.clone()))
    }

    /// When a request may leave next; while one is under way its answer is waited for.
    pub(super) fn due(&self) -> Timestamp {
        match self.under_way {
            Some(_) => Timestamp::NEVER,
            None => self.due,
        }
    }

    /// A token was not taken: where it is this one, another is asked for.
    pub(super) fn refused(&mut self, id: Uuid) {
        if self.token.take_if(|granted| granted.id == id).is_some() {
            self.due = Timestamp::from_millis(0);
        }
    }

    /// The next request, where one may leave now.
    pub(super) fn ask(&mut self, id: Uuid, now: Timestamp) -> Option<TokenCall> {
        if self.under_way.is_some() || self.due > now {
            return None;
        }
        self.due = now.plus(TOKEN_RETRY);
        let account = self.account.clone();
        let (_, endpoints) = account.endpoints.of_azure();
        let who = Applicant {
            endpoints: &endpoints,
            tenant_id: &account.tenant_id,
            client_id: &account.client_id,
            credential: account.credential.as_deref().ok()?,
        };
        let call = self.acquisition.next(who, id, now).ok()?;
        self.under_way = Some(id);
        Some(call)
    }

    /// Why no token is granted, where somebody has to change something. What answers a request of an account before says
    /// nothing of this one.
    pub(super) fn answer(&mut self, id: Uuid, answer: &Answer, now: Timestamp) -> Option<String> {
        self.under_way.take_if(|asked| *asked == id)?;
        self.due = now.plus(TOKEN_RETRY);
        let account = self.account.clone();
        let (_, endpoints) = account.endpoints.of_azure();
        let (Answer::Http(response), Ok(credential)) = (answer, account.credential.as_deref())
        else {
            self.acquisition.unanswered();
            return None;
        };
        let who = Applicant {
            endpoints: &endpoints,
            tenant_id: &account.tenant_id,
            client_id: &account.client_id,
            credential,
        };
        match self.acquisition.answer(who, response, now) {
            Progress::Next(wait) => self.due = now.plus(wait),
            Progress::Done(TokenReply::Granted(token)) => {
                self.due = token.refresh.max(self.due);
                self.token = Some(GrantedToken { id, token });
            }
            Progress::Done(TokenReply::Later(span, _)) => {
                self.due = now.plus(span.max(TOKEN_RETRY));
            }
            Progress::Done(TokenReply::Refused(refusal)) => {
                self.due = now.plus(AFTER_REFUSAL);
                return Some(format!("no token for Azure is granted: {refusal}"));
            }
        }
        None
    }
}
