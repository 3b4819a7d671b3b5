//! What settings are read from, the text of the file and the environment laid over it, and what was found out on the way.
//! It knows nothing of tables.

use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::defender::Endpoints;
use crate::file::FileDigests;
use crate::settings::fault::SettingsFault;
use crate::settings::include::IncludedText;
use crate::settings::inputs::Inputs;
use crate::settings::locate;

/// What is read from, and what was found out.
pub(crate) struct Context<'i> {
    /// The text of scanhook.toml, then those of the files that it includes.
    pub(super) texts: Vec<&'i str>,
    /// Where these files lie; none for a scanhook.toml that is not there.
    paths: Vec<Option<&'i Path>>,
    /// `SCANHOOK_SERVER__LISTEN` and its like, by the folded key they name.
    pub(super) overlay: BTreeMap<String, (&'i str, &'i str)>,
    /// The keys of variables that were taken, and the names of those that hold a secret.
    pub(crate) used: BTreeSet<String>,
    pub(crate) env: &'i BTreeMap<String, String>,
    /// Relative paths of scanhook.toml count from here.
    pub(crate) base: PathBuf,
    pub(crate) faults: Vec<SettingsFault>,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Where the calls of each tenant go, also of one that has a fault.
    pub(crate) endpoints: Vec<(String, Endpoints)>,
    /// The files of secrets that were looked for.
    pub(crate) files: FileDigests,
    /// A tenant whose secret or certificate is not as it should be has none, and stops nobody else.
    pub(crate) tenants_alone: bool,
}

/// Where something stands: the number of the file, 0 for scanhook.toml, and the bytes in it.
pub(super) type Placed = (usize, Range<usize>);

const PREFIX: &str = "SCANHOOK_";

/// The three variables of Entra's own tools, with the keys they fill when there is no file.
const AZURE: [(&str, &str, &str); 3] = [
    ("AZURE_TENANT_ID", "tenants.default.tenant_id", ""),
    ("AZURE_CLIENT_ID", "tenants.default.client_id", ""),
    (
        "AZURE_CLIENT_SECRET",
        "tenants.default.credential",
        "{ secret_env = \"AZURE_CLIENT_SECRET\" }",
    ),
];

impl<'i> Context<'i> {
    pub(crate) fn new(
        text: &'i str,
        included: &'i [IncludedText],
        inputs: &'i Inputs,
    ) -> Context<'i> {
        let mut overlay = BTreeMap::new();
        for (name, key, value) in AZURE {
            if let (None, Some((name, own))) = (&inputs.file, inputs.env.get_key_value(name)) {
                overlay.insert(
                    key.to_owned(),
                    (
                        name.as_str(),
                        if value.is_empty() {
                            own.as_str()
                        } else {
                            value
                        },
                    ),
                );
            }
        }
        for (name, value) in &inputs.env {
            // One underscore belongs to a name; variables without a double one are flags of the command line.
            if let Some(key) = name.strip_prefix(PREFIX).filter(|key| key.contains("__")) {
                overlay.insert(fold(&key.replace("__", ".")), (name, value));
            }
        }
        let base = folder(inputs.file.as_deref());
        let (mut texts, mut paths) = (vec![text], vec![inputs.file.as_deref()]);
        for IncludedText { path, text } in included {
            texts.push(text);
            paths.push(Some(path));
        }
        let (faults, warnings, notes, files) =
            (Vec::new(), Vec::new(), Vec::new(), FileDigests::default());
        Context {
            texts,
            paths,
            overlay,
            used: BTreeSet::new(),
            env: &inputs.env,
            base,
            faults,
            warnings,
            notes,
            endpoints: Vec::new(),
            files,
            tenants_alone: false,
        }
    }

    /// Notes a fault that stands nowhere in the file.
    pub(crate) fn fault(
        &mut self,
        code: &'static str,
        key: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.at(code, key.into(), None, message.into());
    }

    pub(super) fn at(
        &mut self,
        code: &'static str,
        key: String,
        place: Option<Placed>,
        message: String,
    ) {
        let file = place.as_ref().map_or(0, |(file, _)| *file);
        let before = place.and_then(|(file, span)| self.texts.get(file)?.get(..span.start));
        let (line, column) = before.map(line_and_column).unzip();
        let path = self.paths.get(file).copied().flatten().filter(|_| file > 0);
        let fault = SettingsFault {
            code,
            key,
            file: path.map(Path::to_owned),
            line,
            column,
            message,
        };
        // One in `[tenant_defaults]` is met at every tenant.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The folder that relative paths in one of the files count from.
    pub(super) fn folder(&self, file: usize) -> PathBuf {
        match file {
            0 => self.base.clone(),
            _ => folder(self.paths.get(file).copied().flatten()),
        }
    }

    /// The name of one of the files, for people.
    pub(super) fn file_name(&self, file: usize) -> String {
        let path = self.paths.get(file).copied().flatten();
        path.map_or_else(
            || "the environment".to_owned(),
            |path| path.display().to_string(),
        )
    }

    /// Variables that look like ours but name no key: most likely a typing error.
    pub(crate) fn unused_variables(&mut self) {
        let unused = |(key, (name, _)): (&String, &(&str, &str))| {
            (!self.used.contains(key)).then(|| (*name).to_owned())
        };
        for name in self.overlay.iter().filter_map(unused).collect::<Vec<_>>() {
            self.fault("unknown-variable", name, "names no key");
        }
        // These may be meant for something else that has our name: they are told, and stop nothing.
        let stray = self
            .env
            .keys()
            .filter(|name| !name.contains("__") && !self.used.contains(*name));
        let stray: Vec<_> = stray.filter_map(|name| locate::stray(name)).collect();
        self.warnings.extend(stray);
    }
}

/// Environment variables have neither lower case nor dashes.
pub(super) fn fold(key: &str) -> String {
    key.to_lowercase().replace('-', "_")
}

/// The folder of a file.
fn folder(file: Option<&Path>) -> PathBuf {
    file.and_then(Path::parent)
        .unwrap_or(Path::new(""))
        .to_owned()
}

/// Where the text after this one begins.
fn line_and_column(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
