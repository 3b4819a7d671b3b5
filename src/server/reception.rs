//! What intake says, as an HTTP answer; and what operators learn of refusals that senders are not told.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::refusal::{CredentialDefect, HttpError};
use super::webhook::{Arrived, DeliveryMark, Head};
use crate::api::{AlertReceipt, DecisionReceipt, RefusalView};
use crate::clock;
use crate::intake::{Accepted, Intake, LastSeen, NotAccepted, Subject};
use crate::journal::JournalError;
use crate::logs::about;
use crate::metrics::Metrics;
use scanhook_core::about::About;
use scanhook_core::scan::DecisionState;
use scanhook_core::signature::{Failure, Malformed, Presented, Refused, Standing};
use scanhook_core::time::Timestamp;
use scanhook_core::wrapping::{Sealed, Wrapping};

/// Refusals remembered per source.
const REMEMBERED: usize = 50;

/// The last failed authentications of each source, for `status --source`.
#[derive(Default)]
pub struct Refusals(Mutex<BTreeMap<String, VecDeque<RefusalView>>>);

impl Refusals {
    fn note(&self, source: &str, address: IpAddr, failure: Failure) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.entry(source.to_owned()).or_default();
        last.truncate(REMEMBERED - 1);
        last.push_front(RefusalView {
            at: clock::now().to_string(),
            address: address.to_string(),
            check: failure.check.to_owned(),
            clock_ahead_seconds: failure.ahead,
        });
    }

    /// Those of one source, newest first.
    #[must_use]
    pub fn of(&self, source: &str) -> Vec<RefusalView> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(source)
            .map(|last| last.iter().cloned().collect())
            .unwrap_or_default()
    }
}

/// One log line for each decision that wants a scan, in the words of the receipt.
fn tell_decisions((source, delivery): (&str, &str), alert: &AlertReceipt, of: &Subject) {
    for one in alert
        .decisions
        .iter()
        .filter(|one| one.state != DecisionState::None.code())
    {
        let DecisionReceipt {
            id,
            device,
            rule,
            state,
            reason,
            scan_id,
            why,
            ..
        } = one;
        let said = of.devices.iter().find(|said| said.label() == device);
        let mut about = About {
            tenant: of.tenant.clone(),
            name: said.and_then(|said| said.name.clone()),
            machine: said
                .and_then(|said| said.machine.as_ref())
                .map(ToString::to_string),
            scan: scan_id.clone(),
            rule: rule.clone(),
            ..About::default()
        };
        about.decision(
            id.clone(),
            source.to_owned(),
            alert.id.clone(),
            device.clone(),
        );
        about!(info, &about, delivery, state, reason, why, "decided");
    }
}

/// Where requests arrive that passed the door.
#[derive(Clone)]
pub struct Reception {
    pub intake: Arc<Intake>,
    pub metrics: Arc<Metrics>,
    pub refusals: Arc<Refusals>,
    pub heard: LastSeen,
}

impl Reception {
    /// Judges all of the credential that needs no body.
    ///
    /// # Errors
    /// [`HttpError`] of a request that no body could prove.
    pub fn before_body(&self, head: Head<'_>) -> Result<Standing, HttpError> {
        let Head {
            source,
            headers,
            url_secret,
            certificate,
            peer,
        } = head;
        let wrapping = Wrapping::default();
        let presented = Presented {
            headers,
            url_secret,
            address: Some(peer),
            certificate: certificate.shown(),
            keyrings: None,
            wrapping,
        };
        self.intake
            .before_body(source, presented, clock::now())
            .map_err(|error| {
                self.tell(source, peer, &error);
                refusal(&error)
            })
    }

    /// Takes a request in. The 2xx is made here and only here, from a receipt that is on disk.
    ///
    /// # Errors
    /// [`HttpError`]; then nothing is stored.
    pub async fn accept(self, arrived: Arrived) -> Result<Response, HttpError> {
        let now = clock::now();
        let (source, peer) = (arrived.source, arrived.peer);
        let presented = Presented {
            headers: &arrived.headers,
            url_secret: arrived.url_secret.as_ref(),
            address: Some(peer),
            certificate: arrived.certificate.shown(),
            keyrings: None,
            wrapping: arrived.wrapping,
        };
        match self
            .intake
            .receive(&source, presented, arrived.body, now)
            .await
        {
            Ok(accepted) => Ok(self.acknowledge(&source, accepted, now)),
            Err(error) => {
                self.tell(&source, peer, &error);
                Err(refusal(&error))
            }
        }
    }

