#![allow(clippy::unwrap_used)]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    SanType, date_time_ymd,
};
use scanhook_core::time::Timestamp;

use super::*;

/// Its RSA key has 1024 bits; its subject is `C=DE, O=Example\, Inc., CN=short.example`.
const SHORT: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIICWDCCAcGgAwIBAgIUVHB5//f8B9cX5UnAz2ZBqa4pG5YwDQYJKoZIhvcNAQEL\n\
BQAwPTELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUV4YW1wbGUsIEluYy4xFjAUBgNV\n\
BAMMDXNob3J0LmV4YW1wbGUwIBcNMjYxMTMwMDQxMDQ1WhgPMjEyNjExMDYwNDEw\n\
NDVaMD0xCzAJBgNVBAYTAkRFMRYwFAYDVQQKDA1FeGFtcGxlLCBJbmMuMRYwFAYD\n\
VQQDDA1zaG9ydC5leGFtcGxlMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCy\n\
8afaB94NhujEYUe4SRGejKifkxhvsX06XRjCx5jnBhLxP64RJPKsBeiqEDEE54fV\n\
wGXHfVHc87/fFK56/BtNhLO0oLL9rD6AFjhPVi+cyEdpzL/4KvbnCB+LxW/1xxsS\n\
SMoHJ3yKxrEnVfGG/zIpQb0mxqVCKzg9783KnjXNqQIDAQABo1MwUTAdBgNVHQ4E\n\
FgQU88GSboc8WxTuTvvlk1YJYtc2LmQwHwYDVR0jBBgwFoAU88GSboc8WxTuTvvl\n\
k1YJYtc2LmQwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOBgQBliUAQ\n\
F8NK5ZJZCqgFb7rmi2qAScMTFFKRydKHGRQJI6Knzp+OJmsB+nwDb+NxCsQqV6Q6\n\
Au23L6Fv+h+j5ie/EWL8UWAeSQ6C/G800fsahmsSmTj4bqHYNZBcql35EUwlF9dI\n\
asuuGaC6eJHFiVq3trwXkC15XH8dy+yAhNhEdg==\n\
-----END CERTIFICATE-----\n\
";

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| core::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::new(["siem.example".to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Example, Inc.");
    params.distinguished_name.push(DnType::CommonName, "siem");
    let uri = "spiffe://example/siem".try_into().unwrap();
    params.subject_alt_names.push(SanType::URI(uri));
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 3, 4);
    params
}

/// A certificate and its key, as PEM.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params().self_signed(&key).unwrap();
    (
        pem("CERTIFICATE", certificate.der()),
        pem("PRIVATE KEY", &key.serialize_der()),
    )
}

fn fault(certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> PairFault {
    read_pair(certificate.as_ref(), key.as_ref()).err().unwrap()
}

#[test]
fn a_pair_is_read_with_what_the_certificate_says() {
    let (certificate, key) = pair();
    let read = read_pair(certificate.as_bytes(), key.as_bytes())
        .ok()
        .unwrap();
    let CertificateFacts {
        subject,
        dns_names,
        uris,
        fingerprint,
        valid,
        key,
        ..
    } = read.facts;
    assert_eq!(subject.to_string(), "CN=siem,O=Example\\, Inc.");
    assert_eq!(
        (dns_names, uris),
        (
            vec!["siem.example".to_owned()],
            vec!["spiffe://example/siem".to_owned()]
        )
    );
    assert_eq!(
        fingerprint,
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&read.chain[0]))
    );
    assert_eq!(
        (key, valid.last_day().as_str()),
        (PublicKeyKind::EllipticCurve, "2027-03-04")
    );
}

#[test]
fn one_file_may_hold_both_with_text_around_them() {
    let (certificate, key) = pair();
    let both = format!(
        "subject: siem\r\n\r\n{}{key}",
        certificate.replace('\n', "\r\n")
    );
    assert!(read_pair(both.as_bytes(), both.as_bytes()).is_ok());
    assert!(holds_private_key(both.as_bytes()) && !holds_private_key(certificate.as_bytes()));
}

