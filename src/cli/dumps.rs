//! The memory of `serve` holds every secret. Neither a core dump nor another process of the same user may show it.

use std::io;

/// Switches core dumps off, for this process and whatever it starts.
#[cfg(unix)]
pub(super) fn off() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn off() -> io::Result<()> {
    Ok(())
}
