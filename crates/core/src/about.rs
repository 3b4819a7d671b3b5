//! What a line of the log about decisions and scans is about: the ids and names that a SIEM searches for. The same for
//! whoever logs, so that one search finds all lines about a device, an alert, a decision or a scan.

/// Decisions that one line names; those beyond are counted.
pub const NAMED: u32 = 20;

/// The decisions and the scan that a line is about. Names and alert ids are text of senders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The configured tenant.
    pub tenant: Option<String>,
    /// The sources of the alerts.
    pub sources: Vec<String>,
    /// The alerts, by the senders' ids.
    pub alerts: Vec<String>,
    /// The decisions, by the ids that lists and the API show.
    pub decisions: Vec<String>,
    /// Decisions that the line has no room to name.
    pub more_decisions: Option<u32>,
    /// The devices as the alerts name them.
    pub devices: Vec<String>,
    /// The name of the device, as the directory or else an alert says it.
    pub name: Option<String>,
    /// The machine's id at Defender, once known.
    pub machine: Option<String>,
    /// The scan, by the id that Defender sees as `ExternalId`.
    pub scan: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
}

impl About {
    /// Takes along another decision about an alert of a source, which names the device so.
    pub fn decision(&mut self, id: String, source: String, alert: String, device: String) {
        self.decisions.push(id);
        for (all, one) in [
            (&mut self.sources, source),
            (&mut self.alerts, alert),
            (&mut self.devices, device),
        ] {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
}
