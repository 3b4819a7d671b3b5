//! The limit of open files, held against the connections that are granted: it is raised as far as it may be, and where
//! that is not enough, fewer connections are granted, so that accepting never takes the descriptors of everything else.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the journal, its readers, the files of a reload and the calls of the workers.
const OTHERS: usize = 256;
/// Connections granted at the very least.
const LEAST: usize = 16;

/// How many of the wanted connections can be open at once, after the limit was raised.
#[must_use]
pub fn connections(wanted: usize) -> usize {
    let limits = getrlimit(Resource::Nofile);
    let needed = (wanted + OTHERS) as u64;
    let soft = limits.current.unwrap_or(u64::MAX);
    if soft >= needed {
        return wanted;
    }
    let raised = limits
        .maximum
        .map_or(needed, |hard| hard.min(needed))
        .max(soft);
    let set = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(raised),
            maximum: limits.maximum,
        },
    );
    granted(wanted, if set.is_ok() { raised } else { soft })
}

fn granted(wanted: usize, files: u64) -> usize {
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(OTHERS).max(LEAST).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_connections_are_granted_than_files_may_be_open() {
        assert_eq!(granted(4096, 1024), 768);
        assert_eq!(granted(4096, 100_000), 4096);
        assert_eq!(granted(4096, 64), LEAST);
        assert_eq!(granted(4, 64), 4);
    }
}
