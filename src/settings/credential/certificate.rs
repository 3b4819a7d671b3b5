//! `certificate_file`, `key_file` and `chain`: the certificate that signs for a tenant's app. Other people may read the
//! certificate, but not the key.

use std::path::Path;

use crate::certificate::{CertificatePair, PairPart, PublicKeyKind, holds_private_key, read_pair};
use crate::defender::AppCertificate;
use crate::settings::place::{Context, Section};
use crate::settings::secret;

/// A file larger than this is no certificate and no key.
const LARGEST: u64 = 256 << 10;
/// The code of faults that lie in the files.
const OUTSIDE: &str = "bad-secret";

pub(super) fn read<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<AppCertificate> {
    let file = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let certificate = table.parse(ctx, "certificate_file", "the name of a file", file);
    let key = table.parse(ctx, "key_file", "the name of a file", file);
    let chain = table.take::<bool>(ctx, "chain").unwrap_or(false);
    let certificate = table.folder(ctx, "certificate_file").join(certificate?);
    // One file may hold both.
    let key = key.map_or_else(
        || certificate.clone(),
        |key| table.folder(ctx, "key_file").join(key),
    );
    match of_files(&certificate, &key, chain, ctx) {
        Ok(certificate) => Some(certificate),
        Err((name, message)) => {
            table.fault(ctx, name, OUTSIDE, message);
            None
        }
    }
}

type FileFault = (&'static str, String);

fn of_files(
    certificate: &Path,
    key: &Path,
    chain: bool,
    ctx: &mut Context<'_>,
) -> Result<AppCertificate, FileFault> {
    let certificate_pem = content(certificate, ctx).map_err(|why| ("certificate_file", why))?;
    let key_pem = content(key, ctx).map_err(|why| ("key_file", why))?;
    let pair = read_pair(&certificate_pem, &key_pem).map_err(|fault| {
        let name = match fault.part() {
            PairPart::Key if key != certificate => "key_file",
            _ => "certificate_file",
        };
        (name, fault.message(certificate, key))
    })?;
    is_rsa(&pair, certificate)?;
    let name = certificate.file_name().map_or_else(
        || certificate.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    AppCertificate::new(name, &pair, chain).map_err(|_| {
        (
            "key_file",
            format!("{}: this key cannot sign", key.display()),
        )
    })
}

/// What is read of one file; nobody else may read it if there is a key in it.
fn content(path: &Path, ctx: &mut Context<'_>) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let read = ctx.files.read(path, LARGEST);
    let content = read.map_err(|error| format!("{shown}: {error}"))?;
    if content.bytes.len() as u64 > LARGEST {
        return Err(format!("{shown}: is not a file of at most 256 KiB"));
    }
    if holds_private_key(&content.bytes) {
        ctx.notes.extend(secret::access(&content.about, path)?);
    }
    Ok(content.bytes)
}

fn is_rsa(pair: &CertificatePair, file: &Path) -> Result<(), FileFault> {
    if matches!(pair.facts.key, PublicKeyKind::Rsa { .. }) {
        return Ok(());
    }
    let message = format!(
        "{}: its key is no RSA key, and Entra ID documents RSA (PS256) alone for the assertions of an app; issue the \
         certificate for an RSA key: openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=scanhook -keyout app.key \
         -out app.pem",
        file.display()
    );
    Err(("certificate_file", message))
}
