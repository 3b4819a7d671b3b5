//! The curl command that does what `send` does, for any POSIX shell. No secret is in it: a signature is, or the way to
//! the secret, which the shell follows when the command runs. Nor is one in the command line of a process, which everybody
//! on the machine can read: curl reads what holds a secret as configuration from a here-document, and Python, which signs,
//! from the secret's file.

mod quoting;
mod shell;
mod signer;

use std::path::Path;

use bytes::Bytes;

use super::super::trouble::{CliError, Exit};
use super::sendable::{unsendable, with_segment};
use quoting::{file, in_config, in_document, quoted, quoted_always, secret};
use scanhook_core::signature::{Check, Key, Moment, ProvenRequest, Unsendable};
use scanhook_core::time::Timestamp;
use shell::Shell;

/// What is to be sent.
pub(super) struct Request<'r> {
    pub(super) checks: &'r [Check],
    pub(super) payload: &'r Path,
    pub(super) body: Vec<u8>,
    pub(super) url: &'r str,
    pub(super) method: &'r str,
    pub(super) media_type: &'r str,
    /// The file of a token of Entra ID.
    pub(super) token: Option<&'r Path>,
}

impl Request<'_> {
    /// The command.
    pub(super) fn command(&self, now: Timestamp) -> Result<String, CliError> {
        let mut shell = Shell::default();
        if self.method != "POST" {
            shell.words.push(format!("-X {}", quoted(self.method)));
        }
        shell.words.push(format!(
            "-H {}",
            quoted(&format!("Content-Type: {}", self.media_type))
        ));
        let body = self.place_body(&mut shell, now)?;
        let mut url = Some(quoted(self.url));
        for check in self.checks {
            match check {
                Check::Address { .. } | Check::BodySecret { .. } => {}
                Check::UrlSecret { keys } => {
                    shell.config.push(self.with_secret(keys)?);
                    url = None;
                }
                Check::Bearer { keys } => {
                    shell.configure("header", "Authorization: Bearer ", &in_config(keys)?)
                }
                Check::Header { name, keys } => {
                    shell.configure("header", &format!("{name}: "), &in_config(keys)?)
                }
                Check::Basic { username, keys } => {
                    shell.configure("user", &format!("{username}:"), &in_config(keys)?);
                }
                Check::Hmac(scheme) => match &scheme.stamp {
                    Some(stamp) => shell.sign(scheme, stamp)?,
                    None => shell.signed(scheme, body.clone(), now)?,
                },
                Check::ClientCertificate(_) => {
                    return Err(unsendable(&Unsendable::CertificateNeeded));
                }
                Check::Entra(_) => {
                    shell.configure("header", "Authorization: Bearer ", &self.token(check)?)
                }
            }
        }
        Ok(shell.written(url))
    }

    /// Says where the body comes from; its bytes as they will be sent.
    fn place_body(&self, shell: &mut Shell, now: Timestamp) -> Result<Bytes, CliError> {
        let in_body = self
            .checks
            .iter()
            .find(|check| matches!(check, Check::BodySecret { .. }));
        if let Some(check) = in_body {
            let sent = ProvenRequest::prove([check], self.body.clone().into(), Moment::at(now))
                .map_err(|why| unsendable(&why))?;
            let text = String::from_utf8_lossy(&sent.body).into_owned();
            let key = check
                .keys()
                .first()
                .and_then(Key::as_text)
                .unwrap_or_default();
            let as_json = serde_json::Value::from(key).to_string();
            if as_json.trim_matches('"') != key {
                let sentence = "the secret has characters that JSON must escape, so no shell can put it into the body; \
                    choose one of letters and digits, or let `scanhook send` send it";
                return Err(CliError::new(Exit::Configuration, sentence));
            }
            let way = secret(check.keys())?;
            let pieces: Vec<_> = text.split(key).map(quoted_always).collect();
            shell.before.push(format!("b={}", pieces.join(&way)));
            shell.keep_body();
            return Ok(sent.body);
        }
        let timed = |check: &Check| matches!(check, Check::Hmac(scheme) if scheme.stamp.is_some());
        let path = file(self.payload)?;
        if path == "-" && self.checks.iter().any(timed) {
            // Standard input can be read once, and is needed for the signature and for the body.
            shell.before.push("b=$(cat)".to_owned());
            shell.keep_body();
        } else {
            shell.body = if path == "-" {
                String::new()
            } else {
                format!("cat {}", quoted(&path))
            };
            shell.data = quoted(&format!("@{path}"));
        }
        Ok(self.body.clone().into())
    }

    /// The line of curl's configuration that names the URL.
    fn with_secret(&self, keys: &[Key]) -> Result<String, CliError> {
        let plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        let mut way = in_config(keys)?;
        if !keys.first().and_then(Key::as_text).is_some_and(plain) {
            // Every byte as %xx, which a URL takes for the byte itself.
            way = format!(
                "$(printf %s {} | od -An -v -tx1 | tr -d '\\n' | tr ' ' %)",
                secret(keys)?
            );
        }
        const MARK: &str = "SECRET-OF-THE-URL";
        let url = with_segment(self.url, MARK);
        let (before, after) = url.rsplit_once(MARK).unwrap_or((&url, ""));
        Ok(format!(
            "url = \"{}{way}{}\"",
            in_document(before),
            in_document(after)
        ))
    }

    fn token(&self, check: &Check) -> Result<String, CliError> {
        match self.token {
            Some(path) => Ok(format!("$(cat {})", quoted(&file(path)?))),
            None => {
                let why =
                    ProvenRequest::prove([check], Bytes::new(), Moment::at(Timestamp::default()))
                        .err();
                Err(why.map_or_else(
                    || CliError::new(Exit::Usage, "--token-file is missing"),
                    |why| unsendable(&why),
                ))
            }
        }
    }
}
