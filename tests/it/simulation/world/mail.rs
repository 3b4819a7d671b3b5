//! The loop of messages in virtual time, and receivers that keep what reached them: an answer is lost or late, they
//! have no room, break, are gone, or hang up. Their faults end with the run, so that everything has to arrive.

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use scanhook::defender::Answer;
use scanhook::journal::OutboxFilter;
use scanhook::notify::{MessageContent, MessagePart, Notifier, OutgoingMessage, ReceiverAnswer};
use scanhook::settings::{Channel, Receiver, TenantWriteBack, WriteBack, WriteBackTarget};
use scanhook::worker::Loans;
use scanhook_core::message::{DigestTime, EventSet, PublicUrl, Workspace, WriteBackMoment};
use scanhook_core::time::Timestamp;
use scanhook_simulator::WireAnswer;
use serde_json::Value;
use uuid::Uuid;

use super::super::faults::Dice;
use super::{Event, World};

/// A program that is told of everything, people, and where alerts came from.
pub const NAMES: [&str; 4] = ["soar", "soc", "siem incidents", "siem alerts"];
/// The workspace whose incidents are written to.
pub const WORKSPACE: &str = "/subscriptions/0b8f7d7e-2f53-4a53-9d0a-6f6c6f1a2b3c/resourceGroups/rg/providers/\
                             Microsoft.OperationalInsights/workspaces/w";

/// What links in messages begin with.
pub const PUBLIC: &str = "https://scanhook.corp.example";

/// How long a try waits for its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the loop sleeps at most, and how long it leaves a journal alone that failed.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// One request that reached a receiver.
pub struct Letter {
    pub receiver: String,
    pub id: String,
    pub body: Value,
}

/// The loop of messages, its receivers, and what they got.
pub struct Mail {
    pub receivers: Vec<Receiver>,
    pub letters: Vec<Letter>,
    /// What the lane lent last.
    pub loans: Loans,
    notifier: Option<Notifier>,
    next_poll: Timestamp,
    dice: Dice,
    /// From now on every receiver takes everything.
    calm: bool,
}

impl Mail {
    pub fn new(seed: u64, writes_back: bool) -> Mail {
        let receiver = |name: &str, events: EventSet| Receiver {
            name: name.to_owned(),
            channel: Channel::Webhook {
                url: format!("https://{name}.example/in").into(),
                keys: Vec::new(),
            },
            events,
            tenants: None,
            repeat: Duration::from_secs(60),
            give_up: Duration::from_secs(86_400),
            digest: DigestTime::default(),
            proxy: None,
        };
        let all = EventSet::parse(&["all".to_owned()]).unwrap();
        let back = |target: WriteBackTarget| Receiver {
            channel: Channel::WriteBack(TenantWriteBack {
                source: "siem".to_owned(),
                tenant: "default".to_owned(),
                to: WriteBack {
                    target,
                    when: WriteBackMoment::ALL.iter().copied().collect(),
                },
            }),
            ..receiver("", EventSet::default())
        };
        let sentinel = WriteBackTarget::Sentinel {
            workspace: Workspace::parse(WORKSPACE).unwrap(),
            base: None,
        };
        let mut on_alerts = back(WriteBackTarget::DefenderAlert);
        if let Channel::WriteBack(back) = &mut on_alerts.channel {
            back.to.when = [WriteBackMoment::Ended].into();
        }
        let mut receivers = vec![
            receiver(NAMES[0], all),
            receiver(NAMES[1], EventSet::default()),
        ];
        if writes_back {
            for (name, back) in [(NAMES[2], back(sentinel)), (NAMES[3], on_alerts)] {
                receivers.push(Receiver {
                    name: name.to_owned(),
                    ..back
                });
            }
        }
        Mail {
            receivers,
            loans: Loans::new(),
            letters: Vec::new(),
            notifier: None,
            next_poll: Timestamp::NEVER,
            dice: Dice::new(seed ^ 0x6d61_696c),
            calm: false,
        }
    }

    /// What the receiver does with a message; whether it reached it, and what comes back after which time.
    fn played(&mut self) -> (bool, Duration, Answer) {
        let unknown = |why: &str| Answer::Unknown(why.to_owned());
        let says = |status: u16, retry: Option<&str>| {
            let mut response = Response::new(bytes::Bytes::new());
            *response.status_mut() = status.try_into().unwrap();
            if let Some(retry) = retry {
                response
                    .headers_mut()
                    .insert("retry-after", retry.parse().unwrap());
            }
            Answer::Http(response)
        };
        let soon = Duration::from_millis(20 + self.dice.roll(400));
        if self.calm {
            return (true, soon, says(200, None));
        }
        match self.dice.roll(14) {
            0 => (false, soon, Answer::NotSent("refused".into())),
            1 => (true, PATIENCE, unknown("timeout")),
            2 => (true, soon, says(429, Some("7"))),
            3 => (true, soon, says(500, None)),
            4 => (true, soon, unknown("connection-lost")),
            5 if self.dice.roll(4) == 0 => (true, soon, says(410, None)),
            _ => (true, soon, says(204, None)),
        }
    }
}

