//! The policy: rules.toml and the files of its lists loaded, checked, fingerprinted. The one loader of `serve`,
//! `reload`, `check`, `test`, `explain` and `show`.

mod trial;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::file::FileDigests;
use crate::settings::Source;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::comment::{Citation, Comment};
use scanhook_core::directory;
use scanhook_core::json::Json;
use scanhook_core::rules::{Event, Explanation, Facts, Finding, Memo, ReadList, Rules};
use scanhook_core::scan::Mode;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Asks, Limit, Verdict, Wanted};
pub use trial::{LARGEST_PAYLOAD, Tried, has_payloads, payloads};

/// How far decisions may go, whatever the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// No further than this mode.
    AtMost(Mode),
    /// The far side is the built-in simulator: what would be a dry run is sent there.
    Simulated,
}

impl Ceiling {
    fn lower(self, mode: Mode) -> Mode {
        match self {
            Ceiling::AtMost(ceiling) => mode.min(ceiling),
            Ceiling::Simulated if mode == Mode::DryRun => Mode::Enforce,
            Ceiling::Simulated => mode,
        }
    }
}

/// What a tenant allows its rules.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The strictest of the process's and the tenant's mode.
    pub ceiling: Ceiling,
    /// Scans all rules together may begin.
    pub limit: Option<Limit>,
}

/// One (alert, device) of a source, with all that may bear on it.
pub struct PolicyQuestion<'a> {
    /// The sender.
    pub source: &'a Source,
    /// The configured name of the tenant that acts. Once a decision is recorded it is that of the record, whatever the
    /// source says by now.
    pub tenant: &'a str,
    /// What the tenant allows.
    pub terms: Terms,
    /// The alert.
    pub alert: &'a Alert,
    /// Which of its devices.
    pub device: &'a Device,
    /// What the directory says of the machine.
    pub facts: Facts,
    /// The raw body.
    pub body: Option<&'a Json<'a>>,
    /// When it was received.
    pub at: Timestamp,
    /// What was found out about the same delivery before: only where the body, the policy and the time are the same.
    pub memo: Option<&'a Memo>,
}

/// The rules in force.
pub struct Policy {
    rules: Rules,
    hash: String,
    text: String,
    lists: Vec<ListFile>,
    /// The rules file; `None`: the text came from elsewhere.
    path: Option<PathBuf>,
}

/// The file of a list, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFile {
    /// As the rules name it.
    pub name: String,
    /// What stood in it.
    pub text: String,
}

/// Why a policy could not be loaded.
#[derive(Debug)]
pub enum PolicyError {
    /// The file could not be read.
    Unreadable(PathBuf, std::io::Error),
    /// It has faults; all of them, and the text they point into.
    Faulty(PathBuf, String, Vec<Finding>),
}

/// A policy with what `check` says of it beyond errors.
pub struct Checked {
    /// The policy.
    pub policy: Policy,
    /// Lints.
    pub lints: Vec<Finding>,
}

/// The policy that comes with scanhook, for who has none yet.
const SHIPPED: &str = include_str!("../rules.toml");

/// The shipped policy, as it may lie anywhere: without the line that leads an editor to the schema of this repository.
#[must_use]
pub fn shipped() -> &'static str {
    SHIPPED
        .split_once('\n')
        .filter(|(first, _)| first.starts_with("#:schema"))
        .map_or(SHIPPED, |(_, rest)| rest)
}

/// Begins the part of a record that holds a list's file; a comment to TOML.
const LIST_MARK: &str = "\n#:scanhook list ";

