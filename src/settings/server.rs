//! `[server]`.

use core::time::Duration;
use std::net::SocketAddr;

use super::inputs::Flags;
use super::limits::{FailureBudget, TrustedProxies};
use super::place::{Context, Section};
use scanhook_core::network::Network;

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// Status, API, metrics; a loopback address.
    pub admin_listen: SocketAddr,
    /// Whose `X-Forwarded-For` or `Forwarded` is believed.
    pub trusted_proxies: TrustedProxies,
    pub connections: Connections,
    /// Failed authentications an address may have.
    pub auth_failures: FailureBudget,
    /// Cap of a body, in bytes.
    pub max_body: usize,
    /// Most bytes of bodies in memory at once, for all senders together.
    pub body_memory: usize,
    pub grace: Duration,
}

/// Caps of open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    pub per_address: usize,
    pub total: usize,
}

/// Bytes of a body where nothing else is said.
pub(super) const MAX_BODY: usize = 1 << 20;

/// Bytes of bodies in memory where nothing else is said.
const BODY_MEMORY: usize = 64 << 20;

const LEAST_BODY: usize = 1 << 10;
const MOST_BODY: usize = 64 << 20;
const LEAST_MEMORY: usize = 1 << 20;
const MOST_MEMORY: usize = 4 << 30;

/// An address, and whether a variable says it, which comes before every file.
#[derive(Clone, Copy, Debug)]
pub(super) struct SaidAddress {
    pub(super) address: SocketAddr,
    by_variable: bool,
}

pub(super) fn said_address<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
    name: &'static str,
) -> Option<SaidAddress> {
    let address = address(section, ctx, name)?;
    Some(SaidAddress {
        address,
        by_variable: section.is_by_variable(name),
    })
}

/// Where the admin listener is: `newer` is what `[admin] listen` says, whose older name is `admin_listen` here.
fn admin_address<'i>(
    section: &mut Section<'i>,
    newer: Option<SaidAddress>,
    ctx: &mut Context<'i>,
) -> Option<SocketAddr> {
    let older = said_address(section, ctx, "admin_listen");
    if let (Some(newer), Some(older)) = (newer, older) {
        if !newer.by_variable && !older.by_variable {
            let message = "says the same as `[admin] listen`: keep one of the two";
            section.fault(ctx, "admin_listen", "bad-value", message);
        }
        if older.by_variable && !newer.by_variable {
            return Some(older.address);
        }
    }
    Some(newer.or(older)?.address)
}

pub(super) fn read<'i>(
    mut section: Section<'i>,
    admin: Option<SaidAddress>,
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> Server {
    let listen = flags.listen.or(address(&mut section, ctx, "listen"));
    let admin = admin_address(&mut section, admin, ctx);
    let admin_listen = flags.admin_listen.or(admin);
    let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let admin_listen = admin_listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9090)));
    if listen == admin_listen && listen.port() != 0 {
        section.fault(
            ctx,
            "admin_listen",
            "bad-value",
            "must differ from `listen`",
        );
    }
    let max_body = section.parse(
        ctx,
        "max_body",
        "a size from \"1KiB\" to \"64MiB\"",
        |text| size(text).filter(|bytes| (LEAST_BODY..=MOST_BODY).contains(bytes)),
    );
    let max_body = max_body.unwrap_or(MAX_BODY);
    let body_memory = section.parse(
        ctx,
        "body_memory",
        "a size from \"1MiB\" to \"4096MiB\"",
        |text| size(text).filter(|bytes| (LEAST_MEMORY..=MOST_MEMORY).contains(bytes)),
    );
    let body_memory = body_memory.unwrap_or(BODY_MEMORY);
    if max_body > body_memory {
        section.fault(
            ctx,
            "body_memory",
            "bad-value",
            "must not be less than `max_body`",
        );
    }
    let grace = section.duration(
        ctx,
        "grace",
        Duration::from_secs(20),
        Duration::ZERO..=Duration::from_secs(600),
    );
    let server = Server {
        listen,
        admin_listen,
        trusted_proxies: proxies(&mut section, ctx),
        connections: connections(&mut section, ctx),
        auth_failures: failures(&mut section, ctx),
        max_body,
        body_memory,
        grace,
    };
    section.finish(ctx);
    server
}

fn address<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
    name: &'static str,
) -> Option<SocketAddr> {
    section.parse(
        ctx,
        name,
        "an address with a port, such as \"127.0.0.1:8080\"",
        |text| text.parse().ok(),
    )
}

fn proxies<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> TrustedProxies {
    let mut networks = Vec::new();
    for text in section.texts(ctx, "trusted_proxies").unwrap_or_default() {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(why) => section.fault(
                ctx,
                "trusted_proxies",
                "bad-value",
                format!("`{}`: {why}", text.escape_debug()),
            ),
        }
    }
    TrustedProxies(networks)
}

fn connections<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Connections {
    let mut table = section
        .section(ctx, "connections")
        .unwrap_or_else(|| Section::empty("server.connections"));
    let per_address = table.number(ctx, "per_address", 512, 1..=1_000_000);
    let total = table.number(ctx, "total", 4096, 1..=1_000_000);
    if per_address > total {
        table.fault(
            ctx,
            "per_address",
            "bad-value",
            "must not be more than `total`",
        );
    }
    table.finish(ctx);
    Connections {
        per_address: per_address as usize,
        total: total as usize,
    }
}

fn failures<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> FailureBudget {
    let default = FailureBudget::default();
    let mut table = section
        .section(ctx, "auth_failures")
        .unwrap_or_else(|| Section::empty("server.auth_failures"));
    let count = table.number(ctx, "count", default.count, 1..=1_000_000);
    let per = table.duration(
        ctx,
        "per",
        default.per,
        Duration::from_secs(1)..=Duration::from_secs(86_400),
    );
    table.finish(ctx);
    FailureBudget { count, per }
}

/// Bytes, `KiB`, `MiB` or `GiB`.
pub(super) fn size(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit {
        "B" | "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_exact() {
        assert_eq!(
            ["512", "512B", "64KiB", "1MiB"].map(size),
            [Some(512), Some(512), Some(65_536), Some(1_048_576)]
        );
        assert_eq!(
            [
                "",
                "MiB",
                "1MB",
                "1 MiB",
                "1.5MiB",
                "-1",
                "99999999999999999999MiB"
            ]
            .map(size),
            [None; 7]
        );
    }
}
