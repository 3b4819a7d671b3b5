//! The files of a renewal: the successor of a refresh token is on the disk before anybody sees the access token that came
//! with it.

use crate::defender::Answer;
use crate::defender::delegated::Renewal;
use crate::defender::token_file::FileTrouble;
use crate::file;
use crate::file::replace::{FileStep, FolderLock};

/// No refresh token is longer.
const LONGEST: u64 = 64 << 10;

/// The answer to a renewal, once what it brings is kept; otherwise why it is not, and then nothing of it is used.
#[must_use]
pub fn kept(renewal: &Renewal, answer: Answer) -> Answer {
    let _alone = FolderLock::around(renewal.file());
    let held = file::read(renewal.file(), LONGEST).map(|content| content.bytes);
    let done = renewal.steps(&answer, held).and_then(|steps| {
        carry_out(&steps).map_err(|error| {
            let file = renewal.file().display();
            tracing::error!(%file, %error, "a refresh token cannot be kept");
            FileTrouble::Unwritable
        })
    });
    match done {
        Ok(()) => answer,
        Err(trouble) => Answer::Unknown(trouble.code().to_owned()),
    }
}

/// One step after the other, up to the first that fails.
pub(super) fn carry_out(steps: &[FileStep]) -> std::io::Result<()> {
    steps.iter().try_for_each(FileStep::carry_out)
}
