//! Messages: the loop that sends them, with its log lines and counters. The lines go by the name of the app.

use std::sync::Arc;

use crate::metrics::Metrics;
use crate::notify::MessageEvent;
use crate::notify::run::TellMessage;

/// The target of these lines.
const APP: &str = "scanhook::app";

/// One log line and the counter for each try.
pub(super) fn tell_of_messages(metrics: Arc<Metrics>) -> Arc<TellMessage> {
    Arc::new(move |event: &MessageEvent| {
        let MessageEvent {
            receiver,
            kind,
            target,
            result,
            answer,
        } = event;
        metrics.message(receiver, kind.code(), result);
        if let Some(target) = target {
            metrics.written_back(target, result);
        }
        match *result {
            "sent" => tracing::debug!(target: APP, receiver, %kind, answer, "message sent"),
            "failed" => {
                tracing::warn!(target: APP, receiver, %kind, answer, "a message was not taken: it is tried again");
            }
            _ => tracing::error!(target: APP, receiver, %kind, answer, "a message was given up"),
        }
    })
}