impl World {
    /// Something happened that may have to be told.
    pub(super) fn wake_mail(&mut self, wait: Duration) {
        // With several processes the runs are about scans.
        if !self.others.is_empty() {
            return;
        }
        let at = self.now.plus(wait);
        if at < self.mail.next_poll {
            self.mail.next_poll = at;
            self.after(wait, Event::Mail);
        }
    }

    /// The process died, or its transaction failed: what was under way is forgotten.
    pub(super) fn lose_mail(&mut self) {
        self.mail.notifier = None;
    }

    pub(super) fn poll_mail(&mut self) {
        if self.now < self.mail.next_poll {
            return;
        }
        self.mail.next_poll = Timestamp::NEVER;
        if self.me.down {
            return;
        }
        let mut notifier = self.mail.notifier.take().unwrap_or_default();
        notifier.borrow_from(self.mail.loans.clone());
        let (receivers, now) = (self.mail.receivers.clone(), self.clock().wall);
        let polled = self.commit(move |tx| {
            let public = PublicUrl::parse(PUBLIC);
            let part = MessagePart::whole();
            let due = notifier.poll(tx, (&receivers, &part), public.as_ref(), now)?;
            Ok((notifier, due))
        });
        let Some((notifier, due)) = polled else {
            self.lose_mail();
            return self.wake_mail(AFTER_FAILURE);
        };
        self.mail.notifier = Some(notifier);
        for message in due.messages {
            self.post(message);
        }
        for call in due.tokens {
            let (after, answer) = match self.completed(call.request, call.file) {
                Ok(completed) => self.write_back("token", &completed.request),
                Err(trouble) => (Duration::ZERO, Answer::NotSent(trouble.code().into())),
            };
            self.after(
                after,
                Event::Granted(self.me.life, (call.tenant, call.id), Box::new(answer)),
            );
        }
        self.wake_mail(due.wake_at.since(now).min(LONGEST_SLEEP));
    }

    /// A call of what is written back, with what may go wrong on its way: after which time comes what.
    fn write_back(&mut self, what: &str, request: &Request<Bytes>) -> (Duration, Answer) {
        let unknown = |why: &str| Answer::Unknown(why.to_owned());
        let soon = Duration::from_millis(20 + self.mail.dice.roll(400));
        let fate = if self.mail.calm {
            99
        } else {
            self.mail.dice.roll(12)
        };
        let (after, answer) = match fate {
            0 => (soon, Answer::NotSent("refused".into())),
            1 => (soon, unknown("reset")),
            2 => (PATIENCE, unknown("timeout")),
            _ => match self.far.handle(self.now.to_jiff(), request).what {
                // Something in between answers a question with a page of its own.
                WireAnswer::Response(_) if fate == 5 && request.method() == Method::GET => {
                    (soon, Answer::Http(Response::new("<html>".into())))
                }
                WireAnswer::Response(_) if fate == 3 => (soon, unknown("reset")),
                WireAnswer::Response(_) if fate == 4 => (PATIENCE, unknown("timeout")),
                WireAnswer::Response(response) => (soon, Answer::Http(response)),
                WireAnswer::Reset | WireAnswer::Silence => (PATIENCE, unknown("timeout")),
            },
        };
        let word = super::word(&answer);
        self.trace(|| format!("{what} {} -> {word}", request.uri().path()));
        (after, answer)
    }

    /// What came back for a token with which something is written back.
    pub(super) fn granted(&mut self, (tenant, id): (String, Uuid), answer: Answer) {
        let Some(mut notifier) = self.mail.notifier.take() else {
            return;
        };
        let (receivers, now) = (self.mail.receivers.clone(), self.clock().wall);
        let answered = self.commit(move |tx| {
            notifier.token_answer(tx, &receivers, (&tenant, id), &answer, now)?;
            Ok(notifier)
        });
        match answered {
            Some(notifier) => {
                self.mail.notifier = Some(notifier);
                self.wake_mail(Duration::ZERO);
            }
            None => {
                self.lose_mail();
                self.wake_mail(AFTER_FAILURE);
            }
        }
    }

