//! Messages: what became of each try, and what waits for each receiver.

use super::Metrics;
use crate::api::ReceiverView;
use scanhook_core::time::Timestamp;

impl Metrics {
    /// A message was tried.
    pub fn message(&self, receiver: &str, kind: &str, result: &str) {
        let labels = vec![
            ("receiver", receiver.to_owned()),
            ("type", kind.to_owned()),
            ("result", result.to_owned()),
        ];
        self.messages.get_or_create(&labels).inc();
    }

    /// Something was tried to be written back.
    pub fn written_back(&self, target: &str, result: &str) {
        let labels = vec![("target", target.to_owned()), ("result", result.to_owned())];
        self.write_backs.get_or_create(&labels).inc();
    }

    /// How the receivers are, for the next scrape.
    pub fn receivers(&self, receivers: &[ReceiverView], now: Timestamp) {
        for gauge in [&self.outbox_waiting, &self.outbox_age, &self.outbox_dead] {
            gauge.clear();
        }
        for receiver in receivers {
            let labels = vec![("receiver", receiver.name.clone())];
            let oldest = receiver.oldest.as_deref().and_then(Timestamp::parse);
            let age = oldest.map_or(0.0, |at| now.since(at).as_secs_f64());
            let waiting = f64::from(receiver.waiting);
            self.outbox_waiting.get_or_create(&labels).set(waiting);
            self.outbox_age.get_or_create(&labels).set(age);
            self.outbox_dead
                .get_or_create(&labels)
                .set(f64::from(receiver.dead));
        }
    }

    pub(super) fn register_messages(&mut self) {
        let to = self.registry.sub_registry_with_prefix("scanhook");
        to.register(
            "messages",
            "Tries of messages by receiver, type and what came of them",
            self.messages.clone(),
        );
        to.register(
            "write_backs",
            "Tries of comments where alerts came from, by target and what came of them",
            self.write_backs.clone(),
        );
        to.register(
            "outbox_waiting",
            "Messages that wait for a receiver",
            self.outbox_waiting.clone(),
        );
        to.register(
            "outbox_oldest_age_seconds",
            "Age of the oldest message that waits for a receiver",
            self.outbox_age.clone(),
        );
        to.register(
            "outbox_dead",
            "Messages to a receiver that were given up",
            self.outbox_dead.clone(),
        );
    }
}
