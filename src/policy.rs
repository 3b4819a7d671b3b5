//! The policy: rules.toml and the files of its lists loaded, checked, fingerprinted. The one loader of `serve`,
//! `reload`, `check`, `test`, `explain` and `show`.

mod decision;
mod loading;
mod record;
mod shipped;
mod terms;
mod trial;

pub use decision::PolicyQuestion;
pub use shipped::shipped;
pub use terms::{Ceiling, Terms};

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::settings::Source;
use scanhook_core::rules::{Finding, ReadList, Rules};
pub use trial::{LARGEST_PAYLOAD, Tried, has_payloads, payloads};

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
    pub policy: Policy,
    pub lints: Vec<Finding>,
}

impl Policy {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::file::FileDigests;

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
