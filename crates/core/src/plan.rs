//! One wanted scan against the history of its machine: begin, join, be answered, or wait for a person.
//! A weaker scan never answers for a stronger one, and nothing here depends on who asked.

use core::time::Duration;

use super::scan::{Kind, Mode, Priority, Reason, ScanId};
use super::time::Timestamp;
use super::verdict::{Limit, Openings, Wanted};

/// How far ahead of the time of a decision something may lie and still have happened: a decision waits a moment for its
/// transaction. What lies further ahead was written before the clock was set back, nobody knows how long ago: it neither
/// cools nor counts.
pub const AHEAD: Duration = Duration::from_secs(60);

/// What the journal knows of one machine of one tenant, and of the limits that apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The scan that surely was not carried out yet; there is at most one of a kind of mode (dry or not).
    pub waiting: Option<Waiting>,
    /// The scan that is being sent, unknown or running, or that may have been carried out; there is at most one.
    pub open: Option<Open>,
    /// The latest Quick that succeeded.
    pub last_quick: Option<Past>,
    /// The latest Full that succeeded.
    pub last_full: Option<Past>,
    /// Scans the rule has begun within its limit's window; fewer may be said while there is room.
    pub rule_used: u32,
    /// Scans the tenant has begun within its limit's window; likewise.
    pub tenant_used: u32,
}

/// A scan that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub scan: ScanId,
    /// Its kind so far.
    pub kind: Kind,
    /// Its priority so far.
    pub priority: Priority,
    /// The opening of the window it waits for; `None`: none.
    pub start: Option<Timestamp>,
    /// When it may leave at all.
    pub openings: Openings,
}

/// A scan under way, or one that may have been: its call may have been carried out, and it waits to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Which.
    pub scan: ScanId,
    /// Its kind.
    pub kind: Kind,
    /// False: somebody else began it, and it covers one of ours.
    pub ours: bool,
    /// A person asked for it to be called off, so it answers for nobody any more.
    pub called_off: bool,
}

/// A scan that ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Which.
    pub scan: ScanId,
    /// When.
    pub ended: Timestamp,
}

/// What to do with a wanted scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A new scan waits for its turn.
    Begin {
        /// The weaker open scan of the machine, which must end first.
        after: Option<ScanId>,
        /// Not sent before this: the opening of a window.
        start: Option<Timestamp>,
    },
    /// The waiting scan takes this along, and is this from now on.
    Join(Waiting),
    /// That scan answers, for this reason: [`Reason::Running`], [`Reason::Foreign`] or [`Reason::Cooldown`].
    Answered(ScanId, Reason),
    /// A person must decide: [`Reason::Approval`] or [`Reason::Limit`].
    Hold(Reason),
}

impl Plan {
    /// The reason a decision gets from this plan.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Plan::Begin { .. } => Reason::New,
            Plan::Join(_) => Reason::Merged,
            Plan::Answered(_, reason) | Plan::Hold(reason) => *reason,
        }
    }
}

/// Plans one wanted scan. `now` is the time of the decision.
#[must_use]
pub fn plan(history: &History, wanted: &Wanted, now: Timestamp) -> Plan {
    let approval = wanted.mode == Mode::Approve;
    // A window that is open already is no reason to wait.
    let start = wanted.start.filter(|start| *start > now);
    if let Some(waiting) = history.waiting.clone() {
        // Without approval nothing may make a waiting scan stronger than it was approved to be, nor earlier.
        if !approval {
            return Plan::Join(Waiting {
                scan: waiting.scan,
                kind: waiting.kind.max(wanted.kind),
                priority: waiting.priority.max(wanted.priority),
                start: waiting.start.zip(start).map(|(one, other)| one.min(other)),
                openings: waiting.openings.or(wanted.openings.clone()),
            });
        }
        if waiting.kind >= wanted.kind {
            return Plan::Join(waiting);
        }
    }
    if let Some(open) = history
        .open
        .filter(|open| open.kind >= wanted.kind && !open.called_off)
    {
        return Plan::Answered(
            open.scan,
            if open.ours {
                Reason::Running
            } else {
                Reason::Foreign
            },
        );
    }
    if let Some(past) = recent(history, wanted, now) {
        return Plan::Answered(past.scan, Reason::Cooldown);
    }
    if approval {
        return Plan::Hold(Reason::Approval);
    }
    if spent(wanted.limit, history.rule_used) || spent(wanted.tenant_limit, history.tenant_used) {
        return Plan::Hold(Reason::Limit);
    }
    // A dry scan is never sent, so nothing stands in its way.
    let after = history
        .open
        .filter(|_| wanted.mode != Mode::DryRun)
        .map(|open| open.scan);
    Plan::Begin { after, start }
}