impl Policy {
    /// Loads and compiles a rules file and the files of its lists.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn load(path: &Path) -> Result<Checked, PolicyError> {
        Policy::load_with_files(path).0
    }

    /// The same, with every file that was looked for, whether it was there or not.
    pub fn load_with_files(path: &Path) -> (Result<Checked, PolicyError>, FileDigests) {
        let mut files = FileDigests::default();
        let text = read_text(path, &mut files)
            .map_err(|error| PolicyError::Unreadable(path.to_owned(), error));
        (
            text.and_then(|text| Policy::load_text(text, path, &mut files)),
            files,
        )
    }

    /// Reads the files of the lists again and compiles them with the rules as they are in force, whatever has become of
    /// the rules file. A policy that was not loaded from a file is compiled with the lists it has. What is read of them
    /// is added to `files`.
    ///
    /// # Errors
    /// Every fault of the lists; this policy is still good.
    pub fn with_lists_read_again(&self, files: &mut FileDigests) -> Result<Checked, PolicyError> {
        match &self.path {
            Some(path) => Policy::load_text(self.text.clone(), path, files),
            None => Policy::recall(&self.record())
                .map_err(|(text, findings)| PolicyError::Faulty(PathBuf::new(), text, findings)),
        }
    }

    fn load_text(
        text: String,
        path: &Path,
        files: &mut FileDigests,
    ) -> Result<Checked, PolicyError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut read =
            |name: &str| read_text(&folder.join(name), files).map_err(|error| error.to_string());
        let compiled = Policy::compile(text, Some(path.to_owned()), &mut read);
        compiled.map_err(|(text, findings)| PolicyError::Faulty(path.to_owned(), text, findings))
    }

    /// Compiles the text of a rules file whose lists have no files.
    ///
    /// # Errors
    /// The text again, with every fault in it.
    pub fn parse(text: String) -> Result<Checked, (String, Vec<Finding>)> {
        Policy::compile(text, None, &mut |_| {
            Err("there is no folder to look for it".to_owned())
        })
    }

    /// Compiles what [`Policy::record`] wrote.
    ///
    /// # Errors
    /// The text of the rules, with every fault in it.
    pub fn recall(record: &str) -> Result<Checked, (String, Vec<Finding>)> {
        let mut parts = record.split(LIST_MARK);
        let text = parts.next().unwrap_or_default().to_owned();
        let lists: Vec<ListFile> = parts.filter_map(recalled).collect();
        let mut read = |name: &str| {
            let list = lists.iter().find(|list| list.name == name);
            list.map(|list| list.text.clone())
                .ok_or_else(|| "the record does not hold it".to_owned())
        };
        Policy::compile(text, None, &mut read)
    }

    fn compile(
        text: String,
        path: Option<PathBuf>,
        read: ReadList<'_>,
    ) -> Result<Checked, (String, Vec<Finding>)> {
        let mut lists: Vec<ListFile> = Vec::new();
        let loaded = Rules::parse(&text, &mut |name| {
            if let Some(known) = lists.iter().find(|list| list.name == name) {
                return Ok(known.text.clone());
            }
            let text = read(name)?;
            lists.push(ListFile {
                name: name.to_owned(),
                text: text.clone(),
            });
            Ok(text)
        });
        match loaded {
            Ok(loaded) => {
                lists.sort_by(|a, b| a.name.cmp(&b.name));
                let hash = fingerprint(&text, &lists);
                Ok(Checked {
                    policy: Policy {
                        rules: loaded.rules,
                        hash,
                        text,
                        lists,
                        path,
                    },
                    lints: loaded.lints,
                })
            }
            Err(findings) => Err((text, findings)),
        }
    }

    /// Every file it was read from: the rules file and those of its lists. None, where it came from elsewhere.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let Some(path) = &self.path else {
            return Vec::new();
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        core::iter::once(path.clone())
            .chain(self.lists.iter().map(|list| folder.join(&list.name)))
            .collect()
    }

    /// Everything it was made from as one text, which [`Policy::recall`] compiles again: the rules, and behind them the
    /// files of the lists as comments.
    #[must_use]
    pub fn record(&self) -> String {
        let mut record = self.text.clone();
        for list in &self.lists {
            record.push_str(&format!(
                "{LIST_MARK}{}",
                serde_json::json!([list.name, list.text])
            ));
        }
        record
    }

    /// SHA-256 of the rules and of every list's file, in hex: what decisions record.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.hash
    }

    /// The rules as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The compiled rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Decides one (alert, device) of a source. Where the machine is not known and the directory has not been asked
    /// which it is, it is asked before a scan is planned or a person is.
    #[must_use]
    pub fn decide(&self, question: PolicyQuestion<'_>) -> Verdict {
        let PolicyQuestion {
            source,
            tenant,
            terms,
            alert,
            device,
            mut facts,
            body,
            at,
            memo,
        } = question;
        let nameless = facts == Facts::NotAsked && device.machine.is_none();
        let unknown = nameless && directory::DeviceClaims::of(device, at).can_ask();
        if nameless && !unknown {
            facts = Facts::Silent;
        }
        let (name, preset) = (&source.name, &source.preset);
        let event = Event {
            source: name,
            preset,
            tenant,
            alert,
            device,
            facts,
            body,
            memo,
            at,
        };
        let mut verdict = self.rules.decide(&event);
        match &mut verdict.asks {
            Asks::Nothing(_) | Asks::Resolve(_) => {}
            Asks::Hold(..) | Asks::Scan(_) if unknown => {
                let asks = Asks::Resolve(self.rules.resolve_within());
                return Verdict {
                    rule: None,
                    asks,
                    seen: Vec::new(),
                    protections: Vec::new(),
                };
            }
            Asks::Hold(_, wanted) | Asks::Scan(wanted) => restrain(wanted, terms),
        }
        verdict
    }

    /// A scan on the terms that this rule and this tenant have now, with no rule asked again.
    #[must_use]
    pub fn wanted(&self, terms: Terms, asked: AskedFor<'_>) -> Wanted {
        let mut wanted = self.rules.wanted_by(asked);
        restrain(&mut wanted, terms);
        wanted
    }

    /// The comment of a scan.
    #[must_use]
    pub fn comment(&self, citation: Citation<'_>) -> Comment {
        self.rules.comment().fill(citation)
    }

    /// Why each rule and protection does or does not match, with what [`Policy::decide`] says.
    #[must_use]
    pub fn explain(&self, question: PolicyQuestion<'_>) -> Explanation {
        let PolicyQuestion {
            source,
            tenant,
            terms,
            alert,
            device,
            facts,
            body,
            at,
            memo,
        } = question;
        let (name, preset) = (&source.name, &source.preset);
        let event = Event {
            source: name,
            preset,
            tenant,
            alert,
            device,
            facts,
            body,
            memo,
            at,
        };
        let mut explanation = self.rules.explain(&event, &self.text);
        if let Asks::Hold(_, wanted) | Asks::Scan(wanted) = &mut explanation.verdict.asks {
            restrain(wanted, terms);
        }
        explanation
    }
}

