//! Why a scan is not sent yet, and what a decision waits for: the one place that knows, and the words for it. Pure: the
//! journal brings what it knows of the scan, the lane what keeps it from sending anything.

mod cause;
mod pause;
mod phrase;

pub use cause::Cause;
pub use pause::Pause;

use phrase::{look_up, no_token, quota, times, window};

use super::obstacles::{FarSide, Obstacles, Outage, Spent};
use super::scan::{Kind, Priority};
use super::time::Timestamp;

/// One thing that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The configuration does not name this tenant any more.
    NotConfigured(String),
    /// The process or the tenant is in dry run.
    DryRun,
    /// A person has paused it.
    Paused(Pause),
    /// Why the tenant is stopped.
    Stopped(String),
    /// A far side cannot be reached.
    Unreachable(Outage),
    /// Defender asked to wait until then.
    Throttled(Timestamp),
    /// No call before this.
    BackingOff(Timestamp),
    /// A token is asked for then, or now; and why none can be had yet, if that is known.
    NoToken(Option<Timestamp>, Option<String>),
    /// The disk is full.
    DiskFull,
    /// These windows are closed, until then, if that is known.
    Window(Vec<String>, Option<Timestamp>),
    /// This scan of ours must end first.
    Behind(String, Kind),
    /// This machine action of somebody else must end first; it is looked at then.
    Foreign(String, Timestamp),
    /// The machine is busy; it was called so often, and is called again then.
    Busy(u32, Timestamp),
    /// Defender forbids this machine: it did so often, and is tried again then.
    Forbidden(u32, Timestamp),
    /// It was sent at the first, and the list of machine actions is read at the second.
    Unanswered(Timestamp, Timestamp),
    /// Its call left then.
    Sending(Timestamp),
    /// The quota leaves no room.
    Quota(Spent),
    /// Its turn, by this priority.
    Turn(Priority),
    /// The directory was asked then, or not yet; it is decided without an answer from the second on.
    LookUp(Option<Timestamp>, Timestamp),
}

/// What the journal knows of a scan that is not with Defender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanStanding {
    /// It is decided and shown, and never sent.
    pub dry: bool,
    /// A person holds it back.
    pub pause: Option<Pause>,
    /// What stands in the way of this scan alone.
    pub own: Option<Wait>,
    /// Its place in the queue.
    pub priority: Priority,
}

/// How often the scan of one machine may be forbidden before it is dropped.
pub const FORBIDDEN: u32 = 6;

impl Wait {
    /// All that a scan waits for, what people can change first.
    #[must_use]
    pub fn of(kept: ScanStanding, obstacles: &Obstacles) -> Vec<Wait> {
        if kept.dry {
            // It is never sent: nothing but its window keeps it.
            return kept.own.into_iter().collect();
        }
        if let Some(sending @ (Wait::Sending(_) | Wait::Unanswered(..))) = kept.own {
            return core::iter::once(sending)
                .chain(Wait::to_ask(obstacles))
                .collect();
        }
        let mut waits: Vec<Wait> = obstacles
            .dry_run
            .then_some(Wait::DryRun)
            .into_iter()
            .collect();
        waits.extend(kept.pause.map(Wait::Paused));
        waits.extend(kept.own);
        waits.extend(Wait::to_ask(obstacles));
        if obstacles.disk_full {
            waits.push(Wait::DiskFull);
        }
        if waits.is_empty() {
            let kept_back = obstacles
                .spent
                .filter(|spent| !spent.kept || kept.priority < Priority::URGENT);
            waits.push(kept_back.map_or(Wait::Turn(kept.priority), Wait::Quota));
        }
        waits
    }

    /// What keeps the tenant from calling anybody.
    #[must_use]
    pub fn to_ask(obstacles: &Obstacles) -> Vec<Wait> {
        if let Some(why) = &obstacles.stopped {
            return vec![Wait::Stopped(why.clone())];
        }
        let mut waits: Vec<Wait> = obstacles
            .throttled_until
            .map(Wait::Throttled)
            .into_iter()
            .collect();
        // While there is a token, nobody has to reach Entra.
        let outages = obstacles.outages.iter();
        let outages = outages.filter(|one| one.side == FarSide::Defender || obstacles.no_token);
        waits.extend(outages.cloned().map(Wait::Unreachable));
        if waits.is_empty() {
            waits.extend(
                obstacles
                    .no_token
                    .then(|| Wait::NoToken(obstacles.token_at, obstacles.token_lacks.clone())),
            );
            waits.extend(obstacles.resting_until.map(Wait::BackingOff));
        }
        waits
    }

