//! The only reader of the clock.
#![allow(
    clippy::disallowed_methods,
    reason = "this is the door the ban points to"
)]

use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use scanhook_core::lease::TurnTime;
use scanhook_core::time::{Now, Timestamp};

/// Now, by the wall.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// The same for code that speaks jiff.
#[must_use]
pub fn jiff() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Time since the first call: never goes back.
#[must_use]
pub fn mono() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Time since the computer was started, sleep included: never goes back, and nobody sets it.
#[cfg(target_os = "linux")]
#[must_use]
pub fn boottime() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// Where the system does not count its sleep, the time since the first call.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn boottime() -> Duration {
    mono()
}

/// What a transaction that begins now knows of the time, where the database has no other clock than this computer's.
#[must_use]
pub fn turn() -> TurnTime {
    let (begun, now) = (boottime(), now());
    TurnTime {
        begun,
        database: now,
        wall: now,
    }
}

/// Now, by both clocks. Where the computer does not say since when it runs, every process counts as a new start of it.
#[must_use]
pub fn both() -> Now {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    let process = || u64::from(std::process::id()) ^ now().millis().unsigned_abs().rotate_left(20);
    let mut wall = now();
    // A thread that stood still between the two readings must not look like a clock that was set.
    for _ in 0..8 {
        let (boot, up) = boot::clock().unwrap_or_else(|| (*PROCESS.get_or_init(process), mono()));
        let before = core::mem::replace(&mut wall, now());
        if wall.since(before) < Duration::from_millis(50)
            && before.since(wall) < Duration::from_millis(50)
        {
            return Now { wall, up, boot };
        }
    }
    let (boot, up) = boot::clock().unwrap_or_else(|| (*PROCESS.get_or_init(process), mono()));
    Now { wall, up, boot }
}

/// Linux counts the time since it was started, sleep included, and names each start.
#[cfg(target_os = "linux")]
mod boot {
    use core::time::Duration;
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::sync::OnceLock;

    /// Which start it is, and the time since then to a hundredth of a second.
    pub(super) fn clock() -> Option<(u64, Duration)> {
        // Kept open: a process that has run out of files must not take itself for a computer that was restarted.
        static UPTIME: OnceLock<Option<(u64, File)>> = OnceLock::new();
        let open = || Some((id()?, File::open("/proc/uptime").ok()?));
        let (boot, file) = UPTIME.get_or_init(open).as_ref()?;
        let mut bytes = [0; 64];
        let length = file.read_at(&mut bytes, 0).ok()?;
        let text = str::from_utf8(&bytes[..length]).ok()?;
        let seconds: f64 = text.split(' ').next()?.parse().ok()?;
        Some((*boot, Duration::try_from_secs_f64(seconds).ok()?))
    }

    fn id() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let hex: String = text
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(16)
            .collect();
        u64::from_str_radix(&hex, 16).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod boot {
    pub(super) fn clock() -> Option<(u64, core::time::Duration)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_on_and_name_the_same_start() {
        let (first, second) = (both(), both());
        assert!(second.up >= first.up && second.up - first.up < Duration::from_secs(60));
        assert_eq!(first.boot, second.boot);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn on_linux_the_second_clock_is_that_of_the_computer() {
        assert!(
            boot::clock().is_some(),
            "/proc/uptime and the id of this start can be read"
        );
    }
}