#[test]
fn a_key_that_does_not_fit_is_told_from_a_chain_in_the_wrong_order() {
    let mut of_ca = CertificateParams::new(Vec::new()).unwrap();
    of_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(of_ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = pem("CERTIFICATE", params().signed_by(&key, &ca).unwrap().der());
    let (ca, key) = (
        pem("CERTIFICATE", ca.der()),
        pem("PRIVATE KEY", &key.serialize_der()),
    );
    let chain = read_pair(format!("{leaf}{ca}").as_bytes(), key.as_bytes())
        .ok()
        .unwrap();
    assert_eq!(chain.chain.len(), 2);
    assert_eq!(fault(format!("{ca}{leaf}"), &key), PairFault::NotFirst);
    assert_eq!(fault(&leaf, pair().1), PairFault::Mismatch);
    assert_eq!(read_authorities(ca.as_bytes()).unwrap().len(), 1);
    assert_eq!(
        read_authorities(key.as_bytes()),
        Err(PairFault::NoCertificate)
    );
}

#[test]
fn rsa_below_2048_bits_is_refused() {
    let (_, key) = pair();
    assert_eq!(fault(SHORT, &key), PairFault::ShortKey(1024));
    let der = CertificateDer::from_pem_slice(SHORT.as_bytes()).unwrap();
    let facts = CertificateFacts::read(&der).unwrap();
    assert_eq!(
        facts.subject.to_string(),
        "CN=short.example,O=Example\\, Inc.,C=DE"
    );
}

#[test]
fn other_forms_are_refused_with_the_line_that_converts_them() {
    let (certificate, key) = pair();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let old =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
            .to_owned();
    let pkcs12: &[u8] = &[
        0x30, 0x82, 0x0a, 0x2b, 0x02, 0x01, 0x03, 0x30, 0x82, 0x09, 0xe1,
    ];
    for (found, command) in [
        (fault(pkcs12, &key), "openssl pkcs12 -in c.pem -nokeys"),
        (
            fault(&certificate, pkcs12),
            "openssl pkcs12 -in 'the key' -nocerts -nodes",
        ),
        (fault(&*der, &key), "openssl x509 -inform der -in c.pem"),
        (fault(&certificate, encrypted), "openssl pkey -in 'the key'"),
        (fault(&certificate, old), "openssl pkey -in 'the key'"),
    ] {
        let message = found.message(Path::new("c.pem"), Path::new("the key"));
        assert!(message.contains(command), "{message}");
    }
}

#[test]
fn whatever_else_stands_in_a_file_is_a_fault_of_that_file() {
    let (certificate, key) = pair();
    let certificates = [
        (String::new(), PairFault::NoCertificate),
        ("\u{0}\u{1}garbage".to_owned(), PairFault::NoCertificate),
        (key.clone(), PairFault::NoCertificate),
        (
            certificate[..100].to_owned(),
            PairFault::BrokenPem(PairPart::Certificate),
        ),
        (
            certificate.replace("MII", "M*I"),
            PairFault::BrokenPem(PairPart::Certificate),
        ),
        (
            pem("CERTIFICATE", b"garbage"),
            PairFault::Unreadable(PairPart::Certificate),
        ),
    ];
    for (text, expected) in certificates {
        assert_eq!(fault(&text, &key), expected, "{text}");
    }
    let keys = [
        (String::new(), PairFault::NoKey),
        (certificate.clone(), PairFault::NoKey),
        (format!("{key}{key}"), PairFault::SeveralKeys),
        (key[..100].to_owned(), PairFault::BrokenPem(PairPart::Key)),
        (
            pem("PRIVATE KEY", b"garbage"),
            PairFault::Unreadable(PairPart::Key),
        ),
    ];
    for (text, expected) in keys {
        assert_eq!(fault(&certificate, &text), expected, "{text}");
        assert_eq!(expected.part(), PairPart::Key);
    }
}

#[test]
fn what_follows_a_certificate_is_not_passed_over() {
    let (certificate, _) = pair();
    let mut der = CertificateDer::from_pem_slice(certificate.as_bytes())
        .unwrap()
        .to_vec();
    assert!(CertificateFacts::read(&der).is_some());
    der.push(0);
    assert_eq!(CertificateFacts::read(&der), None);
    assert_eq!(CertificateFacts::read(&der[..50]), None);
}

#[test]
fn the_end_is_told_thirty_days_before() {
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let valid = ValidityPeriod {
        from: at("2026-01-01T00:00:00Z"),
        until: at("2027-03-04T00:00:00Z"),
    };
    for (now, standing, says) in [
        (
            "2025-12-31T23:59:59Z",
            CertificateStanding::NotYet,
            "not valid before 2026-01-01",
        ),
        ("2026-01-01T00:00:00Z", CertificateStanding::Valid, ""),
        ("2027-02-02T00:00:00Z", CertificateStanding::Valid, ""),
        (
            "2027-02-02T00:00:01Z",
            CertificateStanding::Ending,
            "ends on 2027-03-04",
        ),
        (
            "2027-03-04T00:00:00Z",
            CertificateStanding::Ending,
            "ends on 2027-03-04",
        ),
        (
            "2027-03-04T00:00:01Z",
            CertificateStanding::Expired,
            "expired on 2027-03-04",
        ),
    ] {
        assert_eq!(valid.standing(at(now)), standing, "{now}");
        assert!(
            valid.concern(at(now)).unwrap_or_default().contains(says),
            "{now}"
        );
        assert_eq!(valid.concern(at(now)).is_none(), says.is_empty());
    }
}

#[test]
fn each_certificate_is_told_of_once_and_again_when_it_has_expired() {
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let valid = |until: &str| ValidityPeriod {
        from: at("2026-01-01T00:00:00Z"),
        until: at(until),
    };
    let (old, new) = (valid("2027-03-04T00:00:00Z"), valid("2027-06-01T00:00:00Z"));
    let mut notices = CertificateNotices::default();
    let mut told = |valid, now: &str| {
        let news = notices.news(vec![("server".to_owned(), valid)], at(now));
        news.into_iter().map(|(_, news)| news).collect::<String>()
    };
    assert_eq!(told(old, "2027-01-01T00:00:00Z"), "");
    assert!(told(old, "2027-02-10T00:00:00Z").contains("ends on 2027-03-04"));
    assert_eq!(told(old, "2027-02-11T00:00:00Z"), "");
    assert!(told(old, "2027-03-05T00:00:00Z").contains("expired on"));
    assert_eq!(told(old, "2027-03-06T00:00:00Z"), "");
    assert_eq!(told(new, "2027-03-07T00:00:00Z"), "");
    assert!(told(new, "2027-05-20T00:00:00Z").contains("2027-06-01"));
}
