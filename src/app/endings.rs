//! The watch for credentials that end: one log line for each certificate that ends soon, has ended or holds only later,
//! and messages before each certificate and token in use ends.

use core::time::Duration;

use tokio::sync::watch;

use super::log_target::APP;
use crate::certificate::CertificateNotices;
use crate::clock;
use crate::in_force::{ActiveConfig, Current};
use crate::journal::{EndingCredential, Journal};
use scanhook_core::message::{certificate_key, token_key};

/// How often the ends are looked at.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Looks at the start, after a reload, and every hour.
pub(super) async fn watch_credentials(
    journal: Journal,
    mut current: Current,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let mut notices = CertificateNotices::default();
    while !*stop.borrow() {
        let in_force = current.borrow_and_update().clone();
        let certificates = in_force.settings.certificates();
        for (place, concern) in notices.news(certificates, clock::now()) {
            tracing::warn!(target: APP, r#where = place, "{place}: {concern}");
        }
        let credentials = of(&in_force);
        let told = journal.write(move |tx| tx.tell_ending_credentials(&credentials, clock::now()));
        if let Err(error) = told.await {
            tracing::error!(target: APP, code = error.code(), %error, "ends of credentials could not be noted for receivers");
        }
        tokio::select! {
            _ = stop.changed() => {}
            Ok(()) = current.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    "the watch for credentials"
}

/// Every credential in use whose end is known: certificates, and tokens of programs. Of a client secret only Entra ID
/// knows when it ends.
fn of(in_force: &ActiveConfig) -> Vec<EndingCredential> {
    let certificates = in_force.settings.certificates().into_iter();
    let certificates = certificates.map(|(place, valid)| {
        let name = place.strip_prefix("tenant/");
        let tenant = in_force
            .tenants
            .iter()
            .find(|tenant| Some(tenant.name.as_str()) == name);
        EndingCredential {
            key: certificate_key(&place),
            tenant: tenant.map(|tenant| tenant.id),
            until: valid.until,
        }
    });
    let tokens = in_force.settings.admin.tokens.iter();
    let tokens = tokens.filter_map(|token| {
        Some(EndingCredential {
            key: token_key(&token.name),
            tenant: None,
            until: token.until?,
        })
    });
    certificates.chain(tokens).collect()
}
