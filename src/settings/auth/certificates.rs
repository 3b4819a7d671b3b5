//! Whose client certificates are taken: one way to name them, and any of a list.

use crate::settings::place::{Context, Section};
use scanhook_core::signature::{ExpectedCertificate, SubjectName};

/// The ways to name a certificate.
const WAYS: [&str; 4] = ["san_dns", "san_uri", "subject", "fingerprint"];

/// Whose client certificates are taken.
pub(super) fn certificate<'i>(
    mut table: Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<ExpectedCertificate> {
    let mut named = Vec::new();
    for way in WAYS {
        if let Some(texts) = table.texts(ctx, way) {
            if texts.is_empty() || texts.iter().any(String::is_empty) {
                table.fault(ctx, way, "bad-value", "must not be empty");
            }
            named.push((way, texts));
        }
    }
    let known = WAYS.iter().any(|way| table.knows(way));
    if named.len() > 1 {
        let message = format!(
            "stands beside `{}`; an entry names certificates in one way",
            named[0].0
        );
        table.fault(ctx, named[1].0, "bad-value", message);
    } else if !known {
        table.missing(
            ctx,
            "san_dns",
            "must say whose certificates are taken: `san_dns`, `san_uri`, `subject` or `fingerprint`",
        );
    }
    let (way, texts) = named.into_iter().next()?;
    let expected = read(way, texts, &table, ctx);
    table.finish(ctx);
    Some(expected)
}

fn read(
    way: &'static str,
    texts: Vec<String>,
    table: &Section<'_>,
    ctx: &mut Context<'_>,
) -> ExpectedCertificate {
    let mut wrong = |text: &str, must_be: &str| {
        if !text.is_empty() {
            let message = format!("`{}` is not {must_be}", text.escape_debug());
            table.fault(ctx, way, "bad-value", message);
        }
    };
    match way {
        "san_dns" => {
            for name in texts.iter().filter(|name| !is_host_name(name)) {
                wrong(name, "a DNS name; each is compared whole, without `*`");
            }
            ExpectedCertificate::SanDns(texts)
        }
        "san_uri" => {
            for uri in texts.iter().filter(|uri| !uri.contains(':')) {
                wrong(uri, "a URI, such as \"spiffe://example.org/siem\"");
            }
            ExpectedCertificate::SanUri(texts)
        }
        "subject" => {
            let mut subjects = Vec::new();
            for text in &texts {
                match SubjectName::parse(text) {
                    Some(subject) => subjects.push(subject),
                    None => wrong(
                        text,
                        "a subject in the form of RFC 4514, such as \"CN=siem,O=Example,C=DE\": openssl x509 -noout \
                         -subject -nameopt RFC2253 shows it",
                    ),
                }
            }
            ExpectedCertificate::Subject(subjects)
        }
        _ => {
            let mut prints = Vec::new();
            for text in &texts {
                // As openssl shows it, or as it is compared.
                let print = text.replace(':', "").to_ascii_lowercase();
                if print.len() == 64 && print.bytes().all(|b| b.is_ascii_hexdigit()) {
                    prints.push(print);
                } else {
                    wrong(
                        text,
                        "a SHA-256 in 64 hex digits: openssl x509 -noout -fingerprint -sha256 shows it",
                    );
                }
            }
            ExpectedCertificate::Fingerprint(prints)
        }
    }
}

fn is_host_name(name: &str) -> bool {
    name.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}