/// The sources whose requests prove nothing: anybody could make them.
pub fn unauthenticated(sources: &[Source]) -> impl Iterator<Item = &str> {
    let open = |source: &&Source| {
        let ways = &source.auth.alternatives;
        ways.is_empty() || ways.iter().any(Vec::is_empty)
    };
    sources
        .iter()
        .filter(open)
        .map(|source| source.name.as_str())
}

/// A text file, no longer than one may be and a little more, so that the reader can say that it is too long.
fn read_text(path: &Path, files: &mut FileDigests) -> std::io::Result<String> {
    let content = files.read(path, Rules::LARGEST as u64)?;
    if content.bytes.len() > Rules::LARGEST {
        return Ok(String::from_utf8_lossy(&content.bytes).into_owned());
    }
    content.text()
}

/// One hash over all that decides.
fn fingerprint(text: &str, lists: &[ListFile]) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    for ListFile { name, text } in lists {
        // With their lengths, so that nothing can pass from one file to the next unseen.
        hash.update(format!("\0{} {}\0{name}{text}", name.len(), text.len()).as_bytes());
    }
    hex::encode(hash.finalize())
}

/// The file of a list, from its part of a record.
fn recalled(part: &str) -> Option<ListFile> {
    let (name, text) = serde_json::from_str(part).ok()?;
    Some(ListFile { name, text })
}

