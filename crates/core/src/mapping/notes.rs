//! What comes up while one alert is read: faults, unusable fields, remarks and the trace. All parts of the reading
//! write to it, so it stands below them.

use std::collections::BTreeSet;

use super::found::TextOrigin;
use crate::alert::{AlertReason, Note};
use crate::plain::one_line;

/// What came up while one alert was read.
#[derive(Default)]
pub(super) struct Notes {
    /// Something was there to read.
    pub(super) found: bool,
    /// Why the alert must be parked; the first reason counts.
    pub(super) fault: Option<(AlertReason, String)>,
    /// Fields present with a value of a wrong type.
    pub(super) unusable: BTreeSet<String>,
    /// Fields whose text holds U+FFFD: used as it is, or unusable where it identifies something.
    pub(super) replaced: BTreeSet<String>,
    /// What a person should know about the reading.
    pub(super) told: BTreeSet<Note>,
    /// The same in words and with the text, where somebody wants to know.
    pub(super) remarks: Vec<Remark>,
    /// What supplied what, where somebody wants to know.
    pub(super) trace: Option<Vec<Supply>>,
}

/// A value that became a field, and where it stood.
pub(super) struct Supply {
    /// The device it belongs to, by its place in the alert.
    pub(super) device: Option<usize>,
    pub(super) field: String,
    pub(super) text: String,
    /// What the text was read as, where that is something else.
    pub(super) read_as: Option<String>,
    pub(super) from: TextOrigin,
}

/// A value that did not become a field, and why.
pub(super) struct Remark {
    pub(super) field: String,
    pub(super) says: String,
    pub(super) from: TextOrigin,
}

impl Notes {
    /// Notes that also remember where everything came from.
    pub(super) fn tracing() -> Notes {
        Notes {
            trace: Some(Vec::new()),
            ..Notes::default()
        }
    }

    pub(super) fn fault(&mut self, reason: AlertReason, detail: impl Into<String>) {
        // Where nobody can tell what the sender says, nothing else that was read counts, guards included.
        if self
            .fault
            .as_ref()
            .is_none_or(|(known, _)| is_doubt(reason) && !is_doubt(*known))
        {
            self.fault = Some((reason, detail.into()));
        }
    }

    /// The fault, if it is that two readers could see two values.
    pub(super) fn take_doubt(&mut self) -> Option<(AlertReason, String)> {
        self.fault.take_if(|(reason, _)| is_doubt(*reason))
    }

    pub(super) fn unusable(&mut self, field: &str) {
        self.unusable.insert(field.to_owned());
    }

    /// This text became this field.
    pub(super) fn supplied(&mut self, field: &str, text: &str, from: &TextOrigin) {
        self.supplied_as(field, text, text, from);
    }

    /// This text became this field, as this value.
    pub(super) fn supplied_as(&mut self, field: &str, text: &str, value: &str, from: &TextOrigin) {
        if let Some(trace) = &mut self.trace {
            let read_as = (text != value).then(|| value.to_owned());
            let (field, text) = (field.to_owned(), text.to_owned());
            trace.push(Supply {
                device: None,
                field,
                text,
                read_as,
                from: from.clone(),
            });
        }
    }

    /// Why this text did not become this field.
    pub(super) fn remark(&mut self, field: &str, text: &str, why: &str, from: &TextOrigin) {
        const MOST: usize = 50;
        if self.trace.is_some() && self.remarks.len() < MOST {
            let says = format!("`{}` {why}", one_line(text, 80));
            self.remarks.push(Remark {
                field: field.to_owned(),
                says,
                from: from.clone(),
            });
        }
    }
}

/// Two readers of the same body could see two values.
const fn is_doubt(reason: AlertReason) -> bool {
    matches!(
        reason,
        AlertReason::AmbiguousKey | AlertReason::DuplicateKey
    )
}
