//! What the verbs that change something have in common: who says it and why, what it is about, and the question that
//! comes before anything is done to things nobody has named by their ids.

mod items;
mod words;

pub(super) use words::{Selection, Words, put};

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::format::OutputFormat;
use super::output::{self, complain};
use super::responder::Responder;
use super::table::count;
use super::trouble::{CliError, Exit};
use crate::api::{ItemView, OrderView};
use crate::journal::Done;
use crate::server::refusal::CommandError;
use items::table;
use scanhook_core::percent::encoded;

/// Ids of one request.
const MOST: usize = 1_000;
/// Things that a person is shown before they agree.
const SEEN: usize = 100;

/// The steps that a person agreed to, and the digest of what they mean.
type Agreed = (Vec<Vec<String>>, Option<String>);

/// An order about single things.
pub(super) struct OrderArgs<'o> {
    /// The verb, as a person reads it.
    pub(super) verb: &'static str,
    /// What it is about.
    pub(super) thing: &'static str,
    /// Where it goes for one id; `None`: where it goes for several.
    pub(super) one: Option<fn(&str) -> String>,
    /// Where it goes for several.
    pub(super) many: &'static str,
    /// The responder.
    pub(super) responder: &'o Responder,
    /// The ids.
    pub(super) ids: &'o [String],
    /// Or what they have in common.
    pub(super) selection: &'o Selection,
    /// The verb's own key that narrows a selection, with its value.
    pub(super) word: (&'static str, Option<&'o str>),
    /// A group of what is held.
    pub(super) group: Option<&'o str>,
    /// Who, and why.
    pub(super) words: &'o Words,
    /// Keys of its own.
    pub(super) more: Map<String, Value>,
}

