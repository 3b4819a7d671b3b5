//! The clause that tells what became of an alert, one for each reason.

use super::enumeration::listed;
use super::no_match::no_match;
use super::phrase::{Of, cannot_be_a_name};
use crate::person::people;
use crate::rules::AtMost;
use crate::scan::{Mode, Reason};
use crate::verdict::{Guard, needed};

impl Of<'_> {
    pub(super) fn decided(&self, reason: Reason) -> String {
        let Of { why, device, .. } = self;
        let (rule, because) = (self.rule(), listed(why.seen.iter()));
        match reason {
            Reason::Rule => format!("{rule} says that no scan is needed{because}"),
            Reason::NoMatch => no_match(&why.seen),
            Reason::AwaitsDirectory if why.seen.is_empty() => {
                format!(
                    "Defender's directory is asked which machine `{device}` is, and then it is decided"
                )
            }
            Reason::AwaitsDirectory => {
                format!(
                    "what Defender's directory says of `{device}` could change the outcome{because}"
                )
            }
            Reason::Undecided => {
                let names = self.names(|guarded| guarded.how == Guard::Unknown);
                let what = if names.is_empty() {
                    "a milder rule".to_owned()
                } else {
                    names
                };
                let unknown = listed(why.seen.iter().filter(|seen| seen.unknown));
                format!(
                    "{rule} would win, but {what} could not be judged{unknown}{}",
                    self.delays()
                )
            }
            Reason::Protection if self.kind.is_none() => {
                format!(
                    "{rule} asks for a scan{because}, and {} allows none",
                    self.holders(AtMost::None)
                )
            }
            Reason::Protection => {
                format!(
                    "{}; {} holds it for {}{}",
                    self.asks(),
                    self.holders(AtMost::Hold),
                    people(needed(&why.protections)),
                    self.delays()
                )
            }
            Reason::SourceRemoved => {
                "the alert's source was taken out of the configuration before it could be decided"
                    .to_owned()
            }
            _ => format!("{}; {}", self.asks(), self.became(reason)),
        }
    }

    /// What became of a scan that a rule asks for.
    fn became(&self, reason: Reason) -> String {
        let Of { why, device, .. } = self;
        let delays = self.delays();
        match reason {
            Reason::Approval => format!("its mode is `approve`{delays}"),
            Reason::Limit => format!("{}{delays}", self.limit()),
            Reason::UnresolvedDevice => self.unresolved(),
            Reason::AmbiguousDevice => {
                let candidates = why
                    .directory
                    .as_ref()
                    .map_or(&[][..], |looked| &looked.candidates);
                format!(
                    "`{device}` could be each of {}, and none is guessed",
                    candidates.join(" and ")
                )
            }
            Reason::New if why.mode == Some(Mode::DryRun) => {
                format!("it is a dry run: nothing is sent{delays}")
            }
            Reason::New => match &why.behind {
                Some((scan, kind)) => format!(
                    "it waits for the end of the {kind} scan {scan} of this machine{delays}"
                ),
                None if delays.is_empty() => "it is sent in its turn".to_owned(),
                None => format!("it waits{delays}"),
            },
            Reason::Merged => {
                format!("a scan of this machine was waiting and takes the alert along{delays}")
            }
            Reason::Running => "one as strong is under way and answers".to_owned(),
            Reason::Cooldown => match why.cooled_by {
                Some(ended) => format!(
                    "one as strong ended at {}, within the cool-down",
                    ended.shown()
                ),
                None => "one as strong ended within the cool-down".to_owned(),
            },
            Reason::Foreign => "somebody else's scan of this machine covers it".to_owned(),
            Reason::Expired => match why.held {
                Some(held) if !why.approvals.is_empty() => format!(
                    "no second person decided while it was held (`{held}`){}",
                    self.until()
                ),
                Some(held) => format!(
                    "nobody decided while it was held (`{held}`){}",
                    self.until()
                ),
                None => format!("nobody decided while it was held{}", self.until()),
            },
            Reason::Denied => "a person decided against it".to_owned(),
            Reason::TooOld => "it was too old (`max_age`) before it could be sent".to_owned(),
            Reason::NoSuchMachine => "Defender does not know the machine".to_owned(),
            Reason::Unsupported => "Defender cannot scan the machine".to_owned(),
            Reason::Excluded => "somebody has excluded the machine at Defender".to_owned(),
            // Told above: no scan was asked for.
            _ => reason.code().to_owned(),
        }
    }

    /// Why nobody knows which machine the alert means.
    fn unresolved(&self) -> String {
        let Of { why, device, .. } = self;
        if cannot_be_a_name(device) {
            return format!(
                "the alert names `{device}`, which cannot be a host name, and none is guessed"
            );
        }
        match &why.directory {
            Some(looked) if looked.notes.is_empty() => format!(
                "Defender's directory knows no machine that `{device}` could be, and none is guessed"
            ),
            _ => format!(
                "the alert names `{device}`, which is not the id of a machine, and none is guessed"
            ),
        }
    }
}