fn restrain(wanted: &mut Wanted, terms: Terms) {
    wanted.mode = terms.ceiling.lower(wanted.mode);
    wanted.tenant_limit = terms.limit;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const RULES: &str = "version = 1\n[lists.lab]\ntype = \"cidr\"\nfile = \"lists/lab.txt\"\n[[rule]]\nname = \"lab\"\n\
                         scan = \"none\"\nwhen = { device.reported_ip = \"@lab\" }\n";

    fn folder(list: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lists")).unwrap();
        std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        std::fs::write(folder.path().join("lists/lab.txt"), list).unwrap();
        folder
    }

    fn load(folder: &tempfile::TempDir) -> Policy {
        Policy::load(&folder.path().join("rules.toml"))
            .unwrap_or_else(|error| panic!("{error:?}"))
            .policy
    }

    #[test]
    fn the_fingerprint_covers_the_rules_and_the_file_of_every_list() {
        let of = |list: &str| load(&folder(list)).fingerprint().to_owned();
        assert_eq!(of("10.0.0.0/8\n"), of("10.0.0.0/8\n"));
        assert_ne!(of("10.0.0.0/8\n"), of("10.0.0.0/9\n"));
        assert_ne!(of("10.0.0.0/8\n"), of("10.0.0.0/8\n# a word\n"));
    }

    #[test]
    fn lists_are_read_again_alone_and_an_emptied_one_leaves_the_policy_as_it_is() {
        let folder = folder("10.0.0.0/8\n");
        let (rules, list) = (
            folder.path().join("rules.toml"),
            folder.path().join("lists/lab.txt"),
        );
        let policy = load(&folder);
        assert_eq!(policy.files(), [rules.clone(), list.clone()]);
        std::fs::write(&rules, "no TOML [").unwrap();
        std::fs::write(&list, "192.0.2.0/24\n").unwrap();
        let again = policy
            .with_lists_read_again(&mut FileDigests::default())
            .unwrap_or_else(|error| panic!("{error:?}"))
            .policy;
        assert_eq!(again.text(), policy.text());
        assert_ne!(again.fingerprint(), policy.fingerprint());
        std::fs::write(&list, "# nothing left\n").unwrap();
        let Err(PolicyError::Faulty(_, _, findings)) =
            again.with_lists_read_again(&mut FileDigests::default())
        else {
            panic!("refused")
        };
        assert_eq!(findings[0].code, "too-few-entries");
        std::fs::remove_file(&list).unwrap();
        let Err(PolicyError::Faulty(_, _, findings)) =
            again.with_lists_read_again(&mut FileDigests::default())
        else {
            panic!("refused")
        };
        assert_eq!(findings[0].code, "unreadable-list");
    }

    #[test]
    fn what_is_recorded_is_the_whole_policy() {
        let policy = load(&folder("10.0.0.0/8 # \"lab\"\r\n\n192.0.2.1"));
        let recalled = Policy::recall(&policy.record())
            .unwrap_or_else(|(_, findings)| panic!("{findings:?}"))
            .policy;
        assert_eq!(
            (recalled.fingerprint(), recalled.text()),
            (policy.fingerprint(), policy.text())
        );
        assert!(
            toml::from_str::<toml::Table>(&policy.record()).is_ok(),
            "it reads as a rules file"
        );
        assert_eq!(recalled.files(), Vec::<PathBuf>::new());
        let plain = "version = 1\n";
        let plain = Policy::parse(plain.to_owned())
            .unwrap_or_else(|(_, findings)| panic!("{findings:?}"))
            .policy;
        assert_eq!(
            plain.record(),
            plain.text(),
            "without files it is the text itself"
        );
    }

    #[test]
    fn a_file_of_ten_megabytes_is_refused_as_too_large() {
        let folder = folder("10.0.0.0/8\n");
        std::fs::write(folder.path().join("rules.toml"), "#".repeat(10 << 20)).unwrap();
        let Err(PolicyError::Faulty(_, _, findings)) =
            Policy::load(&folder.path().join("rules.toml"))
        else {
            panic!("refused")
        };
        assert_eq!(
            (findings[0].code, findings[0].span.clone()),
            ("too-large", 0..0)
        );
    }
}
