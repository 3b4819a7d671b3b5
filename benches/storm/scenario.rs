//! What arrives, and what is measured of what became of it.

/// One alert for a machine of its own.
#[derive(Clone, Copy)]
pub struct Arrival {
    pub at: i64,
    pub urgent: bool,
}

pub struct Scenario {
    pub name: String,
    pub arrivals: Vec<Arrival>,
    /// How long a run lasts, in milliseconds.
    pub end: i64,
    /// When the process dies and is started again.
    pub restart: Option<i64>,
}

/// What became of a run.
pub struct Result {
    /// Calls answered 429.
    pub refused: u32,
    /// Scans begun in the first hour.
    pub first_hour: usize,
    /// The longest wait of an urgent alert; one that was never sent has waited until the end.
    pub urgent: i64,
    /// By how much an urgent alert waited longer than if urgent ones alone were sent, 100 a minute.
    pub beyond: i64,
    /// How long the thousandth of the others waited.
    pub thousandth: Option<i64>,
}

impl Scenario {
    pub fn all(seed: u64) -> Vec<Scenario> {
        let end = 2 * 3_600_000;
        vec![
            Scenario::new(5_000, 300, None, end, seed),
            Scenario::new(5_000, 60, None, end, seed),
            Scenario::new(5_000, 3_600, None, end, seed),
            Scenario::new(20_000, 300, None, end, seed),
            Scenario::new(5_000, 300, Some(150_000), end, seed),
        ]
    }

    pub fn few(seed: u64) -> Vec<Scenario> {
        vec![Scenario::new(5_000, 60, None, 3_660_000, seed)]
    }

    /// So many machines within so many seconds, 2 % of them urgent; then 1 urgent and 4 others a minute.
    fn new(machines: u64, seconds: u64, restart: Option<i64>, end: i64, seed: u64) -> Scenario {
        let mut state = machines ^ seconds ^ (seed << 32);
        let mut within = |from: i64, millis: i64| {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            from + i64::try_from((z ^ (z >> 31)) % u64::try_from(millis).unwrap()).unwrap()
        };
        let storm = i64::try_from(seconds * 1000).unwrap();
        let mut arrivals: Vec<_> = (0..machines)
            .map(|n| Arrival {
                at: within(0, storm),
                urgent: n % 50 == 0,
            })
            .collect();
        for minute in (storm..end).step_by(60_000) {
            arrivals.extend((0..5).map(|n| Arrival {
                at: within(minute, 60_000),
                urgent: n == 0,
            }));
        }
        arrivals.sort_by_key(|arrival| arrival.at);
        let stop = restart.map_or("", |_| ", a restart in the middle");
        Scenario {
            name: format!("{machines} devices in {seconds} s{stop}"),
            arrivals,
            end,
            restart,
        }
    }

    /// Sums up when each was accepted and sent.
    pub fn result(&self, refused: u32, accepted: &[i64], sent: &[Option<i64>]) -> Result {
        let wait = |n: usize| sent[n].unwrap_or(self.end) - accepted[n];
        let urgent = (0..sent.len())
            .filter(|n| self.arrivals[*n].urgent)
            .collect::<Vec<_>>();
        let alone = alone(&urgent.iter().map(|n| accepted[*n]).collect::<Vec<_>>());
        let mut others: Vec<_> = (0..sent.len())
            .filter(|n| !self.arrivals[*n].urgent)
            .filter_map(|n| Some((sent[n]?, n)))
            .collect();
        others.sort_unstable();
        Result {
            refused,
            first_hour: sent.iter().flatten().filter(|at| **at < 3_600_000).count(),
            urgent: urgent.iter().map(|n| wait(*n)).max().unwrap_or(0),
            beyond: urgent
                .iter()
                .zip(alone)
                .map(|(n, alone)| wait(*n) - alone)
                .max()
                .unwrap_or(0),
            thousandth: others.get(999).map(|(_, n)| wait(*n)),
        }
    }
}

/// How long each urgent one waits if no others are sent, and 100 are let through in 60 seconds.
fn alone(accepted: &[i64]) -> Vec<i64> {
    let mut sent: Vec<i64> = Vec::new();
    for at in accepted {
        let free = sent
            .len()
            .checked_sub(100)
            .map_or(0, |first| sent[first] + 60_000);
        sent.push(free.max(*at));
    }
    accepted
        .iter()
        .zip(sent)
        .map(|(accepted, sent)| sent - accepted)
        .collect()
}
