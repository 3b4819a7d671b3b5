//! A directory of the demo's own, for its configuration, secrets and journal. It goes when the demo ends.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The directory; dropping it removes it with all it holds.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it below the system's place for temporary files, closed to other users, under a name nobody can foresee.
    pub(super) fn new(below: &Path) -> anyhow::Result<Scratch> {
        let path = below.join(format!("scanhook-demo-{}", random::<8>()?));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Scratch(path))
    }

    /// Where a file of this name lies.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that only this user can read.
    pub(super) fn write(&self, name: &str, text: &[u8]) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Writes a fresh secret of 32 random bytes, as hex.
    pub(super) fn secret(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.write(name, random::<32>()?.as_bytes())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about what cannot be removed: the system clears its temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn random<const N: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the operating system gives no randomness")?;
    Ok(hex::encode(bytes))
}