/// The latest scan as strong as the wanted one, if it ended within the wanted scan's own cool-down. One that ended in the
/// future did so by a clock that was wrong, nobody knows when.
fn recent(history: &History, wanted: &Wanted, now: Timestamp) -> Option<Past> {
    let quick = history.last_quick.filter(|_| wanted.kind == Kind::Quick);
    let past = quick
        .into_iter()
        .chain(history.last_full)
        .filter(|past| past.ended <= now.plus(AHEAD));
    let latest = past.max_by_key(|past| past.ended)?;
    (now.since(latest.ended) < wanted.cooldown.of(wanted.kind)).then_some(latest)
}

fn spent(limit: Option<Limit>, used: u32) -> bool {
    limit.is_some_and(|limit| used >= limit.scans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Cooldown;

    const HOUR: Duration = Duration::from_secs(3600);

    fn wanted(kind: Kind) -> Wanted {
        Wanted {
            kind,
            priority: Priority::URGENT,
            mode: Mode::Enforce,
            cooldown: Cooldown {
                quick: HOUR,
                full: 6 * HOUR,
            },
            limit: Some(Limit {
                scans: 2,
                per: HOUR,
            }),
            tenant_limit: None,
            max_age: 24 * HOUR,
            hold_for: 24 * HOUR,
            start: None,
            openings: Openings::always(),
        }
    }

    fn at(hours: u32) -> Timestamp {
        Timestamp::from_millis(0).plus(hours * HOUR)
    }

    #[test]
    fn an_idle_machine_gets_a_scan() {
        assert_eq!(
            plan(&History::default(), &wanted(Kind::Quick), at(0)),
            Plan::Begin {
                after: None,
                start: None
            }
        );
    }

    #[test]
    fn a_full_waits_behind_a_running_quick_and_a_quick_is_answered_by_a_running_full() {
        let running = |kind| History {
            open: Some(Open {
                scan: ScanId(7),
                kind,
                ours: true,
                called_off: false,
            }),
            ..History::default()
        };
        assert_eq!(
            plan(&running(Kind::Quick), &wanted(Kind::Full), at(0)),
            Plan::Begin {
                after: Some(ScanId(7)),
                start: None
            }
        );
        assert_eq!(
            plan(&running(Kind::Full), &wanted(Kind::Quick), at(0)),
            Plan::Answered(ScanId(7), Reason::Running)
        );
    }

    #[test]
    fn what_is_being_called_off_answers_for_nobody() {
        let open = Open {
            scan: ScanId(7),
            kind: Kind::Full,
            ours: true,
            called_off: true,
        };
        let history = History {
            open: Some(open),
            ..History::default()
        };
        assert_eq!(
            plan(&history, &wanted(Kind::Quick), at(0)),
            Plan::Begin {
                after: Some(ScanId(7)),
                start: None
            }
        );
    }

    #[test]
    fn joining_makes_the_waiting_scan_stronger_and_never_weaker() {
        let low = Priority::new(10).unwrap_or(Priority::URGENT);
        let waiting = Waiting {
            scan: ScanId(3),
            kind: Kind::Full,
            priority: low,
            start: None,
            openings: Openings::always(),
        };
        let history = History {
            waiting: Some(waiting.clone()),
            ..History::default()
        };
        let joined = Waiting {
            priority: Priority::URGENT,
            ..waiting
        };
        assert_eq!(
            plan(&history, &wanted(Kind::Quick), at(0)),
            Plan::Join(joined)
        );
    }

    #[test]
    fn a_window_delays_the_start_and_joining_takes_the_earlier_one() {
        let later = |hours| Wanted {
            start: Some(at(hours)),
            ..wanted(Kind::Full)
        };
        let begins = plan(&History::default(), &later(5), at(0));
        assert_eq!(
            begins,
            Plan::Begin {
                after: None,
                start: Some(at(5))
            }
        );
        let open = plan(&History::default(), &later(5), at(5));
        assert_eq!(
            open,
            Plan::Begin {
                after: None,
                start: None
            },
            "it opens at this very moment"
        );
        let waiting = Waiting {
            scan: ScanId(3),
            kind: Kind::Full,
            priority: Priority::URGENT,
            start: Some(at(5)),
            openings: Openings::always(),
        };
        let history = History {
            waiting: Some(waiting.clone()),
            ..History::default()
        };
        for (wanted, start) in [
            (later(3), Some(at(3))),
            (later(9), Some(at(5))),
            (wanted(Kind::Quick), None),
        ] {
            assert_eq!(
                plan(&history, &wanted, at(0)),
                Plan::Join(Waiting {
                    start,
                    ..waiting.clone()
                })
            );
        }
    }

    #[test]
    fn a_scan_that_is_joined_may_leave_whenever_either_might() {
        let nights = || Openings::while_open(vec![vec!["nights".to_owned()]]);
        let days = || Openings::while_open(vec![vec!["days".to_owned()]]);
        for (one, other, both) in [
            (nights(), days(), nights().or(days())),
            (nights(), nights(), nights()),
            (nights(), Openings::always(), Openings::always()),
            (Openings::always(), nights(), Openings::always()),
        ] {
            let kind = Kind::Full;
            let waiting = Waiting {
                scan: ScanId(3),
                kind,
                priority: Priority::URGENT,
                start: None,
                openings: one,
            };
            let history = History {
                waiting: Some(waiting),
                ..History::default()
            };
            let Plan::Join(joined) = plan(
                &history,
                &Wanted {
                    openings: other,
                    ..wanted(kind)
                },
                at(0),
            ) else {
                panic!("it is joined")
            };
            assert_eq!(joined.openings, both);
        }
    }

    #[test]
    fn what_a_clock_that_was_ahead_let_end_in_the_future_does_not_cool() {
        let past = |at| {
            Some(Past {
                scan: ScanId(1),
                ended: at,
            })
        };
        let plan_of = |ended| {
            plan(
                &History {
                    last_full: past(ended),
                    ..History::default()
                },
                &wanted(Kind::Full),
                at(1),
            )
        };
        assert_eq!(
            plan_of(at(721)),
            Plan::Begin {
                after: None,
                start: None
            },
            "thirty days ahead"
        );
        let just = Plan::Answered(ScanId(1), Reason::Cooldown);
        assert_eq!(
            plan_of(at(1).plus(Duration::from_secs(2))),
            just,
            "and seconds are none"
        );
    }

    #[test]
    fn a_cooldown_is_the_new_decisions_own_and_a_quick_never_cools_a_full() {
        let past = |scan, hours| {
            Some(Past {
                scan: ScanId(scan),
                ended: at(hours),
            })
        };
        let history = History {
            last_quick: past(1, 10),
            last_full: past(2, 5),
            ..History::default()
        };
        assert_eq!(
            plan(&history, &wanted(Kind::Quick), at(10)),
            Plan::Answered(ScanId(1), Reason::Cooldown)
        );
        assert_eq!(
            plan(&history, &wanted(Kind::Full), at(10)),
            Plan::Answered(ScanId(2), Reason::Cooldown)
        );
        assert_eq!(
            plan(&history, &wanted(Kind::Full), at(11)),
            Plan::Begin {
                after: None,
                start: None
            },
            "six hours are over"
        );
        assert_eq!(
            plan(&history, &wanted(Kind::Quick), at(11)),
            Plan::Begin {
                after: None,
                start: None
            },
            "one hour is over"
        );
    }

    #[test]
    fn what_ended_in_the_future_does_not_cool() {
        let ended = |millis| Past {
            scan: ScanId(1),
            ended: at(10).plus(Duration::from_millis(millis)),
        };
        let plan_at_ten = |past| {
            plan(
                &History {
                    last_quick: Some(past),
                    ..History::default()
                },
                &wanted(Kind::Quick),
                at(10),
            )
        };
        assert_eq!(
            plan_at_ten(ended(5)),
            Plan::Answered(ScanId(1), Reason::Cooldown),
            "a decision that waited a moment"
        );
        assert_eq!(
            plan_at_ten(ended(3_600_000)),
            Plan::Begin {
                after: None,
                start: None
            }
        );
    }

    #[test]
    fn beyond_a_limit_a_person_decides() {
        let history = History {
            rule_used: 2,
            ..History::default()
        };
        assert_eq!(
            plan(&history, &wanted(Kind::Quick), at(0)),
            Plan::Hold(Reason::Limit)
        );
    }

    #[test]
    fn approval_holds_what_would_begin_but_not_what_is_already_answered() {
        let approve = Wanted {
            mode: Mode::Approve,
            ..wanted(Kind::Full)
        };
        assert_eq!(
            plan(&History::default(), &approve, at(0)),
            Plan::Hold(Reason::Approval)
        );
        let open = Open {
            scan: ScanId(7),
            kind: Kind::Full,
            ours: true,
            called_off: false,
        };
        let history = History {
            open: Some(open),
            ..History::default()
        };
        assert_eq!(
            plan(&history, &approve, at(0)),
            Plan::Answered(ScanId(7), Reason::Running)
        );
    }
}
