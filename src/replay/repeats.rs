//! Which alerts of captured bodies came before, as intake tells them: the same source and sameness within the time it
//! remembers, no device that is new, and nothing worse.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap, VecDeque};

use scanhook_core::alert::{Alert, Severity};
use scanhook_core::time::Timestamp;

/// What is remembered of the alerts of one source.
#[derive(Default)]
pub(super) struct Repeats {
    known: HashMap<String, Vec<EarlierFinding>>,
    /// In the order they came, to be forgotten.
    order: VecDeque<(Timestamp, String)>,
}

struct EarlierFinding {
    at: Timestamp,
    severity: Option<Severity>,
    devices: Vec<String>,
}

impl Repeats {
    /// Whether this alert is a repeat; if not it is remembered.
    pub(super) fn is_repeat(&mut self, alert: &Alert, remember: Duration, now: Timestamp) -> bool {
        let since = now.minus(remember);
        while self.order.front().is_some_and(|(at, _)| *at <= since) {
            let Some((_, key)) = self.order.pop_front() else {
                break;
            };
            if let Some(earlier) = self.known.get_mut(&key) {
                earlier.retain(|one| one.at > since);
                if earlier.is_empty() {
                    self.known.remove(&key);
                }
            }
        }
        let earlier = self.known.get(&alert.dedupe).map_or(&[][..], Vec::as_slice);
        // A severity off the scale may be anything: only another such is as bad.
        let covers = |one: &&EarlierFinding| match alert.severity {
            None => one.severity.is_none(),
            Some(_) => one.severity >= alert.severity,
        };
        let as_bad = earlier.iter().filter(covers);
        let known: BTreeSet<&str> = as_bad
            .flat_map(|one| &one.devices)
            .map(String::as_str)
            .collect();
        if !earlier.is_empty()
            && alert
                .devices
                .iter()
                .all(|device| known.contains(device.label()))
        {
            return true;
        }
        let devices = alert
            .devices
            .iter()
            .map(|device| device.label().to_owned())
            .collect();
        let one = EarlierFinding {
            at: now,
            severity: alert.severity,
            devices,
        };
        self.known
            .entry(alert.dedupe.clone())
            .or_default()
            .push(one);
        self.order.push_back((now, alert.dedupe.clone()));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanhook_core::alert::Device;

    fn alert(dedupe: &str, severity: Severity, device: &str) -> Alert {
        let device = Device {
            name: Some(device.to_owned()),
            ..Device::default()
        };
        Alert {
            dedupe: dedupe.to_owned(),
            severity: Some(severity),
            devices: vec![device],
            ..Alert::default()
        }
    }

    #[test]
    fn the_same_alert_is_a_repeat_unless_it_is_worse_or_names_another_device_or_is_forgotten() {
        let mut repeats = Repeats::default();
        let hour = Duration::from_secs(3_600);
        let mut is = |alert: &Alert, seconds: i64| {
            repeats.is_repeat(alert, hour, Timestamp::from_millis(seconds * 1_000))
        };
        assert!(!is(&alert("1", Severity::Low, "a"), 0));
        assert!(is(&alert("1", Severity::Low, "a"), 10));
        assert!(!is(&alert("2", Severity::Low, "a"), 10));
        assert!(!is(&alert("1", Severity::High, "a"), 20), "it is worse");
        assert!(is(&alert("1", Severity::Medium, "a"), 30));
        assert!(
            !is(&alert("1", Severity::Medium, "b"), 30),
            "another device"
        );
        assert!(
            !is(&alert("1", Severity::High, "a"), 3_620),
            "an hour is over"
        );
    }
}
