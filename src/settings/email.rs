//! `email` of a receiver: the relay that takes its mails, and who writes to whom.

use lettre::message::Mailbox;
use secrecy::SecretString;

use super::place::{Context, Section};
use super::secret;
use crate::defender::is_loopback;

/// Who takes mails. Without `Debug`: it holds a secret.
#[derive(Clone)]
pub struct MailRelay {
    pub host: String,
    pub port: u16,
    pub protection: MailProtection,
    pub login: Option<MailLogin>,
}

/// How what is said to a relay is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailProtection {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, without which nothing is sent.
    StartTls,
    /// Nothing: the relay is this computer, and asks for no login.
    Plain,
}

/// What the relay is shown.
#[derive(Clone)]
pub struct MailLogin {
    pub user: String,
    pub secret: SecretString,
}

/// A relay, who writes, and to whom.
pub(super) type MailTable = (MailRelay, Mailbox, Vec<Mailbox>);

/// Recipients that one relay takes together.
const MOST: usize = 50;

pub(super) fn read<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<MailTable> {
    let faults = ctx.faults.len();
    let place = place(table, ctx);
    let from = table.parse(ctx, "from", MAILBOX, mailbox);
    let to = recipients(table, ctx);
    let login = login(table, ctx);
    for (key, there) in [("smtp", place.is_some()), ("from", from.is_some())] {
        if !there && !table.knows(key) {
            table.missing(ctx, key, "must be given");
        }
    }
    if ctx.faults.len() > faults {
        return None;
    }
    let (tls, host, port) = place?;
    let protection = match (tls, is_loopback(&host) && login.is_none()) {
        (true, _) => MailProtection::Tls,
        (false, true) => MailProtection::Plain,
        (false, false) => MailProtection::StartTls,
    };
    let relay = MailRelay {
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
        protection,
        login,
    };
    Some((relay, from?, to))
}

const MAILBOX: &str = "an address such as \"scanhook@corp.example\", in ASCII";

/// The relay's address: whether it begins with TLS, its host, its port.
fn place<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<(bool, String, u16)> {
    let wanted = "smtps://HOST:465, or smtp://HOST:587 for STARTTLS, without a user name or a path";
    table.parse(ctx, "smtp", wanted, |text| {
        let uri: http::Uri = text.parse().ok()?;
        let tls = match uri.scheme_str() {
            Some("smtps") => true,
            Some("smtp") => false,
            _ => return None,
        };
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let host = uri.host().filter(|host| !host.is_empty())?;
        let presumed = if tls { 465 } else { 587 };
        (plain && !text.contains(['@', '#']))
            .then(|| (tls, host.to_owned(), uri.port_u16().unwrap_or(presumed)))
    })
}

fn recipients<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Vec<Mailbox> {
    let Some(texts) = table.texts(ctx, "to") else {
        if !table.knows("to") {
            table.missing(ctx, "to", "must name who gets the mails");
        }
        return Vec::new();
    };
    let read: Vec<Mailbox> = texts.iter().filter_map(|text| mailbox(text)).collect();
    if read.is_empty() || read.len() != texts.len() || read.len() > MOST {
        let message = format!("must be 1 to {MOST} addresses, each {MAILBOX}");
        table.fault(ctx, "to", "bad-value", message);
    }
    read
}

/// An address, perhaps with a name before it. Only ASCII: not every relay takes more.
fn mailbox(text: &str) -> Option<Mailbox> {
    let plain = text.is_ascii() && !text.contains(|c: char| c.is_ascii_control());
    text.parse().ok().filter(|_| plain)
}

fn login<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<MailLogin> {
    let user = table.parse(ctx, "user", "a name", |text| {
        let whole = !text.is_empty() && !text.contains(char::is_control);
        whole.then(|| text.to_owned())
    });
    let named = table.has(ctx, "secret_file") || table.has(ctx, "secret_env");
    if !named {
        table.offer(&["secret_file", "secret_env"]);
        if table.knows("user") {
            table.missing(ctx, "secret_file", "must stand beside `user`");
        }
        return None;
    }
    let secret = secret::only_text(table, ctx);
    if !table.knows("user") {
        table.missing(ctx, "user", "must stand beside the secret");
    }
    Some(MailLogin {
        user: user?,
        secret: secret?,
    })
}