    fn post(&mut self, message: OutgoingMessage) {
        if NAMES[2..].contains(&message.receiver.as_str()) {
            let MessageContent::Http(request) = &message.content else {
                panic!("comments are posted");
            };
            let (after, answer) = self.write_back(&message.receiver, request);
            return self.after(
                after,
                Event::Told(self.me.life, message.id, Box::new(answer)),
            );
        }
        let (arrives, after, answer) = self.mail.played();
        let OutgoingMessage {
            id,
            receiver,
            content,
        } = message;
        let MessageContent::Http(request) = content else {
            panic!("the receivers are webhooks");
        };
        let word = super::word(&answer);
        self.trace(|| format!("message {id} to {receiver} -> {word}"));
        if arrives {
            let header =
                |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
            self.mail.letters.push(Letter {
                receiver,
                id: header(request.headers(), "webhook-id"),
                body: serde_json::from_slice(request.body()).unwrap(),
            });
        }
        self.after(after, Event::Told(self.me.life, id, Box::new(answer)));
    }

    pub(super) fn mail_answered(&mut self, id: i64, answer: Answer) {
        let Some(mut notifier) = self.mail.notifier.take() else {
            return;
        };
        let (receivers, now) = (self.mail.receivers.clone(), self.clock().wall);
        let answered = self.commit(move |tx| {
            let told = notifier.answer(tx, &receivers, id, &ReceiverAnswer::Http(answer), now)?;
            Ok((notifier, told))
        });
        match answered {
            Some((notifier, _)) => {
                self.mail.notifier = Some(notifier);
                self.wake_mail(Duration::ZERO);
            }
            None => {
                self.lose_mail();
                self.wake_mail(AFTER_FAILURE);
            }
        }
    }

    /// Nothing goes wrong any longer, until no message waits.
    pub fn empty_the_outbox(&mut self) {
        self.faults = Default::default();
        self.mail.calm = true;
        self.me.down = false;
        self.lose_mail();
        self.me.life += 1;
        self.agenda.clear();
        self.mail.next_poll = Timestamp::NEVER;
        self.me.next_poll = Timestamp::NEVER;
        self.far.faults(Vec::new());
        self.far.setup().per_minute = self.share.per_minute;
        self.me.lane = None;
        self.after(Duration::ZERO, Event::Load(self.me.life));
        self.wake_mail(Duration::ZERO);
        let waits = OutboxFilter {
            state: Some("waiting".to_owned()),
            ..OutboxFilter::default()
        };
        let last = self.now.plus(Duration::from_secs(3 * 86_400));
        loop {
            let ((at, _), (_, event)) = self.agenda.pop_first().expect("it polls again");
            assert!(at < last, "a message never leaves");
            self.now = at;
            match event {
                Event::Mail => self.poll_mail(),
                Event::Told(life, id, answer) if life == self.me.life => {
                    self.mail_answered(id, *answer)
                }
                Event::Granted(life, asked, answer) if life == self.me.life => {
                    self.granted(asked, *answer)
                }
                Event::Load(life) if life == self.me.life => self.load(),
                Event::Poll if self.now >= self.me.next_poll => {
                    self.me.next_poll = Timestamp::NEVER;
                    self.poll();
                }
                Event::Reach(life, fence, outgoing) if life == self.me.life => {
                    self.reach(fence, *outgoing)
                }
                Event::Return(life, id, returned) if life == self.me.life => {
                    self.answer(id, returned.0, returned.1)
                }
                _ => {}
            }
            let seen = self.mail.next_poll > self.now;
            let empty = || {
                self.store
                    .read(|reader| reader.outbox(&waits).unwrap())
                    .items
                    .is_empty()
            };
            if seen && empty() {
                return;
            }
        }
    }

    /// How many of the last letters of each id tell of so many things, by what tells them apart.
    pub fn things_told(&self, receiver: &str, kind: &str) -> BTreeMap<String, u64> {
        let mut by_id: BTreeMap<&str, u64> = BTreeMap::new();
        for letter in self.letters_of(receiver, kind) {
            by_id.insert(
                &letter.id,
                1 + letter.body["data"]["more"].as_u64().unwrap(),
            );
        }
        by_id
            .into_iter()
            .map(|(id, count)| (id.to_owned(), count))
            .collect()
    }

    pub fn letters_of<'w>(
        &'w self,
        receiver: &'w str,
        kind: &'w str,
    ) -> impl Iterator<Item = &'w Letter> {
        let letters = self.mail.letters.iter();
        letters.filter(move |letter| letter.receiver == receiver && letter.body["type"] == kind)
    }
}
