//! A bundle of certificates of authorities: PEM, as they are handed out. Anyone may read it.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::place::{Context, Section};
use crate::file::FileDigests;

/// The bundle of every public authority is a quarter of this.
const LARGEST: u64 = 1 << 20;

/// The certificates of the file that a key names, as DER; none where it names none. Faults are noted.
pub(super) fn bundle<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
    key: &'static str,
) -> Vec<Vec<u8>> {
    let file = section.parse(ctx, key, "the name of a file", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    file.map_or_else(Vec::new, |file| {
        let path = ctx.base.join(file);
        read(&path, &mut ctx.files).unwrap_or_else(|message| {
            section.fault(ctx, key, "bad-certificate", message);
            Vec::new()
        })
    })
}

/// The certificates of a file, as DER; otherwise a sentence that says what is wrong.
pub(super) fn read(path: &Path, files: &mut FileDigests) -> Result<Vec<Vec<u8>>, String> {
    let shown = path.display();
    let bytes = files
        .read(path, LARGEST)
        .map_err(|error| format!("{shown}: {error}"))?
        .bytes;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown}: is larger than 1 MiB"));
    }
    certificates(&bytes, &shown.to_string()).map_err(|why| format!("{shown}: {why}"))
}

fn certificates(bytes: &[u8], file: &str) -> Result<Vec<Vec<u8>>, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("is empty; it must hold certificates as PEM".to_owned());
    }
    if let Some(why) = binary(bytes, file) {
        return Err(why);
    }
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let n = found.len() + 1;
        let certificate = certificate
            .map_err(|_| format!("certificate {n} is not whole, or not PEM: copy it again"))?;
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|_| format!("certificate {n} is PEM, but not a certificate (X.509)"))?;
        found.push(certificate.to_vec());
    }
    if found.is_empty() {
        return Err(
            "holds no certificate: it must be PEM, with lines such as -----BEGIN CERTIFICATE-----"
                .to_owned(),
        );
    }
    Ok(found)
}

/// What a file in one of the binary formats is, and the command that converts it. Both begin as a sequence; PKCS#12 goes
/// on with its version, which is 3.
fn binary(bytes: &[u8], file: &str) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    const VERSION_3: [u8; 3] = [2, 1, 3];
    if bytes.first() != Some(&SEQUENCE) {
        return None;
    }
    let length = match bytes.get(1)? {
        long @ 0x81..=0x84 => usize::from(long & 0x7f) + 1,
        _ => 1,
    };
    Some(if bytes.get(1 + length..)?.starts_with(&VERSION_3) {
        format!(
            "is PKCS#12, and it must be PEM: openssl pkcs12 -in {file} -cacerts -nokeys -out ca.pem"
        )
    } else {
        format!("is DER, and it must be PEM: openssl x509 -inform der -in {file} -out ca.pem")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn certificate() -> rcgen::Certificate {
        let params = CertificateParams::new(vec!["ca.example".to_owned()]).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn why(bytes: &[u8]) -> String {
        certificates(bytes, "ca.file").unwrap_err()
    }

    #[test]
    fn a_bundle_gives_every_certificate_whatever_stands_around_them() {
        let (one, other) = (certificate(), certificate());
        let key = pem("PRIVATE KEY", &KeyPair::generate().unwrap().serialize_der());
        let text = format!(
            "# of ours\n{}{key}text\n{}",
            pem("CERTIFICATE", one.der()),
            pem("CERTIFICATE", other.der())
        );
        assert_eq!(
            certificates(text.as_bytes(), "f").unwrap(),
            [one.der().to_vec(), other.der().to_vec()]
        );
    }

    #[test]
    fn what_is_no_bundle_is_named_as_what_it_is() {
        for (bytes, says) in [
            (&b""[..], "is empty"),
            (b"  \n", "is empty"),
            (b"no certificates here", "holds no certificate"),
            (&[0xff, 0xfe, 0x00, 0x9c], "holds no certificate"),
            (
                b"-----BEGIN CERTIFICATE-----\nMIIB\n",
                "certificate 1 is not whole",
            ),
            (
                b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                "not a certificate",
            ),
            (
                &[0x30, 0x82, 0x09, 0x00, 0x02, 0x01, 0x03, 0x30],
                "openssl pkcs12 -in ca.file",
            ),
        ] {
            assert!(why(bytes).contains(says), "{says}: {}", why(bytes));
        }
        assert!(why(certificate().der()).contains("openssl x509 -inform der -in ca.file"));
        let key = pem("PRIVATE KEY", &KeyPair::generate().unwrap().serialize_der());
        assert!(why(key.as_bytes()).contains("holds no certificate"));
    }

    fn pem(label: &str, der: &[u8]) -> String {
        use base64::Engine as _;
        let lines = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
    }
}
