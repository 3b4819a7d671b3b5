//! The clause that tells what can be done about a decision. It depends on the reason, and little on what was seen.

use super::phrase::Of;
use crate::person::people;
use crate::scan::{Mode, Reason};

impl Of<'_> {
    /// Who decides about what is held, and how.
    fn decide(&self, how: &str) -> String {
        let until = self.until();
        match self
            .why
            .people()
            .map(|people| (people.missing(), people.given.len()))
        {
            Some((missing, 0)) => format!(
                "{} decide{until}: each with `scanhook approve{how}`, or one with `scanhook deny`",
                people(missing)
            ),
            Some((missing, _)) => {
                let more = if missing > 1 {
                    format!("{missing} more people")
                } else {
                    "one more person".to_owned()
                };
                format!("needs {more}{until}: `scanhook approve{how}` or `scanhook deny`")
            }
            None => format!("a person decides{until}: `scanhook approve{how}` or `scanhook deny`"),
        }
    }

    /// What can be done about it; nothing, where nothing is to be done.
    pub(super) fn next(&self, reason: Reason) -> Option<String> {
        let a_person = |how: &str| Some(self.decide(how));
        match reason {
            Reason::Rule => Some("to scan such alerts, change the rule".to_owned()),
            Reason::NoMatch if self.why.seen.iter().any(|seen| seen.field.ends_with(": severity")) => Some(
                "the alert states no severity, or one off the scale: map it in `[sources.x.map]`, or end the rules with one \
                 without conditions"
                    .to_owned(),
            ),
            Reason::NoMatch => Some("a last rule without conditions catches such alerts".to_owned()),
            Reason::Protection if self.kind.is_none() => {
                Some("to scan such devices, change the protection".to_owned())
            }
            Reason::AwaitsDirectory => {
                self.why.until.map(|until| format!("decided without an answer from {} on", until.shown()))
            }
            Reason::Protection | Reason::Approval | Reason::Undecided | Reason::Limit => a_person(""),
            Reason::UnresolvedDevice | Reason::AmbiguousDevice => a_person(" --machine ID"),
            Reason::SourceRemoved => Some("put the source back, then `scanhook retry`".to_owned()),
            Reason::New if self.why.mode == Some(Mode::DryRun) => Some("`mode = \"enforce\"` sends it".to_owned()),
            Reason::Expired | Reason::Denied => Some("`scanhook retry` holds it again".to_owned()),
            Reason::TooOld => Some("`scanhook retry` decides it again, a longer `max_age` lets the next one wait".to_owned()),
            Reason::NoSuchMachine => Some("`scanhook retry` asks the directory again".to_owned()),
            Reason::Unsupported => Some("onboard the machine, then `scanhook retry`".to_owned()),
            Reason::Excluded => Some("take the exclusion back at Defender, then `scanhook retry`".to_owned()),
            Reason::New | Reason::Merged | Reason::Running | Reason::Cooldown | Reason::Foreign => None,
        }
    }
}
