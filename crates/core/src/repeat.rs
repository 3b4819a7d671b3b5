//! When an alert says nothing new of a device: an earlier alert of the same finding was at least as bad, asked for at
//! least as much, and did not come to nothing.
//!
//! * The same bytes: intake finds the delivery's key in the transaction and answers 200, `"duplicate": true`, with the
//!   receipt made from the stored rows. Nothing is written.
//! * The same finding in other bytes, such as an updated incident: where each device has an earlier decision that
//!   [`Earlier::covers`] what is asked for, the alert is stored as `duplicate`, `repeated`, without decisions.
//! * The same finding but more of it: a higher severity, a new device, a stronger scan, or an earlier one that came to
//!   nothing. It is decided like a new one, and the machine's history makes of it a join (`merged`), an answer
//!   (`running`, `cooldown`) or a stronger scan.
//!
//! All three end with the source's `remember`. After that the alert is a new one, and only the cool-down stands between
//! it and a scan.

use super::alert::Severity;
use super::scan::{DecisionState, Kind, Mode, Outcome, Priority, Reason};
use super::verdict::Asks;

/// How much a verdict asks for, so that two can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand(Option<(Kind, Priority, Mode)>);

impl Demand {
    /// What a verdict asks for; `None`: only the directory's answer will tell.
    #[must_use]
    pub fn of(asks: &Asks) -> Option<Demand> {
        Some(Demand(match asks {
            Asks::Resolve(_) => return None,
            Asks::Nothing(_) => None,
            // A person decides first, as with the mode that asks for an approval.
            Asks::Hold(_, wanted) => {
                Some((wanted.kind, wanted.priority, wanted.mode.min(Mode::Approve)))
            }
            Asks::Scan(wanted) => Some((wanted.kind, wanted.priority, wanted.mode)),
        }))
    }

    /// Whether the other one asks for nothing that this one did not ask for.
    fn covers(self, other: Demand) -> bool {
        match (self.0, other.0) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some((kind, priority, mode)), Some(other)) => {
                kind >= other.0 && priority >= other.1 && mode >= other.2
            }
        }
    }

    /// As a number for the journal: kind, mode and priority, a byte each.
    #[must_use]
    pub fn number(self) -> i64 {
        let Some((kind, priority, mode)) = self.0 else {
            return 0;
        };
        ((kind as i64 + 1) << 16) + ((mode as i64) << 8) + i64::from(priority.get())
    }

    /// The demand of a number; `None` for one that this version does not know.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Demand> {
        let byte = |place: u32| usize::try_from(number >> place & 0xff).ok();
        let Some(kind) = byte(16)?.checked_sub(1) else {
            return Some(Demand(None));
        };
        let priority = Priority::new(u8::try_from(byte(0)?).ok()?)?;
        Some(Demand(Some((
            *Kind::ALL.get(kind)?,
            priority,
            *Mode::ALL.get(byte(8)?)?,
        ))))
    }
}

/// The severities that alerts of a finding had, none among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Severities(u8);

impl Severities {
    /// From a number of the journal.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Severities {
        Severities(bits)
    }

    /// As a number for the journal.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, severity: Option<Severity>) -> Severities {
        Severities(self.0 | Severities::bit(severity))
    }

    /// Whether one was at least as bad. A severity off the scale may be anything: only another such covers it.
    fn cover(self, severity: Option<Severity>) -> bool {
        match severity {
            None => self.0 & Severities::bit(None) != 0,
            Some(_) => self.0 >= Severities::bit(severity),
        }
    }

    const fn bit(severity: Option<Severity>) -> u8 {
        match severity {
            None => 1,
            Some(severity) => 2 << severity as u8,
        }
    }
}

/// What was decided about a device for an earlier alert of the same finding.
#[derive(Clone, Copy, Debug)]
pub struct Earlier {
    /// The severities it came with so far.
    pub severities: Severities,
    /// What it asked for; `None`: not known yet.
    pub asked: Option<Demand>,
    /// What the rules saw of the alert, as a hash; kept where the directory has to tell what is asked for.
    pub content: Option<[u8; 8]>,
    /// What became of the decision.
    pub state: DecisionState,
    /// Why.
    pub reason: Reason,
    /// How its scan ended.
    pub outcome: Option<Outcome>,
    /// Its scan waits for a window to open.
    pub waits: bool,
}

impl Earlier {
    /// Whether an alert of this severity, about which `asks` was decided, says nothing new. `content` is what the rules
    /// saw of it, where only the directory's answer will tell what it asks for.
    #[must_use]
    pub fn covers(
        &self,
        severity: Option<Severity>,
        asks: &Asks,
        content: Option<[u8; 8]>,
    ) -> bool {
        if self.came_to_nothing() || !self.severities.cover(severity) {
            return false;
        }
        if let Asks::Scan(wanted) = asks
            && self.waits
            && wanted.start.is_none()
        {
            return false;
        }
        match Demand::of(asks) {
            Some(demand) => self.asked.unwrap_or_default().covers(demand),
            None => content.is_some() && content == self.content,
        }
    }

    /// Nothing was scanned though it was to be, and another try may go otherwise.
    fn came_to_nothing(&self) -> bool {
        match self.state {
            DecisionState::Dropped => matches!(self.reason, Reason::Expired | Reason::TooOld),
            DecisionState::Scan => matches!(
                self.outcome,
                Some(
                    Outcome::Failed
                        | Outcome::Timeout
                        | Outcome::Lost
                        | Outcome::TooOld
                        | Outcome::Refused
                )
            ),
            DecisionState::None | DecisionState::Resolving | DecisionState::Held => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(kind: Kind, priority: u8, mode: Mode) -> Demand {
        Demand(Some((kind, Priority::new(priority).unwrap(), mode)))
    }

    #[test]
    fn a_number_holds_a_demand() {
        let mut all = vec![Demand(None)];
        for kind in Kind::ALL {
            all.extend(
                Mode::ALL
                    .iter()
                    .flat_map(|mode| [0, 50, 100].map(|priority| demand(*kind, priority, *mode))),
            );
        }
        for demand in all {
            assert_eq!(Demand::of_number(demand.number()), Some(demand));
        }
        assert_eq!(Demand::of_number(i64::MAX), None);
    }

    #[test]
    fn a_demand_covers_another_that_asks_for_more_in_nothing() {
        let base = demand(Kind::Quick, 50, Mode::Approve);
        for less in [Demand(None), base, demand(Kind::Quick, 40, Mode::DryRun)] {
            assert!(base.covers(less), "{less:?}");
        }
        for more in [
            demand(Kind::Full, 10, Mode::DryRun),
            demand(Kind::Quick, 51, Mode::DryRun),
            demand(Kind::Quick, 50, Mode::Enforce),
        ] {
            assert!(!base.covers(more), "{more:?}");
        }
        assert!(!Demand(None).covers(base));
    }

    #[test]
    fn a_severity_off_the_scale_is_covered_by_another_such_only() {
        let high = Severities::default().with(Some(Severity::High));
        assert!(high.cover(Some(Severity::High)) && high.cover(Some(Severity::Informational)));
        assert!(!high.cover(Some(Severity::Critical)) && !high.cover(None));
        assert!(
            high.with(None).cover(None)
                && !Severities::default()
                    .with(None)
                    .cover(Some(Severity::Informational))
        );
    }
}
