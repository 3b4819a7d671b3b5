//! The curl command that does what `send` does, for any POSIX shell. No secret is in it: a signature is, or the way to
//! the secret, which the shell follows when the command runs. Nor is one in the command line of a process, which everybody
//! on the machine can read: curl reads what holds a secret as configuration from a here-document, and Python, which signs,
//! from the secret's file.

use std::path::Path;

use bytes::Bytes;

use super::super::trouble::{CliError, Exit};
use super::sendable::{unsendable, with_segment};
use scanhook_core::signature::template::SignedPart;
use scanhook_core::signature::{
    Algorithm, Check, Encoding, Key, KeyEncoding, Moment, ProvenRequest, Scheme, SecretOrigin,
    SignedTime, StampPlace, TimeFormat,
};
use scanhook_core::time::Timestamp;

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

/// A command as it grows.
#[derive(Default)]
struct Shell {
    /// Assignments that come first.
    before: Vec<String>,
    /// Words behind `curl`.
    words: Vec<String>,
    /// Lines of curl's configuration, as text of a here-document: what holds a secret.
    config: Vec<String>,
    /// How the body is written to standard output, and what curl reads it from.
    body: String,
    data: String,
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

impl Shell {
    /// The body is read from the variable that holds it.
    fn keep_body(&mut self) {
        self.body = "printf %s \"$b\"".to_owned();
        self.data = "@-".to_owned();
    }

    /// The whole command.
    fn written(&self, url: Option<String>) -> String {
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
    fn configure(&mut self, option: &str, before: &str, way: &str) {
        self.config
            .push(format!("{option} = \"{}{way}\"", in_document(before)));
    }

    /// A header whose value ends in what a shell will fill in.
    fn header(&mut self, before: &str, way: &str) {
        self.words.push(format!("-H {}{way}", quoted(before)));
    }

    /// A signature that holds as long as the body stays as it is: it is made here.
    fn signed(&mut self, scheme: &Scheme, body: Bytes, now: Timestamp) -> Result<(), CliError> {
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
    fn sign(&mut self, scheme: &Scheme, stamp: &SignedTime) -> Result<(), CliError> {
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

/// A Python program that signs what it is fed. It reads the key itself, as nothing in the usual openssl can.
fn signer(scheme: &Scheme) -> Result<String, CliError> {
    let (read, place) = match scheme.keys.first().and_then(Key::origin) {
        Some(SecretOrigin::File(path)) => ("open(sys.argv[1],\"rb\").read()", quoted(&file(path)?)),
        Some(SecretOrigin::Variable(name)) => {
            ("os.environb[os.fsencode(sys.argv[1])]", quoted(name))
        }
        None => return Err(no_origin()),
    };
    let hash = match scheme.algorithm {
        Algorithm::Sha256 => "sha256",
        Algorithm::Sha512 => "sha512",
        Algorithm::Sha1 => "sha1",
    };
    let base64 =
        "k=base64.b64decode(k.strip().translate(bytes.maketrans(b\"-_\",b\"+/\"))+b\"==\"); ";
    let decode = match scheme.key_encoding {
        KeyEncoding::Raw => String::new(),
        KeyEncoding::Hex => "k=bytes.fromhex(k.decode()); ".to_owned(),
        KeyEncoding::Base64 => base64.to_owned(),
        KeyEncoding::Whsec => {
            format!("k=k.strip(); k=k[6:] if k[:6]==b\"whsec_\" else k; {base64}")
        }
    };
    let print = match scheme.encoding {
        Encoding::Hex => "t.hex()",
        Encoding::Base64 => "base64.b64encode(t).decode()",
    };
    Ok(format!(
        "python3 -c 'import base64,hmac,os,sys; k={read}; k=k[:-2] if k[-2:]==b\"\\r\\n\" else k[:-1] if k[-1:]==b\"\\n\" \
         else k; {decode}t=hmac.new(k,sys.stdin.buffer.read(),\"{hash}\").digest(); print({print})' {place}"
    ))
}

/// How a shell comes by the first of these secrets.
fn secret(keys: &[Key]) -> Result<String, CliError> {
    match keys.first().and_then(Key::origin) {
        Some(SecretOrigin::File(path)) => Ok(format!("\"$(cat {})\"", quoted(&file(path)?))),
        Some(SecretOrigin::Variable(name)) => Ok(format!("\"${{{name}}}\"")),
        None => Err(no_origin()),
    }
}

/// The same inside a quoted value of curl's configuration, which is text of a here-document.
fn in_config(keys: &[Key]) -> Result<String, CliError> {
    const ESCAPE: &str = "sed 's/[\\\\\"]/\\\\&/g'";
    match keys.first().and_then(Key::origin) {
        Some(SecretOrigin::File(path)) => Ok(format!("$({ESCAPE} {})", quoted(&file(path)?))),
        Some(SecretOrigin::Variable(name)) => {
            Ok(format!("$(printf %s \"${{{name}}}\" | {ESCAPE})"))
        }
        None => Err(no_origin()),
    }
}

fn no_origin() -> CliError {
    CliError::new(
        Exit::Usage,
        "the secret stays out of the command: name its file with --secret-file",
    )
}

/// Text inside a quoted value of curl's configuration, in a here-document that a shell expands.
fn in_document(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\\\\\"),
            '$' | '`' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A path as a word. One that begins with a dash would be taken for an option.
fn file(path: &Path) -> Result<String, CliError> {
    let text = path
        .to_str()
        .ok_or_else(|| CliError::new(Exit::Usage, "a file name that is not UTF-8"))?;
    Ok(if text.starts_with('-') && text != "-" {
        format!("./{text}")
    } else {
        text.to_owned()
    })
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    quoted_always(text)
}

fn quoted_always(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
