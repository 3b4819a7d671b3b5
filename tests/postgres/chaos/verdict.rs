//! What the witnesses say when all is over: the senders, the far side's own record, the journal, and the notes of who had the
//! lease.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::leases;
use super::senders::{Load, Seen};
use super::slot::Slot;
use crate::harness::{Far, machine};
use crate::server::Server;

/// Defender's limits, of each API.
const A_MINUTE: u32 = 100;
const AN_HOUR: u32 = 1500;

pub struct Witnesses<'a> {
    pub far: &'a Far,
    pub server: &'a Server,
    pub slots: &'a [Arc<Slot>; 2],
    pub load: &'a Load,
    /// When the faults ended.
    pub last_fault: Timestamp,
}

#[derive(Debug, Default)]
pub struct Figures {
    acknowledged: usize,
    sent_again: u32,
    asked_to_wait: u32,
    broken: usize,
    reset: usize,
    scans: usize,
    scans_amid: usize,
    lost: usize,
    doubled: usize,
    late: usize,
    takeovers: usize,
    starts_refused: usize,
    peak: (u32, u32),
    longest_gap: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} alerts acknowledged, {} scans ({} amid the faults), {} lost, {} doubled, {} late, {} takeovers, \
             {} scan calls in a minute and {} in an hour at most, longest gap without a 2xx {:.1?}; senders: {} sent again, \
             {} times 503, {} refused or broken, {} reset after SIGSTOP; {} starts refused",
            self.acknowledged,
            self.scans,
            self.scans_amid,
            self.lost,
            self.doubled,
            self.late,
            self.takeovers,
            self.peak.0,
            self.peak.1,
            self.longest_gap,
            self.sent_again,
            self.asked_to_wait,
            self.broken,
            self.reset,
            self.starts_refused,
        )
    }
}