impl OrderArgs<'_> {
    /// Gives the order, and shows what became of it.
    pub(super) async fn give(self) -> anyhow::Result<ExitCode> {
        let mut base = self.more.clone();
        self.words.put_into(&mut base);
        if let ([id], Some(path)) = (self.ids, self.one) {
            let body = self.responder.post(&path(id), &Value::Object(base)).await?;
            let told: OrderView = self.responder.read(&body)?;
            return self.show(vec![told]);
        }
        // What a person agreed to is done, and nothing that came meanwhile.
        let (steps, digest) = if self.ids.is_empty() {
            match self.selected().await? {
                Some(selected) => selected,
                None => return Ok(ExitCode::SUCCESS),
            }
        } else {
            (
                self.ids.chunks(MOST).map(<[String]>::to_vec).collect(),
                None,
            )
        };
        let (mut told, mut done) = (Vec::new(), 0);
        for (n, step) in steps.iter().enumerate() {
            let mut order = base.clone();
            order.insert("ids".to_owned(), json!(step));
            if let Some(digest) = digest.as_ref().filter(|_| steps.len() == 1) {
                order.insert("expect".to_owned(), json!({ "digest": digest }));
            }
            let body = self
                .responder
                .post(self.many, &Value::Object(order))
                .await?;
            let step: OrderView = self.responder.read(&body)?;
            done += step.count;
            if steps.len() > 1 {
                complain(&format!(
                    "step {} of {}: {} so far",
                    n + 1,
                    steps.len(),
                    self.things(done)
                ));
            }
            told.push(step);
        }
        self.show(told)
    }

    /// "2 decisions".
    fn things(&self, number: usize) -> String {
        count(number, self.thing)
    }

    /// "27,008 decisions about 16,980 machines".
    fn size(&self, number: usize, machines: usize) -> String {
        let machines = if machines == 0 {
            String::new()
        } else {
            format!(" about {}", count(machines, "machine"))
        };
        format!("{}{machines}", self.things(number))
    }

    /// The steps of what the selection means, once a person has seen and agreed to it; `None`: nothing is to be done. What
    /// is held together stands in one step.
    async fn selected(&self) -> anyhow::Result<Option<Agreed>> {
        let mut order = Map::new();
        let narrowed = self.selection;
        let keys = [
            ("rule", &narrowed.rule),
            ("tenant", &narrowed.tenant),
            ("device", &narrowed.device),
        ];
        keys.into_iter()
            .for_each(|(key, value)| put(&mut order, key, value.as_deref()));
        put(&mut order, "since", narrowed.since.as_deref());
        put(&mut order, self.word.0, self.word.1);
        put(&mut order, "group", self.group);
        if order.is_empty() {
            let sentence = format!(
                "{}: name ids, or what to select (--rule, --tenant, --device, --since, --{})",
                self.verb, self.word.0
            );
            return Err(CliError::new(Exit::Usage, sentence).into());
        }
        order.insert("preview".to_owned(), true.into());
        let mut pages: Vec<OrderView> = Vec::new();
        loop {
            let body = self
                .responder
                .post(self.many, &Value::Object(order.clone()))
                .await?;
            let page: OrderView = self.responder.read(&body)?;
            let next = page.next.clone();
            pages.push(page);
            let Some(next) = next else { break };
            order.insert("after".to_owned(), next.into());
        }
        let Some(first) = pages.first().filter(|page| !page.items.is_empty()) else {
            complain("nothing matches");
            return Ok(None);
        };
        if !narrowed.yes && !self.agreed(first)? {
            complain("nothing was changed");
            return Ok(None);
        }
        let digest = first.digest.clone();
        let ids = |page: OrderView| page.items.into_iter().map(|item| item.id).collect();
        let steps = pages
            .into_iter()
            .map(ids)
            .filter(|ids: &Vec<String>| !ids.is_empty());
        Ok(Some((steps.collect(), digest)))
    }

    fn agreed(&self, preview: &OrderView) -> Result<bool, CliError> {
        let size = self.size(preview.count, preview.machines);
        if !io::stdin().is_terminal() {
            let sentence = format!(
                "{} would be for {size}; there is no terminal to ask at, so say --yes",
                self.verb
            );
            return Err(CliError::new(Exit::Usage, sentence));
        }
        let seen = preview.items.get(..SEEN).unwrap_or(&preview.items);
        complain(&table(seen, output::columns_of_errors()));
        if preview.count > SEEN {
            complain(&format!("and {} more", self.things(preview.count - SEEN)));
        }
        if let Some(number) = preview.second_person {
            complain(&format!(
                "another person has to approve as well: {}",
                self.things(number)
            ));
        }
        let mut error = io::stderr().lock();
        let _ = write!(error, "{} {size}? [y/N] ", self.verb);
        let _ = error.flush();
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        read.map_err(|error| CliError::new(Exit::Io, format!("standard input: {error}")))?;
        Ok(is_yes(&line))
    }

    /// Shows each answer; anything that was not done makes the order end with an error.
    fn show(&self, told: Vec<OrderView>) -> anyhow::Result<ExitCode> {
        let number = told.iter().map(|told| told.count).sum();
        let machines = told.iter().map(|told| told.machines).sum();
        let told_decisions = told.iter().map(|told| told.decisions).sum();
        let needs = told.iter().filter_map(|told| told.needs).max();
        let items: Vec<ItemView> = told.into_iter().flat_map(|told| told.items).collect();
        match self.responder.output {
            OutputFormat::Json => {
                let items = items.clone();
                let whole = OrderView {
                    preview: false,
                    count: number,
                    machines,
                    decisions: told_decisions,
                    shown: items.len(),
                    needs,
                    items,
                    ..OrderView::default()
                };
                output::json(&serde_json::to_string(&whole)?)?;
            }
            OutputFormat::Text => output::tell(&table(&items, output::columns()))?,
        }
        if number > 1 {
            complain(&format!("{}: {}", self.verb, self.size(number, machines)));
        }
        let refused: Vec<Done> = items
            .iter()
            .filter_map(|item| Done::of_code(item.result.as_deref()?))
            .collect();
        let refused: Vec<Done> = refused.into_iter().filter(|done| !done.is_done()).collect();
        let Some(first) = refused.first() else {
            return Ok(ExitCode::SUCCESS);
        };
        let why = CommandError::NotDone(*first, Box::default()).entry();
        let exit = if refused.iter().all(|done| *done == Done::UnknownId) {
            Exit::NoInput
        } else {
            Exit::BadData
        };
        let sentence = format!(
            "{} of {} not done: {} [{}]",
            refused.len(),
            items.len(),
            why.meaning,
            why.code
        );
        Err(CliError::new(exit, sentence).into())
    }
}

/// A member that says yes, if it does.
pub(super) fn put_flag(order: &mut Map<String, Value>, key: &str, flag: bool) {
    if flag {
        order.insert(key.to_owned(), true.into());
    }
}

/// The path of an order about one thing.
pub(super) fn path(of: &str, id: &str, verb: &str) -> String {
    format!("/api/v1/{of}/{}/{verb}", encoded(id))
}

fn is_yes(line: &str) -> bool {
    ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for line in ["y\n", "Y", "yes\r\n", " YES "] {
            assert!(is_yes(line), "{line:?}");
        }
        for line in ["", "\n", "n\n", "no", "yeah", "y y"] {
            assert!(!is_yes(line), "{line:?}");
        }
    }
}
