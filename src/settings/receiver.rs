//! `[receivers.x]`: who is told what.

use core::time::Duration;

use lettre::message::Mailbox;
use secrecy::{ExposeSecret as _, SecretString};

use super::admin::AdminSettings;
use super::email::{self, MailRelay};
use super::place::{Context, Section};
use super::secret;
use super::write_back::TenantWriteBack;
use crate::defender::is_loopback;
use scanhook_core::message::{DigestTime, EventSet, MessageSet};
use scanhook_core::signature::{Key, KeyEncoding};

/// `[receivers.x]`. Without `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Receiver {
    pub name: String,
    pub channel: Channel,
    pub events: EventSet,
    /// Only what belongs to these tenants; `None`: everything.
    pub tenants: Option<Vec<String>>,
    /// How long a group is left alone after a message.
    pub repeat: Duration,
    /// How long a message is tried.
    pub give_up: Duration,
    pub digest: DigestTime,
    /// The proxy that leads there; `None`: that of `[network]`, if there is one.
    pub proxy: Option<String>,
}

/// In which form, and where to.
#[derive(Clone)]
pub enum Channel {
    /// Standard Webhooks, signed by every key.
    Webhook { url: SecretString, keys: Vec<Key> },
    /// A Workflows webhook of Microsoft Teams.
    Teams { url: SecretString },
    /// An incoming webhook of Slack.
    Slack { url: SecretString },
    /// The Events API v2 of PagerDuty.
    PagerDuty {
        url: SecretString,
        routing_key: SecretString,
    },
    /// Mails.
    Email {
        relay: MailRelay,
        from: Mailbox,
        to: Vec<Mailbox>,
    },
    /// Not configured as a receiver: comments where a source's alerts came from.
    WriteBack(TenantWriteBack),
}

/// The tables that name a channel, one of which stands in each receiver.
const CHANNELS: [&str; 5] = ["webhook", "teams", "slack", "pagerduty", "email"];
/// Where events of PagerDuty go.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

impl Channel {
    /// Its table's name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Channel::Webhook { .. } => "webhook",
            Channel::Teams { .. } => "teams",
            Channel::Slack { .. } => "slack",
            Channel::PagerDuty { .. } => "pagerduty",
            Channel::Email { .. } => "email",
            Channel::WriteBack(back) => back.to.target.kind(),
        }
    }

    /// The address that messages are posted to; `None`: they are mails, or each goes to another.
    #[must_use]
    pub const fn url(&self) -> Option<&SecretString> {
        match self {
            Channel::Webhook { url, .. }
            | Channel::Teams { url }
            | Channel::Slack { url }
            | Channel::PagerDuty { url, .. } => Some(url),
            Channel::Email { .. } | Channel::WriteBack(_) => None,
        }
    }

    /// What it writes back, if it does.
    #[must_use]
    pub const fn write_back(&self) -> Option<&TenantWriteBack> {
        match self {
            Channel::WriteBack(back) => Some(back),
            _ => None,
        }
    }
}

/// Reads one receiver.
pub(super) fn read<'i>(
    name: String,
    mut section: Section<'i>,
    known_tenants: &[String],
    ctx: &mut Context<'i>,
) -> Option<Receiver> {
    let channel = channel(&mut section, ctx);
    if matches!(channel, Some(Channel::Email { .. })) && section.has(ctx, "proxy") {
        section.fault(
            ctx,
            "proxy",
            "bad-value",
            "means nothing beside `email`: mails leave by their relay",
        );
    }
    let events = events(&mut section, ctx);
    let tenants = section.texts(ctx, "tenants");
    let unknown = tenants
        .iter()
        .flatten()
        .any(|name| !known_tenants.contains(name));
    if tenants.as_ref().is_some_and(Vec::is_empty) || unknown {
        section.fault(
            ctx,
            "tenants",
            "bad-value",
            "must name configured tenants; left out: all",
        );
    }
    let second = Duration::from_secs(1);
    let repeat = section.duration(ctx, "repeat", 300 * second, 10 * second..=86_400 * second);
    let give_up = section.duration(
        ctx,
        "give_up",
        86_400 * second,
        10 * second..=7 * 86_400 * second,
    );
    let digest = digest(&mut section, &events, ctx);
    let proxy = section.parse(ctx, "proxy", "an http or https URL", |text| {
        is_url(text, true).then(|| text.to_owned())
    });
    section.finish(ctx);
    Some(Receiver {
        name,
        channel: channel?,
        events,
        tenants,
        repeat,
        give_up,
        digest,
        proxy,
    })
}

