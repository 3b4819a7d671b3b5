//! The loop of messages: write(poll) → send → select: stop, an answer, a wake-up, time → again.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::desk::MessageDesk;
use super::smtp;
use super::state::{
    AzureTokenCall, MessageContent, MessageEvent, Notifier, OutgoingMessage, ReceiverAnswer,
};
use crate::clock;
use crate::defender::Answer;
use crate::defender::client::{Client, Timeouts};
use crate::defender::network::{HttpProxy, NetworkSettings};
use crate::defender::write_back::LONGEST_ALERT;
use crate::in_force::Current;
use crate::journal::{Journal, JournalError, MESSAGES, Occasion, Seat};
use crate::settings::Settings;
use crate::worker::Loans;
use crate::worker::run::completed;
use scanhook_core::lease::Trust;
use scanhook_core::message::{LONGEST_ANSWER, MessageType};

/// The loop sleeps no longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);
/// What happens within this span is gone through together, so that a storm of alerts is no storm of polls.
const GATHER_FOR: Duration = Duration::from_millis(100);
/// How long a journal that fails is left alone.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long a mail may take: relays look at the sender and the text before they answer.
const MAIL_WITHIN: Duration = Duration::from_secs(60);

/// Is told what became of each try.
pub type TellMessage = dyn Fn(&MessageEvent) + Send + Sync;

/// What the loop runs with.
pub struct MessageRunner {
    pub journal: Journal,
    /// The receivers in force.
    pub current: Current,
    /// True once the process stops.
    pub stop: watch::Receiver<bool>,
    /// What comments are written back with.
    pub loans: watch::Receiver<Loans>,
    /// Where other processes have the same journal: in whose name it asks for the lease of messages.
    pub seat: Option<Seat>,
    pub tell: Arc<TellMessage>,
}

/// Whose answer comes.
enum AnswerTo {
    /// That to a message.
    Message(i64),
    /// A token of a tenant, by the id of its request.
    Token(String, Uuid),
}

/// The connections to each receiver, and over which network they were made.
type Clients = BTreeMap<String, (NetworkSettings, Client)>;