impl Witnesses<'_> {
    /// Keeps the logs where cargo keeps what tests leave behind.
    fn leave_logs(&self) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let [first, second] = self.slots;
        for (name, text) in [
            (first.name, first.log()),
            (second.name, second.log()),
            ("database", self.server.log()),
        ] {
            let path = folder.join(format!("chaos-{name}.log"));
            std::fs::write(&path, text).unwrap();
            println!("chaos: {}", path.display());
        }
    }

    /// The figures, and all that is wrong. How many alerts were sent, where all is settled.
    pub fn heard(&self, sent: Option<u32>) -> (Figures, Vec<String>) {
        let seen = self.load.seen();
        let mut wrong = seen.wrong.clone();
        let scans = self.far.scans();
        let mut figures = Figures {
            acknowledged: seen.acknowledged.len(),
            sent_again: seen.sent_again,
            asked_to_wait: seen.asked_to_wait,
            scans: scans.len(),
            scans_amid: scans
                .iter()
                .filter(|scan| scan.created < self.last_fault)
                .count(),
            longest_gap: longest_gap(&seen),
            peak: self.far.shared.with(|far| far.quota_peak("scan")),
            ..Figures::default()
        };
        let lost = self.lost(&seen);
        let doubled = self.doubled();
        let late = self.late(&mut figures);
        (figures.lost, figures.doubled, figures.late) = (lost.len(), doubled.len(), late.len());
        wrong.extend(
            [
                lost,
                doubled,
                late,
                self.over_quota(),
                self.complaints(&mut figures),
                self.broken(&seen, &mut figures),
            ]
            .concat(),
        );
        match sent {
            None => wrong.push(format!("not settled: {}", self.unsettled())),
            Some(sent) => wrong.extend(self.unlike(sent)),
        }
        if !wrong.is_empty() {
            self.leave_logs();
        }
        (figures, wrong)
    }

    /// Acknowledged and not in the journal, or there more than once.
    fn lost(&self, seen: &Seen) -> Vec<String> {
        let rows = self.server.look("SELECT alert_id FROM alert");
        let mut kept: BTreeMap<&str, u32> = BTreeMap::new();
        for row in rows.lines() {
            *kept.entry(row).or_default() += 1;
        }
        let mut wrong = Vec::new();
        for (n, _) in &seen.acknowledged {
            let times = kept.get(n.to_string().as_str()).copied().unwrap_or(0);
            if times != 1 {
                wrong.push(format!(
                    "alert {n} was acknowledged and is in the journal {times} times"
                ));
            }
        }
        wrong
    }

    /// Connections that broke although the process was there.
    fn broken(&self, seen: &Seen, figures: &mut Figures) -> Vec<String> {
        let mut wrong = Vec::new();
        for broken in &seen.broken {
            let mut slots = self.slots.iter();
            let slot = slots.find(|slot| slot.name == broken.slot).unwrap();
            if slot.was_down(broken.from, broken.until) {
                figures.broken += 1;
            } else if slot.stood_still(broken.from, broken.until) {
                figures.reset += 1;
            } else {
                let took = broken.until - broken.from;
                wrong.push(format!("{} after {took:?}: {}", slot.name, broken.says));
            }
        }
        wrong
    }

    /// Calls for a machine whose scan had been started.
    fn doubled(&self) -> Vec<String> {
        let mut started = BTreeSet::new();
        let mut wrong = Vec::new();
        for call in self.far.calls_of("scan") {
            let machine = call.machine.clone().unwrap();
            if started.contains(&machine) {
                wrong.push(format!("doubled: {call:?}; {}", self.told_of(&machine)));
            } else if call.executed {
                started.insert(machine);
            }
        }
        wrong
    }

    /// Calls by whose lease somebody else had taken.
    fn late(&self, figures: &mut Figures) -> Vec<String> {
        let taken = leases::taken(self.server, self.slots);
        figures.takeovers = taken.len();
        let mut wrong = Vec::new();
        for (slot, of) in self.slots.iter().enumerate() {
            for call in of.door.calls() {
                let before = taken.partition_point(|lease| lease.at <= call.at);
                let lease = before.checked_sub(1).map(|last| &taken[last]);
                if lease.is_none_or(|lease| lease.slot != slot) {
                    let around = &taken[before.saturating_sub(3)..taken.len().min(before + 3)];
                    wrong.push(format!("late: {call:?} by {}; {around:?}", of.name));
                }
            }
        }
        wrong
    }

    fn over_quota(&self) -> Vec<String> {
        let calls = self.far.calls();
        let routes: BTreeSet<&str> = calls.iter().map(|call| call.route).collect();
        let mut wrong = Vec::new();
        for route in routes {
            let (minute, hour) = self.far.shared.with(|far| far.quota_peak(route));
            if minute > A_MINUTE || hour > AN_HOUR {
                wrong.push(format!("{route}: {minute} a minute, {hour} an hour"));
            }
        }
        let refused = calls.iter().filter(|call| call.status == Some(429));
        wrong.extend(refused.map(|call| format!("refused by the quota: {call:?}")));
        wrong
    }

    /// Panics, and starts that were refused for another reason than that the database was away.
    fn complaints(&self, figures: &mut Figures) -> Vec<String> {
        let mut wrong = Vec::new();
        for slot in self.slots {
            let log = slot.log();
            let panics = log.lines().filter(|line| line.contains("panicked"));
            wrong.extend(panics.map(|line| format!("{}: {line}", slot.name)));
            let refused = slot.refused_starts();
            figures.starts_refused += refused.len();
            let away = |line: &String| {
                line.contains("[journal-unreachable]") || line.contains("[journal-unanswered]")
            };
            let others = refused.into_iter().filter(|line| !away(line));
            wrong.extend(others.map(|line| format!("{} did not start: {line}", slot.name)));
        }
        wrong
    }

    /// Every alert is decided once and as it should be, and every machine that was to be scanned has one good scan.
    fn unlike(&self, sent: u32) -> Vec<String> {
        let scanned = (0..sent).filter(|n| self.load.wants_scan(*n)).count();
        let rows = |sql| self.server.look(sql);
        let found = [
            rows("SELECT state || ' ' || reason, count(*) FROM decision GROUP BY 1 ORDER BY 1"),
            rows(
                "SELECT state || ' ' || outcome, count(*), count(DISTINCT machine) FROM scan GROUP BY 1 ORDER BY 1",
            ),
        ];
        let others = usize::try_from(sent).unwrap() - scanned;
        let wanted = [
            format!("none no_match|{others}\nscan new|{scanned}"),
            format!("finished succeeded|{scanned}|{scanned}"),
        ];
        let mut wrong = Vec::new();
        if found != wanted {
            wrong.push(format!("the journal has {found:?} instead of {wanted:?}"));
        }
        let scans: BTreeSet<String> = self
            .far
            .scans()
            .into_iter()
            .map(|scan| scan.machine)
            .collect();
        let missing =
            (0..sent).filter(|n| self.load.wants_scan(*n) && !scans.contains(&machine(*n)));
        wrong.extend(missing.map(|n| format!("not scanned: {}", self.told_of(&machine(n)))));
        wrong
    }

    fn unsettled(&self) -> String {
        let scans = "SELECT machine FROM scan WHERE state <> 'finished' LIMIT 5";
        let told: Vec<String> = self
            .server
            .look(scans)
            .lines()
            .map(|machine| self.told_of(machine))
            .collect();
        let decisions = "SELECT state, reason, count(*) FROM decision GROUP BY 1, 2";
        let lanes = "SELECT app, fence, holder, until - (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT, board FROM lane";
        format!(
            "{} {} {told:#?}",
            self.server.look(decisions),
            self.server.look(lanes)
        )
    }

    /// What the journal says about a machine's scans.
    fn told_of(&self, machine: &str) -> String {
        self.server.look(&format!(
            "SELECT scan.id, scan.state, scan.created_at, scan.sent_at, event.at, event.what, event.data FROM scan
             LEFT JOIN event ON event.scan = scan.id WHERE machine = '{machine}' ORDER BY event.id"
        ))
    }
}

fn longest_gap(seen: &Seen) -> Duration {
    let mut at: Vec<_> = seen.acknowledged.iter().map(|(_, at)| *at).collect();
    at.sort_unstable();
    let gaps = at.windows(2).map(|two| two[1] - two[0]);
    gaps.max().unwrap_or_default()
}