/// Says so where messages and comments would have links with `public_url`.
pub(super) fn without_links(
    receivers: &[Receiver],
    writes_back: bool,
    admin: Option<&AdminSettings>,
    ctx: &mut Context<'_>,
) {
    let has_url = admin.is_some_and(|admin| admin.public_url.is_some());
    if !has_url && !receivers.is_empty() {
        ctx.warnings.push(
            "there are receivers and no `[admin] public_url`: messages have no links to the pages"
                .to_owned(),
        );
    }
    if !has_url && writes_back {
        ctx.warnings.push(
            "there are sources with `write_back` and no `[admin] public_url`: comments have no links to the pages"
                .to_owned(),
        );
    }
}

fn channel<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Channel> {
    let named: Vec<_> = CHANNELS
        .into_iter()
        .filter(|kind| section.has(ctx, kind))
        .collect();
    let [kind] = named[..] else {
        section.missing(
            ctx,
            "webhook",
            "must have exactly one of the tables `webhook`, `teams`, `slack`, `pagerduty` and `email`",
        );
        for kind in named {
            drop(section.section(ctx, kind));
        }
        return None;
    };
    let mut table = section.section(ctx, kind)?;
    let channel = match kind {
        "webhook" => {
            let url = url(&mut table, ctx, None);
            let signs = table.has(ctx, "secret_file") || table.has(ctx, "secret_env");
            let keys = if signs {
                secret::keys(&mut table, ctx, KeyEncoding::Whsec)
            } else {
                ctx.warnings.push(format!(
                    "{}: messages are not signed: name a secret, so that the receiver can tell them from others",
                    table.key
                ));
                Vec::new()
            };
            url.map(|url| Channel::Webhook { url, keys })
        }
        "teams" => url(&mut table, ctx, None).map(|url| Channel::Teams { url }),
        "slack" => url(&mut table, ctx, None).map(|url| Channel::Slack { url }),
        "email" => {
            email::read(&mut table, ctx).map(|(relay, from, to)| Channel::Email { relay, from, to })
        }
        _ => {
            let url = url(&mut table, ctx, Some(PAGERDUTY));
            let routing_key = secret::only_text(&mut table, ctx);
            url.zip(routing_key)
                .map(|(url, routing_key)| Channel::PagerDuty { url, routing_key })
        }
    };
    table.finish(ctx);
    channel
}

/// An address is often the secret itself, so a file may hold it: `url` or `url_file`.
fn url<'i>(
    table: &mut Section<'i>,
    ctx: &mut Context<'i>,
    presumed: Option<&str>,
) -> Option<SecretString> {
    const MUST_BE: &str =
        "must be an https URL without a user name; plain http is for loopback addresses only";
    let written = table.take::<String>(ctx, "url");
    let (key, text) = if table.has(ctx, "url_file") {
        if written.is_some() {
            table.fault(
                ctx,
                "url",
                "bad-value",
                "stands beside `url_file`; name one of them",
            );
        }
        ("url_file", secret::text_in(table, ctx, "url_file")?)
    } else if let Some(written) = written {
        ("url", SecretString::from(written))
    } else if let Some(presumed) = presumed {
        ("url", SecretString::from(presumed))
    } else {
        if !table.knows("url") {
            table.missing(ctx, "url", "names no address: `url` or `url_file`");
        }
        return None;
    };
    if !is_url(text.expose_secret().trim(), false) {
        table.fault(ctx, key, "bad-value", MUST_BE);
        return None;
    }
    Some(SecretString::from(text.expose_secret().trim()))
}

/// An absolute address without a user; `anywhere`: plain http may leave this computer.
fn is_url(text: &str, anywhere: bool) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let safe = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => anywhere || is_loopback(host),
        _ => false,
    };
    let user = uri
        .authority()
        .is_some_and(|all| all.as_str().contains('@'));
    safe && !host.is_empty() && !user
}

fn events<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> EventSet {
    let Some(names) = section.texts(ctx, "events") else {
        return EventSet::default();
    };
    let read = EventSet::parse(&names);
    if names.is_empty() || read.is_err() {
        let sets: Vec<_> = MessageSet::ALL.iter().map(|set| set.code()).collect();
        section.fault(
            ctx,
            "events",
            "bad-value",
            format!(
                "must be a list of {}, and of types such as decision.held (docs/messages.md has all)",
                sets.join(", ")
            ),
        );
    }
    read.unwrap_or_default()
}

fn digest<'i>(section: &mut Section<'i>, events: &EventSet, ctx: &mut Context<'i>) -> DigestTime {
    let there = section.has(ctx, "digest");
    let Some(mut table) = section.section(ctx, "digest") else {
        return DigestTime::default();
    };
    let at = table.parse(
        ctx,
        "at",
        "a time of day such as \"08:00\"",
        DigestTime::time,
    );
    let zone = table.parse(
        ctx,
        "timezone",
        "the name of a zone such as \"Europe/Berlin\"",
        DigestTime::zone,
    );
    table.finish(ctx);
    if there && !events.wants_digest() {
        section.fault(
            ctx,
            "digest",
            "bad-value",
            "means nothing without \"digest\" in `events`",
        );
    }
    DigestTime::of(at, zone)
}