    fn acknowledge(&self, source: &str, accepted: Accepted, now: Timestamp) -> Response {
        let Accepted {
            receipt,
            subjects,
            credential,
            by_old_secret,
            commit,
        } = accepted;
        self.metrics.accepted(source, &subjects, &receipt, now);
        if self.heard.with(|silence| silence.hear(source, now)) {
            tracing::info!(source, "the sender is heard again");
        }
        if by_old_secret {
            self.metrics.old_secret(source, &credential);
        }
        let (delivery, duplicate) = (&receipt.delivery, receipt.duplicate);
        let unlisted = receipt
            .truncated
            .as_ref()
            .map(|truncated| truncated.decisions);
        tracing::info!(
            source,
            delivery,
            duplicate,
            credential,
            unlisted,
            "delivery accepted"
        );
        for (alert, of) in receipt.alerts.iter().zip(&subjects) {
            tell_decisions((source, delivery), alert, of);
        }
        let status = if receipt.duplicate {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        let id = receipt.delivery.clone();
        let mut response = (status, Json(receipt)).into_response();
        response
            .extensions_mut()
            .insert(DeliveryMark { id, commit });
        response
    }

    /// One log line for what was refused; never a body, a token or a signature.
    fn tell(&self, source: &str, peer: IpAddr, error: &NotAccepted) {
        match error {
            NotAccepted::Credential(refused @ Refused::Sealed(_)) => {
                let failure = refused.failure();
                self.refusals.note(source, peer, failure);
                tracing::warn!(source, %peer, check = failure.check, "authenticated, but not readable");
            }
            NotAccepted::Credential(refused) => {
                let failure = refused.failure();
                self.refusals.note(source, peer, failure);
                tracing::info!(source, %peer, check = failure.check, clock_ahead = failure.ahead, "not authenticated");
            }
            NotAccepted::NotStrict(unread) => {
                let (credential, hash) = (
                    unread.delivery.credential(),
                    hex::encode(unread.delivery.body_hash()),
                );
                let (bytes, code) = (unread.delivery.body().len(), unread.fault.fault.code());
                self.metrics.unread(source, code);
                tracing::warn!(
                    source,
                    credential,
                    sha256 = hash,
                    bytes,
                    code,
                    "authenticated, but not strict JSON"
                );
            }
            NotAccepted::Overloaded => {
                tracing::warn!(source, "too many large bodies wait to be read")
            }
            NotAccepted::Journal(error) => {
                tracing::error!(source, code = error.code(), %error, "a delivery could not be stored");
            }
            NotAccepted::UnknownSource => {}
        }
    }
}

fn refusal(error: &NotAccepted) -> HttpError {
    match error {
        NotAccepted::UnknownSource => HttpError::UnknownSource,
        NotAccepted::Credential(Refused::Failed(_)) => HttpError::Unauthenticated,
        NotAccepted::Credential(Refused::KeyUnknown(_)) => HttpError::SigningKey,
        NotAccepted::Credential(Refused::Sealed(sealed)) => match sealed {
            Sealed::Gzip => HttpError::NotGzip,
            Sealed::TooLarge(cap) => HttpError::BodyTooLarge(*cap),
            Sealed::Form => HttpError::NoPayload,
        },
        NotAccepted::Credential(Refused::Malformed(how)) => HttpError::Credential(match how {
            Malformed::Repeated => CredentialDefect::Repeated,
            Malformed::TooManySignatures => CredentialDefect::TooManySignatures,
            Malformed::ClientCertificate => CredentialDefect::ClientCertificate,
            Malformed::Id => CredentialDefect::Id,
        }),
        NotAccepted::NotStrict(unread) => {
            let fault = unread.fault.fault;
            HttpError::NotStrictJson {
                code: fault.code(),
                detail: fault.meaning(),
            }
        }
        NotAccepted::Overloaded | NotAccepted::Journal(JournalError::Busy) => HttpError::Overloaded,
        NotAccepted::Journal(_) => HttpError::JournalUnavailable,
    }
}
