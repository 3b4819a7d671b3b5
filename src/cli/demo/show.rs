//! What every act works with: the stage, the screen, the alerts sent so far, and what has gone wrong.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Stdout;

use http::StatusCode;

use super::account::{self, AlertStory};
use super::far::FarRecord;
use super::samples::{DemoDevice, Expected, Sample};
use super::screen::{Screen, ScreenRow};
use super::stage::{DemoStage, Received};
use crate::api::{AlertView, Receipt, ScanView};
use crate::clock;
use scanhook_core::counted::counted;

/// How often the admin listener is asked.
const TICK: Duration = Duration::from_millis(120);
/// How long an act may wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A performance.
pub(super) struct Show {
    pub(super) stage: DemoStage,
    pub(super) screen: Screen<Stdout>,
    /// Every sample alert, in the order of sending.
    sent: Vec<Sample>,
    /// What has gone wrong in this act.
    amiss: Vec<String>,
    /// What has gone wrong in all.
    wrong: Vec<String>,
}

impl Show {
    pub(super) fn new(stage: DemoStage, screen: Screen<Stdout>) -> Show {
        Show {
            stage,
            screen,
            sent: Vec::new(),
            amiss: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Sends a sample, which must be accepted.
    pub(super) async fn deliver(&mut self, sample: &Sample) -> anyhow::Result<Receipt> {
        let answered = self.stage.post(sample).await?;
        self.accepted(sample, &answered)
    }

    /// Sends many at once, which must all be accepted.
    pub(super) async fn deliver_all(&mut self, samples: &[Sample]) -> anyhow::Result<()> {
        for (sample, answered) in samples.iter().zip(self.stage.burst(samples).await?) {
            self.accepted(sample, &answered)?;
        }
        Ok(())
    }

    fn accepted(&mut self, sample: &Sample, answered: &Received) -> anyhow::Result<Receipt> {
        let status = answered.status;
        self.expect(status == StatusCode::ACCEPTED, || {
            format!("alert {} was answered {status}", sample.name)
        });
        self.remember(sample);
        answered.receipt()
    }

    /// This sample is to be accounted for.
    pub(super) fn remember(&mut self, sample: &Sample) {
        self.sent.push(sample.clone());
    }

    /// What must hold, and the sentence for when it does not.
    pub(super) fn expect(&mut self, holds: bool, sentence: impl FnOnce() -> String) {
        if !holds {
            self.amiss.push(sentence());
        }
    }

    /// Ends an act with what is known for certain, and with what went wrong in it.
    pub(super) fn sum(&mut self, sentence: &str) -> anyhow::Result<()> {
        self.screen.sum(self.amiss.is_empty(), sentence)?;
        for sentence in &self.amiss {
            self.screen.quote(sentence)?;
        }
        self.wrong.append(&mut self.amiss);
        Ok(())
    }

    /// What went wrong so far.
    pub(super) fn wrong(&self) -> &[String] {
        &self.wrong
    }

    /// Shows the scans of these machines until all are over.
    pub(super) async fn follow(&mut self, devices: &[DemoDevice]) -> anyhow::Result<Vec<ScanView>> {
        self.watch(devices, |scans| {
            let machines: BTreeSet<_> = scans.iter().map(|scan| &scan.machine).collect();
            machines.len() == devices.len() && scans.iter().all(is_over)
        })
        .await
    }

    /// Shows the scans of these machines until that is enough; they are returned in the order of the devices.
    pub(super) async fn watch(
        &mut self,
        devices: &[DemoDevice],
        enough: impl Fn(&[ScanView]) -> bool,
    ) -> anyhow::Result<Vec<ScanView>> {
        let begun = clock::mono();
        loop {
            let place = |scan: &ScanView| {
                devices
                    .iter()
                    .position(|device| device.machine == scan.machine)
            };
            let mut scans = self.stage.scans().await?;
            scans.retain(|scan| place(scan).is_some());
            scans.sort_by(|a, b| {
                place(a)
                    .cmp(&place(b))
                    .then_with(|| a.created_at.cmp(&b.created_at))
            });
            let rows: Vec<ScreenRow> = scans.iter().map(|scan| row(scan, devices)).collect();
            self.screen.table(&rows)?;
            if enough(&scans) {
                return Ok(scans);
            }
            if clock::mono().saturating_sub(begun) > PATIENCE {
                let states: Vec<_> = rows.iter().map(|row| row.cells.join(" ")).collect();
                let patience = PATIENCE.as_secs();
                self.expect(false, || {
                    format!(
                        "after {patience} s the scans are still: {}",
                        states.join("; ")
                    )
                });
                return Ok(scans);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// The alerts of this sample, once Defender's directory has said which machine they are about.
    pub(super) async fn resolved(&mut self, sample: &Sample) -> anyhow::Result<Vec<AlertView>> {
        let begun = clock::mono();
        loop {
            let alerts = self.stage.alerts(sample.source, &sample.name).await?;
            let waits = |alert: &AlertView| {
                alert
                    .receipt
                    .decisions
                    .iter()
                    .any(|one| one.state == "resolving")
            };
            let over = clock::mono().saturating_sub(begun) > PATIENCE;
            if over || !alerts.iter().any(waits) {
                self.expect(!over, || {
                    format!("alert {} still waits for the directory", sample.name)
                });
                return Ok(alerts);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Accounts for every sample alert by name, and for every scan.
    pub(super) async fn reckon(&mut self) -> anyhow::Result<()> {
        let (scans, far) = (self.stage.scans().await?, FarRecord::of(&self.stage.far));
        let all = self.stage.all_alerts().await?;
        let (mut accounts, mut arrived) = (Vec::new(), 0);
        let mut lost = scans
            .iter()
            .filter(|scan| scan.outcome.as_deref() == Some("lost"))
            .count();
        for sample in &self.sent {
            let place = |alert: &AlertView| {
                alert.source == sample.source && alert.receipt.id == sample.name
            };
            let alerts: Vec<AlertView> = all.iter().filter(|alert| place(alert)).cloned().collect();
            // What is not stored has arrived when it was sent.
            arrived = all.iter().position(place).unwrap_or(arrived);
            lost += usize::from(alerts.is_empty() && sample.expected != Expected::Refused);
            accounts.push((arrived, account::account(sample, &alerts, &scans, &far)));
        }
        accounts.sort_by_key(|(arrived, _)| *arrived);
        let accounts: Vec<AlertStory> = accounts.into_iter().map(|(_, account)| account).collect();
        self.screen
            .heading("Every alert by name, in the order of arrival")?;
        let rows: Vec<ScreenRow> = [account::head()]
            .into_iter()
            .chain(accounts.iter().map(AlertStory::row))
            .collect();
        self.screen.list(&rows)?;
        let unaccounted = accounts.iter().filter_map(|account| account.wrong.clone());
        self.amiss.extend(unaccounted);
        let (doubled, over, started) = (far.doubled(), far.over_quota(), far.started.len());
        self.expect(doubled == 0, || {
            format!("Defender was made to start {doubled} scans twice")
        });
        self.expect(over == 0, || {
            format!("{over} calls went beyond Defender's quota")
        });
        let all = scans.len();
        self.expect(started == all, || {
            format!("there are {all} scans here and {started} at Defender")
        });
        self.sum(&format!(
            "{}, {}: {doubled} doubled (by Defender's own log), {over} over quota, {lost} lost.",
            counted(accounts.len(), "alert"),
            counted(all, "scan"),
        ))
    }
}

/// Finished or dropped.
pub(super) fn is_over(scan: &ScanView) -> bool {
    matches!(scan.state.as_str(), "finished" | "dropped")
}

fn row(scan: &ScanView, devices: &[DemoDevice]) -> ScreenRow {
    let device = devices.iter().find(|device| device.machine == scan.machine);
    let alerts = match scan.alerts.as_slice() {
        [one] => format!("alert {one}"),
        all => counted(all.len(), "alert"),
    };
    let state = scan.outcome.as_ref().unwrap_or(&scan.state).clone();
    let name = device.map_or(&scan.machine, |device| &device.name).clone();
    let rule = scan.rule.clone().unwrap_or_default();
    let tries = counted(scan.tries as usize, "call");
    ScreenRow {
        key: scan.id.clone(),
        cells: vec![name, alerts, scan.kind.clone(), tries, state, rule],
    }
}

/// How often each of these words occurs: `8 new, 32 running`.
pub(super) fn tally<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let counted: Vec<_> = counts
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    if counted.is_empty() {
        "none".to_owned()
    } else {
        counted.join(", ")
    }
}

/// How the scans ended, or where they stand.
pub(super) fn ends(scans: &[ScanView]) -> String {
    tally(
        scans
            .iter()
            .map(|scan| scan.outcome.as_deref().unwrap_or(&scan.state)),
    )
}
