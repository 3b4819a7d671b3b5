//! `[server.tls]` and `[admin.tls]`: the certificates of the two listeners, read whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use tokio_rustls::rustls::ServerConfig;

use super::inputs::Flags;
use super::place::{Context, Section};
use super::secret::access;
use crate::certificate::{
    CertificatePair, PairPart, ValidityPeriod, holds_private_key, read_authorities, read_pair,
    server_config,
};
use crate::file::Content;

/// A file larger than this holds no certificates that anybody needs.
const LARGEST: u64 = 1 << 20;

/// The TLS of one listener. Without `Debug`: it holds a private key.
#[derive(Clone)]
pub struct ListenerTls {
    /// What a handshake needs.
    pub config: Arc<ServerConfig>,
    /// When the certificate holds.
    pub valid: ValidityPeriod,
    /// The certificates that `config` was made of.
    chain: Vec<CertificateDer<'static>>,
    authorities: Vec<CertificateDer<'static>>,
}

impl ListenerTls {
    /// Whether a handshake with the one is as with the other.
    #[must_use]
    pub fn is_same(&self, other: &ListenerTls) -> bool {
        self.chain == other.chain && self.authorities == other.authorities
    }

    /// Whether senders are asked for a certificate.
    #[must_use]
    pub fn asks_for_certificate(&self) -> bool {
        !self.authorities.is_empty()
    }
}

/// The key `tls` of a table; its faults are noted.
pub(super) fn read<'i>(
    above: &mut Section<'i>,
    flags: &Flags,
    ctx: &mut Context<'i>,
) -> Option<ListenerTls> {
    if !above.has(ctx, "tls") {
        above.offer(&["tls"]);
        return None;
    }
    let mut table = above.section(ctx, "tls")?;
    let files = Files {
        certificate: path(&mut table, ctx, "cert_file"),
        key: path(&mut table, ctx, "key_file"),
        authorities: path(&mut table, ctx, "client_ca_file"),
    };
    for (name, file) in [("cert_file", &files.certificate), ("key_file", &files.key)] {
        if file.is_none() && !table.knows(name) {
            table.missing(
                ctx,
                name,
                "must name a PEM file: TLS needs `cert_file` and `key_file`",
            );
        }
    }
    // Whoever serves nothing needs none of them, and they may lie on another machine.
    let tls = match flags.credential_free {
        true => None,
        false => files.load(&table, ctx),
    };
    table.finish(ctx);
    tls
}

fn path<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>, name: &'static str) -> Option<PathBuf> {
    let name = table.parse(ctx, name, "the name of a file", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    })?;
    Some(ctx.base.join(name))
}

/// The files of one listener.
struct Files {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authorities: Option<PathBuf>,
}

impl Files {
    fn load<'i>(self, table: &Section<'i>, ctx: &mut Context<'i>) -> Option<ListenerTls> {
        // All of them are read, so that each is watched and each fault is told.
        let certificate = self.certificate.as_deref();
        let certificate = certificate.map(|path| content(table, ctx, "cert_file", path));
        let key = self.key.as_deref();
        let key = key.map(|path| content(table, ctx, "key_file", path));
        let authorities = match &self.authorities {
            Some(path) => authorities(table, ctx, path),
            None => Some(Vec::new()),
        };
        let (certificate, key) = (certificate??, key??);
        let (of_certificate, of_key) = (self.certificate?, self.key?);
        let pair = pair(table, ctx, (&of_certificate, &certificate), (&of_key, &key))?;
        let authorities = authorities?;
        let config = match server_config(&pair, authorities.clone()) {
            Ok(config) => config,
            Err(why) => {
                // The pair was found good, so it is an authority.
                let path = self.authorities.unwrap_or(of_certificate);
                let message = format!("{}: cannot be used: {why}", path.display());
                table.fault(ctx, "client_ca_file", "bad-certificate", message);
                return None;
            }
        };
        Some(ListenerTls {
            config,
            valid: pair.facts.valid,
            chain: pair.chain,
            authorities,
        })
    }
}

fn pair(
    table: &Section<'_>,
    ctx: &mut Context<'_>,
    (of_certificate, certificate): (&Path, &Content),
    (of_key, key): (&Path, &Content),
) -> Option<CertificatePair> {
    let mut safe = true;
    for (name, path, content) in [
        ("cert_file", of_certificate, certificate),
        ("key_file", of_key, key),
    ] {
        // A certificate is public; a key is not, in whichever file it stands.
        if name == "cert_file" && (of_certificate == of_key || !holds_private_key(&content.bytes)) {
            continue;
        }
        match access(&content.about, path) {
            Ok(note) => ctx.notes.extend(note),
            Err(message) => {
                table.fault(ctx, name, "bad-secret", message);
                safe = false;
            }
        }
    }
    match read_pair(&certificate.bytes, &key.bytes) {
        Ok(pair) => safe.then_some(pair),
        Err(why) => {
            let name = match why.part() {
                PairPart::Certificate => "cert_file",
                PairPart::Key => "key_file",
            };
            let message = why.message(of_certificate, of_key);
            table.fault(ctx, name, "bad-certificate", message);
            None
        }
    }
}

fn authorities(
    table: &Section<'_>,
    ctx: &mut Context<'_>,
    path: &Path,
) -> Option<Vec<CertificateDer<'static>>> {
    let content = content(table, ctx, "client_ca_file", path)?;
    match read_authorities(&content.bytes) {
        Ok(authorities) => Some(authorities),
        Err(why) => {
            let message = why.message(path, path);
            table.fault(ctx, "client_ca_file", "bad-certificate", message);
            None
        }
    }
}

fn content(
    table: &Section<'_>,
    ctx: &mut Context<'_>,
    name: &'static str,
    path: &Path,
) -> Option<Content> {
    let read = ctx.files.read(path, LARGEST).map_err(|why| why.to_string());
    let whole = read.and_then(|content| match content.bytes.len() as u64 > LARGEST {
        true => Err("is larger than 1 MiB".to_owned()),
        false => Ok(content),
    });
    let told = |why: String| {
        let message = format!("{}: {why}", path.display());
        table.fault(ctx, name, "bad-certificate", message);
    };
    whole.map_err(told).ok()
}
