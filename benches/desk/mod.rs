//! What the journal's benches share: a policy, a source, and deliveries that each begin a scan.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use core::time::Duration;
use http::HeaderMap;
use scanhook::defender::Endpoints;
use scanhook::defender::credential::{ClientSecret, Credential};
use scanhook::in_force::SourceBinding;
use scanhook::intake::accept;
use scanhook::journal::{Acceptance, Job, JournalError, PolicyId, Store, TenantId, Tx};
use scanhook::policy::{Ceiling, Policy, Terms};
use scanhook::settings::Source;
use scanhook::worker::Account;
use scanhook_core::quota::Share;
use scanhook_core::scan::{Mode, OnUnknown};
use scanhook_core::signature::{Authentication, Check, Key, authenticate};
use scanhook_core::time::Timestamp;

const SECRET: &str = "a secret of at least 16 bytes";
/// Every alert asks for a Quick scan.
pub const RULES: &str = "version = 1\n[defaults]\nmode = \"enforce\"\n[[rule]]\nname = \"all\"\nscan = \"quick\"\n\
    limit = false\nwhen = { source.exists = true }\n";

/// 2026-11-02T08:00:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_793_606_400_000);

/// Runs one job as one transaction.
pub fn write<T: Send + 'static>(
    store: &mut Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
) -> T {
    let slot = Arc::new(Mutex::new(None));
    let reply = slot.clone();
    store.commit(vec![Job::new(0, work, move |result| {
        *reply.lock().unwrap() = Some(result)
    })]);
    slot.lock().unwrap().take().unwrap().unwrap()
}

/// A tenant's account with the whole quota, at an address where nobody is.
pub fn account() -> Account {
    let url = "http://127.0.0.1:1";
    Account {
        name: "default".to_owned(),
        endpoints: Endpoints::custom(url, url, &Endpoints::commercial().token_scope, false)
            .unwrap(),
        tenant_id: "corp.example".to_owned(),
        client_id: "app".to_owned(),
        credential: Ok(Arc::new(Credential::Secrets(vec![ClientSecret {
            name: "app.secret".to_owned(),
            text: "secret".to_owned().into(),
        }]))),
        gives_way_to: Vec::new(),
        share: Share::WHOLE,
        sends: true,
        on_unknown: OnUnknown::Leave,
        azure: None,
        comments: false,
        external_id: true,
        follow_for: Duration::from_secs(7 * 86_400),
    }
}

/// Makes deliveries.
pub struct Counter {
    pub desk: SourceBinding,
    pub tenant: TenantId,
    pub policy: Arc<Policy>,
    pub id: PolicyId,
    next: u64,
}

impl Counter {
    pub fn new(store: &mut Store) -> Counter {
        Counter::by_rules(store, RULES)
    }

    /// One that decides by other rules.
    pub fn by_rules(store: &mut Store, rules: &str) -> Counter {
        let policy = Arc::new(
            Policy::parse(rules.to_owned())
                .map_err(|_| "rules")
                .unwrap()
                .policy,
        );
        let stored = policy.clone();
        let (tenant, id) = write(store, move |tx| {
            Ok((
                tx.tenant("default")?,
                tx.policy(stored.fingerprint(), stored.text(), NOW)?,
            ))
        });
        let keys = vec![
            Key::new("bench", SECRET.as_bytes())
                .map_err(|_| "key")
                .unwrap(),
        ];
        let mut source = Source::of_preset("generic").unwrap();
        source.auth = Authentication {
            alternatives: vec![vec![Check::Bearer { keys }]],
        };
        source.remember = Duration::from_secs(3600);
        let terms = Terms {
            ceiling: Ceiling::AtMost(Mode::Enforce),
            limit: None,
        };
        Counter {
            desk: SourceBinding::of_one(source, tenant, terms),
            tenant,
            policy,
            id,
            next: 0,
        }
    }

    /// The body of a new alert for a new machine.
    pub fn next_body(&mut self) -> String {
        self.next += 1;
        body(self.next, "high", 1_900)
    }

    /// The next delivery: a new alert of 2 KB for a new machine.
    pub fn delivery(&mut self) -> Acceptance {
        self.next += 1;
        self.alert(self.next, "high", 1_900, NOW)
    }

    /// An alert for the `n`-th machine, made longer by `pad`.
    pub fn alert(&self, n: u64, severity: &str, pad: usize, now: Timestamp) -> Acceptance {
        self.body(body(n, severity, pad), now)
    }

    /// What is to be stored of this body.
    pub fn body(&self, body: String, now: Timestamp) -> Acceptance {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::AUTHORIZATION,
            format!("Bearer {SECRET}").parse().unwrap(),
        );
        let source = &self.desk.source;
        let delivery = authenticate(&source.auth, &source.name, &headers, Bytes::from(body), now);
        accept(
            &self.desk,
            &self.policy,
            self.id,
            delivery.map_err(|_| "refused").unwrap(),
        )
        .unwrap()
    }
}

fn body(n: u64, severity: &str, pad: usize) -> String {
    format!(
        r#"{{"alert_id":"a-{n}","title":"t","severity":"{severity}","devices":[{{"mde_id":"{n:040x}"}}],"pad":"{pad}"}}"#,
        pad = "x".repeat(pad)
    )
}
