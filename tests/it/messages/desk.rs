//! A journal with the loop of messages, in virtual time.

use std::time::Duration;

use scanhook::defender::Answer;
use scanhook::journal::{Ids, JournalError, Occasion, OutboxFilter, Store, TenantId, Tx};
use scanhook::notify::{
    DueMessages, MessageContent, MessageEvent, MessagePart, Notifier, ReceiverAnswer,
};
use scanhook::settings::{Channel, Receiver};
use scanhook_core::access::AuditEntry;
use scanhook_core::message::{DigestTime, EventSet, MessageType};
use scanhook_core::time::Timestamp;
use serde_json::Value;

use crate::desk::write;

pub(super) struct Desk {
    pub(super) store: Store,
    notifier: Option<Notifier>,
    pub(super) receivers: Vec<Receiver>,
    pub(super) tenant: TenantId,
    pub(super) now: Timestamp,
}

/// A receiver of everything.
pub(super) fn receiver(name: &str) -> Receiver {
    Receiver {
        name: name.to_owned(),
        channel: Channel::Webhook {
            url: "https://soar.example/in".to_owned().into(),
            keys: Vec::new(),
        },
        events: EventSet::parse(&["all".to_owned(), "digest".to_owned()]).unwrap(),
        tenants: None,
        repeat: Duration::from_secs(300),
        give_up: Duration::from_secs(86_400),
        digest: DigestTime::default(),
        proxy: None,
    }
}

impl Desk {
    pub(super) fn open() -> Desk {
        let mut store = Store::memory(Ids::seeded(7)).unwrap();
        let tenant = write(&mut store, |tx| tx.tenant("berlin"));
        let mut desk = Desk {
            store,
            notifier: Some(Notifier::default()),
            receivers: vec![receiver("soar")],
            tenant,
            now: Timestamp::parse("2026-11-30T05:00:00Z").unwrap(),
        };
        assert!(desk.poll().is_empty());
        desk
    }

    pub(super) fn after(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// What leaves now: the row and the body of each.
    pub(super) fn poll(&mut self) -> Vec<(i64, Value)> {
        let due = self.poll_whole();
        let read = |body: &[u8]| serde_json::from_slice(body).unwrap();
        let messages = due.messages.into_iter();
        messages
            .map(|message| match message.content {
                MessageContent::Http(request) => (message.id, read(request.body())),
                MessageContent::Mail(_) => panic!("it is a webhook"),
            })
            .collect()
    }

    pub(super) fn poll_whole(&mut self) -> DueMessages {
        let (receivers, now) = (self.receivers.clone(), self.now);
        let mut notifier = self.notifier.take().unwrap();
        let (notifier, due) = write(&mut self.store, move |tx| {
            let due = notifier.poll(tx, (&receivers, &MessagePart::whole()), None, now)?;
            Ok((notifier, due))
        });
        self.notifier = Some(notifier);
        due
    }

    pub(super) fn answered(&mut self, id: i64, status: u16) -> MessageEvent {
        let (receivers, now) = (self.receivers.clone(), self.now);
        let mut notifier = self.notifier.take().unwrap();
        let mut response = http::Response::new(bytes::Bytes::new());
        *response.status_mut() = status.try_into().unwrap();
        let (notifier, told) = write(&mut self.store, move |tx| {
            let answer = ReceiverAnswer::Http(Answer::Http(response));
            let told = notifier.answer(tx, &receivers, id, &answer, now)?;
            Ok((notifier, told))
        });
        self.notifier = Some(notifier);
        told.expect("it was under way")
    }

    pub(super) fn tell(&mut self, what: MessageType, key: &'static str) {
        let (tenant, now) = (self.tenant, self.now);
        self.journal(move |tx| tx.tell(&Occasion::new(what, tenant, key), now));
    }

    pub(super) fn journal<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> T {
        write(&mut self.store, work)
    }

    pub(super) fn tell_of_nobody(&mut self, what: MessageType, key: &'static str) {
        let now = self.now;
        self.journal(move |tx| tx.tell(&Occasion::new(what, None, key), now));
    }

    /// Adds a row to the audit; its hash.
    pub(super) fn audited(&mut self) -> String {
        let now = self.now;
        self.journal(move |tx| tx.audit(AuditEntry::default(), now));
        let head = self.store.read(|reader| reader.audit_head().unwrap());
        head.expect("a row")
    }

    /// Everything that leaves now, all of it taken: the bodies.
    pub(super) fn told(&mut self) -> Vec<Value> {
        let mut told = Vec::new();
        loop {
            let leaves = self.poll();
            if leaves.is_empty() {
                return told;
            }
            for (id, body) in leaves {
                self.answered(id, 200);
                told.push(body);
            }
        }
    }

    /// The process starts anew: nothing is remembered but what the journal holds.
    pub(super) fn restarts(&mut self) {
        self.notifier = Some(Notifier::default());
    }

    pub(super) fn waiting(&self) -> usize {
        let filter = OutboxFilter {
            state: Some("waiting".to_owned()),
            ..OutboxFilter::default()
        };
        self.store
            .read(|reader| reader.outbox(&filter).unwrap())
            .items
            .len()
    }
}

/// The type of each, with how many further things it tells.
pub(super) fn kinds(messages: &[(i64, Value)]) -> Vec<String> {
    let kind = |body: &Value| format!("{} {}", body["type"], body["data"]["more"]).replace('"', "");
    messages.iter().map(|(_, body)| kind(body)).collect()
}