impl MessageRunner {
    /// Runs until the process stops. Messages under way are not waited for: they leave again after the next start.
    pub async fn run(mut self) -> &'static str {
        let mut clients = Clients::new();
        let mut fails = false;
        while !*self.stop.borrow() {
            let error = match self.session(&mut clients, &mut fails).await {
                // Another had a part of it in between: what is under way is looked at anew.
                Ok(()) | Err(JournalError::Deposed) => continue,
                Err(error) => error,
            };
            tracing::error!(code = error.code(), %error, "messages wait: the journal fails");
            if !fails {
                fails = true;
                self.tell_from_memory(&mut clients, &error).await;
            }
            tokio::select! {
                _ = self.stop.changed() => {}
                () = tokio::time::sleep(AFTER_FAILURE) => {}
            }
        }
        "the messages"
    }

    /// From an empty memory until a commit fails or the process stops.
    async fn session(
        &mut self,
        clients: &mut Clients,
        fails: &mut bool,
    ) -> Result<(), JournalError> {
        let wake = self.journal.wake(MESSAGES);
        let (mut notifier, mut desk) = (Notifier::default(), MessageDesk::new(self.seat));
        let longest = self
            .seat
            .map_or(LONGEST_SLEEP, |seat| seat.terms.look_after(0));
        let mut sending: JoinSet<(AnswerTo, ReceiverAnswer)> = JoinSet::new();
        while !*self.stop.borrow() {
            let in_force = self.current.borrow_and_update().clone();
            let loans = self.loans.borrow_and_update().clone();
            notifier.borrow_from(loans.clone());
            let settings = in_force.settings.clone();
            let works_again = core::mem::take(fails);
            let polled = self.journal.write(move |tx| {
                if works_again {
                    let works = Occasion::new(MessageType::JournalFailing, None, "").resolved();
                    tx.tell(&works, clock::now())?;
                }
                let (receivers, public) = (&settings.receivers, settings.admin.public_url.as_ref());
                let now = clock::now();
                let part = desk.part(tx, receivers, &loans)?;
                let due = notifier.poll(tx, (receivers, &part), public, now)?;
                Ok((notifier, desk, part, due))
            });
            let (part, due);
            (notifier, desk, part, due) = polled.await.inspect_err(|_| *fails = works_again)?;
            for message in due.messages {
                let trust = part.trust(&message.receiver);
                send(&mut sending, clients, &in_force.settings, (message, trust));
            }
            for call in due.tokens {
                ask(&mut sending, clients, &in_force.settings, call);
            }
            let sleep = longest.min(due.wake_at.since(clock::now()));
            let mut receivers = in_force.settings.receivers.iter();
            let writes_back = receivers.any(|one| one.channel.write_back().is_some());
            let has_receivers = !in_force.settings.receivers.is_empty();
            tokio::select! {
                _ = self.stop.changed() => {}
                Ok(()) = self.current.changed() => {}
                Ok(()) = self.loans.changed(), if writes_back => {}
                Some(done) = sending.join_next() => {
                    let (asked, answer) = done.map_err(|_| JournalError::Gone)?;
                    let settings = in_force.settings.clone();
                    let loans = self.loans.borrow().clone();
                    let answered = self.journal.write(move |tx| {
                        let (receivers, now) = (&settings.receivers, clock::now());
                        // What another process has taken over by now is not written down as ours.
                        desk.part(tx, receivers, &loans)?;
                        let told = match asked {
                            AnswerTo::Message(id) => notifier.answer(tx, receivers, id, &answer, now)?,
                            AnswerTo::Token(tenant, id) => {
                                if let ReceiverAnswer::Http(answer) = &answer {
                                    let asked = (tenant.as_str(), id);
                                    notifier.token_answer(tx, receivers, asked, answer, now)?;
                                }
                                None
                            }
                        };
                        Ok((notifier, desk, told))
                    });
                    let told;
                    (notifier, desk, told) = answered.await?;
                    told.iter().for_each(|told| (self.tell)(told));
                }
                () = woken(&wake), if has_receivers => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
        self.journal.write(move |tx| desk.free(tx)).await
    }

    /// The journal fails, so nothing can be written down: whoever wants to know is told from memory, once.
    async fn tell_from_memory(&self, clients: &mut Clients, error: &JournalError) {
        let settings = self.current.borrow().settings.clone();
        let mut sending: JoinSet<(AnswerTo, ReceiverAnswer)> = JoinSet::new();
        let messages = super::render::of_memory(&settings, error.code(), clock::now());
        for message in messages {
            send(&mut sending, clients, &settings, (message, None));
        }
        while sending.join_next().await.is_some() {}
    }
}

/// Woken, and what happens in the next moment is gone through as well.
async fn woken(wake: &tokio::sync::Notify) {
    wake.notified().await;
    tokio::time::sleep(GATHER_FOR).await;
}

/// Over which network a receiver is reached: that of `[network]`, or its own proxy.
fn network(settings: &Settings, receiver: &str) -> NetworkSettings {
    let mut network = settings.network.clone();
    let mut receivers = settings.receivers.iter();
    let own = receivers
        .find(|known| known.name == receiver)
        .and_then(|receiver| receiver.proxy.clone());
    if let Some(url) = own {
        network.proxy = Some(HttpProxy {
            url,
            login: None,
            direct: Vec::new(),
        });
    }
    network
}

fn send(
    sending: &mut JoinSet<(AnswerTo, ReceiverAnswer)>,
    clients: &mut Clients,
    settings: &Settings,
    (message, trust): (OutgoingMessage, Option<Trust>),
) {
    let OutgoingMessage {
        id,
        receiver,
        content,
    } = message;
    match content {
        MessageContent::Mail(mail) => {
            let roots = settings.network.roots.clone();
            sending.spawn(async move {
                let sent = tokio::time::timeout(MAIL_WITHIN, smtp::send(mail, &roots)).await;
                let text = "timeout".to_owned();
                (
                    AnswerTo::Message(id),
                    sent.unwrap_or(ReceiverAnswer::Mail { code: None, text }),
                )
            });
        }
        MessageContent::Http(mut request) => {
            if let Some(trust) = trust {
                request.extensions_mut().insert(trust);
            }
            let client = client(clients, settings, &receiver);
            // What is written is answered by a status, and what is asked by the whole body.
            let asks = request.method() == Method::GET;
            sending.spawn(async move {
                let answer = match client {
                    Some(client) if asks => client.capped(LONGEST_ALERT).send(request).await,
                    Some(client) => client.send(request).await,
                    None => Answer::NotSent("no-client".into()),
                };
                (AnswerTo::Message(id), ReceiverAnswer::Http(answer))
            });
        }
    }
}

/// The connections to a receiver, or without a name to nobody in particular, made anew when its network is another.
fn client(clients: &mut Clients, settings: &Settings, receiver: &str) -> Option<Client> {
    let network = network(settings, receiver);
    let known = clients.get(receiver);
    if known.is_none_or(|(known, _)| !known.is_same(&network)) {
        let timeouts = Timeouts {
            total: Duration::from_secs(10),
            longest: LONGEST_ANSWER,
            cuts: true,
            ..Timeouts::default()
        }
        .under(settings.journal.terms());
        match Client::build(timeouts, &network) {
            Ok(client) => drop(clients.insert(receiver.to_owned(), (network, client))),
            Err(error) => {
                tracing::error!(receiver, %error, "no connection can be made");
                clients.remove(receiver);
            }
        }
    }
    clients.get(receiver).map(|(_, client)| client.clone())
}

/// Asks for a token for Azure.
fn ask(
    sending: &mut JoinSet<(AnswerTo, ReceiverAnswer)>,
    clients: &mut Clients,
    settings: &Settings,
    call: AzureTokenCall,
) {
    let client = client(clients, settings, "");
    sending.spawn(async move {
        let answer = match (client, completed(call.request, call.file).await) {
            (Some(client), Ok(completed)) => client.send(completed.request).await,
            (Some(_), Err(trouble)) => Answer::NotSent(trouble.code().into()),
            (None, _) => Answer::NotSent("no-client".into()),
        };
        (
            AnswerTo::Token(call.tenant, call.id),
            ReceiverAnswer::Http(answer),
        )
    });
}
