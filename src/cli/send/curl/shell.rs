//! A command as it grows: what comes before curl, its words, its configuration and its body.

use bytes::Bytes;

use super::quoting::{in_document, quoted};
use super::signer::signer;
use crate::cli::send::sendable::unsendable;
use crate::cli::trouble::CliError;
use scanhook_core::signature::template::SignedPart;
use scanhook_core::signature::{
    Check, Moment, ProvenRequest, Scheme, SignedTime, StampPlace, TimeFormat,
};
use scanhook_core::time::Timestamp;

/// A command as it grows.
#[derive(Default)]
pub(super) struct Shell {
    /// Assignments that come first.
    pub(super) before: Vec<String>,
    /// Words behind `curl`.
    pub(super) words: Vec<String>,
    /// Lines of curl's configuration, as text of a here-document: what holds a secret.
    pub(super) config: Vec<String>,
    /// How the body is written to standard output, and what curl reads it from.
    pub(super) body: String,
    pub(super) data: String,
}

impl Shell {
    /// The body is read from the variable that holds it.
    pub(super) fn keep_body(&mut self) {
        self.body = "printf %s \"$b\"".to_owned();
        self.data = "@-".to_owned();
    }

    /// The whole command.
    pub(super) fn written(&self, url: Option<String>) -> String {
        let piped = if self.data == "@-" && !self.body.is_empty() {
            format!("{} | ", self.body)
        } else {
            String::new()
        };
        let before: String = self
            .before
            .iter()
            .map(|statement| format!("{statement}; "))
            .collect();
        let mut command = format!(
            "{before}{piped}curl {} --data-binary {}",
            self.words.join(" "),
            self.data
        );
        command.extend(url.map(|url| format!(" {url}")));
        if !self.config.is_empty() {
            let lines = self.config.join("\n");
            command.push_str(&format!(" --config /dev/fd/3 3<<EOF\n{lines}\nEOF"));
        }
        command
    }

    /// A line of curl's configuration whose value ends in what a shell will fill in.
    pub(super) fn configure(&mut self, option: &str, before: &str, way: &str) {
        self.config
            .push(format!("{option} = \"{}{way}\"", in_document(before)));
    }

    /// A header whose value ends in what a shell will fill in.
    fn header(&mut self, before: &str, way: &str) {
        self.words.push(format!("-H {}{way}", quoted(before)));
    }

    /// A signature that holds as long as the body stays as it is: it is made here.
    pub(super) fn signed(
        &mut self,
        scheme: &Scheme,
        body: Bytes,
        now: Timestamp,
    ) -> Result<(), CliError> {
        let check = Check::Hmac(Box::new(scheme.clone()));
        let id = format!("msg_{}", now.millis());
        let moment = Moment {
            at: now,
            id: &id,
            token: None,
        };
        let sent = ProvenRequest::prove([&check], body, moment).map_err(|why| unsendable(&why))?;
        for (name, value) in &sent.headers {
            self.words.push(format!(
                "-H {}",
                quoted(&format!("{name}: {}", value.to_str().unwrap_or_default()))
            ));
        }
        Ok(())
    }

    /// A signature that covers the time: it is made when the command runs.
    pub(super) fn sign(&mut self, scheme: &Scheme, stamp: &SignedTime) -> Result<(), CliError> {
        let time = match stamp.formats.first() {
            Some(TimeFormat::UnixMillis) => "$(date +%s)000",
            Some(TimeFormat::Rfc3339) => "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
            Some(TimeFormat::Unix) | None => "$(date +%s)",
        };
        self.before.push(format!("t={time}"));
        if scheme.id_header.is_some() {
            self.before.push("i=msg_$(date +%s)".to_owned());
        }
        let piece = |part: &SignedPart| match part {
            SignedPart::Text(text) => format!("printf %s {}", quoted(text)),
            SignedPart::Timestamp => "printf %s \"$t\"".to_owned(),
            SignedPart::Id => "printf %s \"$i\"".to_owned(),
            SignedPart::Body => self.body.clone(),
        };
        let pieces: Vec<_> = scheme.signed.parts().iter().map(piece).collect();
        let (pieces, sign) = (pieces.join("; "), signer(scheme)?);
        self.before.push(format!("s=$({{ {pieces}; }} | {sign})"));
        let prefix = if scheme.prefix.is_empty() {
            String::new()
        } else {
            quoted(&scheme.prefix)
        };
        match &stamp.place {
            StampPlace::Header(name) => {
                self.words
                    .push(format!("-H {}\"$t\"", quoted(&format!("{name}: "))));
                self.header(&format!("{}: ", scheme.header), &format!("{prefix}\"$s\""));
            }
            StampPlace::Entry(entry) => {
                let before = format!("{}: {entry}", scheme.header);
                let joint = quoted(&scheme.joint().to_string());
                self.header(&before, &format!("\"$t\"{joint}{prefix}\"$s\""));
            }
        }
        if let Some(name) = &scheme.id_header {
            self.words
                .push(format!("-H {}\"$i\"", quoted(&format!("{name}: "))));
        }
        Ok(())
    }
}
