//! What whoever gives an order expects it to mean: the numbers of a preview or of a list. An order that means something
//! else by now changes nothing.

use crate::journal::Selected;
use crate::server::order::OrderBody;
use crate::server::refusal::{CommandError, HttpError, Meant};
use scanhook_core::json::Json;

/// What an order says that it means.
#[derive(Default)]
pub(super) struct Expectation {
    machines: Option<usize>,
    decisions: Option<usize>,
    digest: Option<String>,
}

impl Expectation {
    /// Reads it from the body of an order.
    pub(super) fn of(members: &OrderBody<'_>) -> Result<Option<Expectation>, HttpError> {
        let wrong = || {
            let takes = "an object with `machines`, `decisions` and `digest` of a preview";
            HttpError::from(CommandError::BadValue("expect", takes))
        };
        let Some(given) = members.get("expect") else {
            return Ok(None);
        };
        let Json::Object(given) = given else {
            return Err(wrong());
        };
        let mut expect = Expectation::default();
        for (key, value) in given {
            match (key.as_ref(), value) {
                ("machines", Json::Number(number)) => {
                    expect.machines = Some(number.parse().map_err(|_| wrong())?);
                }
                ("decisions", Json::Number(number)) => {
                    expect.decisions = Some(number.parse().map_err(|_| wrong())?);
                }
                ("digest", Json::Text(digest)) => {
                    expect.digest = Some(digest.as_ref().to_owned());
                }
                ("machines" | "decisions" | "digest", _) => return Err(wrong()),
                (other, _) => {
                    let key = scanhook_core::plain::one_line(other, 80);
                    return Err(CommandError::UnknownKey(format!("expect.{key}")).into());
                }
            }
        }
        Ok(Some(expect))
    }

    /// Whether it is still so.
    pub(super) fn compare(&self, found: &Selected) -> Result<(), CommandError> {
        let same = self
            .machines
            .is_none_or(|machines| machines == found.machines)
            && self
                .decisions
                .is_none_or(|decisions| self.counted(found).contains(&decisions))
            && self
                .digest
                .as_ref()
                .is_none_or(|digest| *digest == found.digest);
        if same {
            return Ok(());
        }
        Err(CommandError::ChangedSince(Meant {
            machines: found.machines,
            decisions: found.count,
            digest: found.digest.clone(),
        }))
    }

    /// A list counts what is in a group, a preview also what is answered with it. Where the digest is the same, both are.
    fn counted(&self, found: &Selected) -> [usize; 2] {
        let own = self.digest.as_ref().map_or(found.count, |_| found.own);
        [found.count, own]
    }
}
