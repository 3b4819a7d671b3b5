//! How patient the worker is.

use core::time::Duration;

use super::listing::MOST_ROWS;

/// How patient the worker is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first look at a running scan; later ones grow with its age.
    pub follow_first: Duration,
    /// The longest time between two looks.
    pub follow_most: Duration,
    /// Scans older than this are looked for by themselves, so that they stretch nobody else's list.
    pub old: Duration,
    /// Rows of the list that are asked for at once.
    pub rows: usize,
    /// How long a sent scan may take to appear in the list (defender-api, settle time).
    pub settle: Duration,
    /// How long scans are followed, where it is not for the tenant's settings to say: tests have no days.
    pub follow_for: Option<Duration>,
    /// How far the far side's clock may be behind ours.
    pub skew: Duration,
    /// When to try again on a machine that somebody else's weaker scan occupies.
    pub busy: Duration,
    /// No token call sooner than this after another (defender-api, refresh).
    pub token_retry: Duration,
    /// How long a stopped tenant waits before it asks for a token again.
    pub stopped: Duration,
    /// Scan calls and calls that call scans off that may be under way at once; the last place is for an urgent scan.
    /// Reads have two places of their own.
    pub in_flight: usize,
    /// A scan that is not urgent and follows another within this may be part of a rush, whose first seconds are watched;
    /// zero: nothing is.
    pub lull: Duration,
    /// How long it is believed which machine a device is, and what its record says.
    pub known_for: Duration,
    /// How long it is believed that the directory knows none, or several: somebody may be mending that.
    pub unknown_for: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            follow_first: Duration::from_secs(15),
            follow_most: Duration::from_secs(600),
            old: Duration::from_secs(86_400),
            rows: MOST_ROWS,
            follow_for: None,
            settle: Duration::from_secs(30),
            skew: Duration::from_secs(300),
            busy: Duration::from_secs(60),
            token_retry: Duration::from_secs(30),
            stopped: Duration::from_secs(60),
            in_flight: 4,
            lull: Duration::from_secs(3),
            known_for: Duration::from_secs(600),
            unknown_for: Duration::from_secs(120),
        }
    }
}