    /// Its code.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Wait::NotConfigured(_) => Cause::NotConfigured,
            Wait::DryRun => Cause::DryRun,
            Wait::Paused(_) => Cause::Paused,
            Wait::Stopped(_) => Cause::Stopped,
            Wait::Unreachable(Outage {
                side: FarSide::Entra,
                ..
            }) => Cause::EntraUnreachable,
            Wait::Unreachable(Outage {
                side: FarSide::Defender,
                ..
            }) => Cause::DefenderUnreachable,
            Wait::Throttled(_) => Cause::Throttled,
            Wait::BackingOff(_) => Cause::BackingOff,
            Wait::NoToken(..) => Cause::NoToken,
            Wait::DiskFull => Cause::DiskFull,
            Wait::Window(..) => Cause::Window,
            Wait::Behind(..) => Cause::Behind,
            Wait::Foreign(..) => Cause::Foreign,
            Wait::Busy(..) => Cause::Busy,
            Wait::Forbidden(..) => Cause::Forbidden,
            Wait::Unanswered(..) => Cause::Unanswered,
            Wait::Sending(_) => Cause::Sending,
            Wait::Quota(Spent { kept: true, .. }) => Cause::KeptForUrgent,
            Wait::Quota(_) => Cause::Quota,
            Wait::Turn(_) => Cause::Turn,
            Wait::LookUp(..) => Cause::LookUp,
        }
    }

    /// When it is over, or looked at again, where that is known.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Wait::Paused(pause) => pause.until,
            Wait::Unreachable(outage) => outage.again,
            Wait::Quota(spent) => Some(spent.until),
            Wait::Window(_, until) | Wait::NoToken(until, _) => *until,
            Wait::Throttled(until)
            | Wait::BackingOff(until)
            | Wait::Foreign(_, until)
            | Wait::Busy(_, until)
            | Wait::Forbidden(_, until)
            | Wait::Unanswered(_, until)
            | Wait::LookUp(_, until) => Some(*until),
            Wait::NotConfigured(_)
            | Wait::DryRun
            | Wait::Stopped(_)
            | Wait::DiskFull
            | Wait::Behind(..)
            | Wait::Sending(_)
            | Wait::Turn(_) => None,
        }
    }

    /// One sentence: who or what, the number or the time, and what to do about it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Wait::NotConfigured(tenant) => {
                format!(
                    "scanhook.toml names no tenant `{tenant}` any more: name it again, and its work goes on"
                )
            }
            Wait::DryRun => {
                "the process or the tenant is in dry run, so nothing is sent: take `--dry-run` or \
                             `mode = \"dry_run\"` away"
                    .to_owned()
            }
            Wait::Paused(pause) => pause.sentence(),
            Wait::Stopped(why) => format!("the tenant is stopped: {why}"),
            Wait::Unreachable(outage) => outage.sentence(),
            Wait::Throttled(until) => {
                format!(
                    "Defender asked to wait until {} (429); nothing to do",
                    until.shown()
                )
            }
            Wait::BackingOff(until) => {
                format!(
                    "the last calls failed; the next is made at {}; nothing to do",
                    until.shown()
                )
            }
            Wait::NoToken(asked, lacks) => no_token(*asked, lacks.as_deref()),
            Wait::DiskFull => {
                "the disk of the journal is full: make room, and it is sent".to_owned()
            }
            Wait::Window(names, opens) => window(names, *opens),
            Wait::Behind(scan, kind) => format!(
                "the {kind} scan {scan} of this machine must end first: `scanhook scans {scan}` shows it, `scanhook cancel {scan}` calls it off"
            ),
            Wait::Foreign(action, at) => format!(
                "somebody else's scan of this machine (machine action {action}) must end first; looked at again at {}; \
                 nothing to do",
                at.shown()
            ),
            Wait::Busy(tries, at) => format!(
                "Defender says that the machine is busy with another scan; called {}, next at {}; nothing to do",
                times(*tries),
                at.shown()
            ),
            Wait::Forbidden(refusals, at) => format!(
                "Defender forbids a scan of this machine; tried {refusals} of {FORBIDDEN} times, next at {}; check the device \
                 groups that the app may act on",
                at.shown()
            ),
            Wait::Unanswered(sent, at) => format!(
                "it was sent at {}, and the answer was lost; the list of machine actions is read at {} to see whether it has \
                 begun; nothing to do",
                sent.shown(),
                at.shown()
            ),
            Wait::Sending(at) => format!(
                "its call left at {}, and the answer is awaited; nothing to do",
                at.shown()
            ),
            Wait::Quota(spent) => quota(spent),
            Wait::Turn(priority) => {
                format!("it is sent in its turn, by priority ({priority}) and age; nothing to do")
            }
            Wait::LookUp(asked, late) => look_up(*asked, *late),
        }
    }
}

#[cfg(test)]
mod tests;
