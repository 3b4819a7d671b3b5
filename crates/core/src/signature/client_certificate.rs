//! A client certificate as a proof: what it says of its holder against what a source expects. Whoever shows it here has
//! made sure that the sender holds its key and that an authority signed it.

use super::refused::{Failure, Refused};
use super::subject::SubjectName;
use crate::time::Timestamp;

/// What the certificate of a sender says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its holder.
    pub subject: SubjectName,
    /// The DNS names of its subject alternative name.
    pub dns_names: Vec<String>,
    /// The URIs of its subject alternative name.
    pub uris: Vec<String>,
    /// SHA-256 of its DER, in lower-case hex.
    pub fingerprint: String,
    /// From when it holds.
    pub from: Timestamp,
    /// Its last second.
    pub until: Timestamp,
}

/// Whether a request shows a certificate of its sender.
#[derive(Clone, Copy, Debug, Default)]
pub enum ShownCertificate<'r> {
    /// It shows none.
    #[default]
    Nothing,
    /// A trusted proxy sends a header that holds no certificate.
    Malformed,
    /// Verified, by our own listener or by a trusted proxy.
    Verified(&'r ClientCertificate),
}

/// Whose certificates prove a sender: any of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedCertificate {
    /// A DNS name of the subject alternative name, in any case.
    SanDns(Vec<String>),
    /// A URI of the subject alternative name.
    SanUri(Vec<String>),
    /// The whole subject.
    Subject(Vec<SubjectName>),
    /// This very certificate: SHA-256 of its DER, in lower-case hex.
    Fingerprint(Vec<String>),
}

impl ExpectedCertificate {
    /// What it is known by that matched.
    pub(super) fn holds(
        &self,
        shown: ShownCertificate<'_>,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let ShownCertificate::Verified(certificate) = shown else {
            return Err(Failure::of("the sender shows no client certificate").into());
        };
        if now < certificate.from || now > certificate.until {
            return Err(Failure::of("the client certificate is expired or not valid yet").into());
        }
        let (matched, failure) = match self {
            ExpectedCertificate::SanDns(names) => (
                any(names, |name| {
                    certificate
                        .dns_names
                        .iter()
                        .any(|own| own.eq_ignore_ascii_case(name))
                }),
                "no DNS name of the client certificate is one of `san_dns`",
            ),
            ExpectedCertificate::SanUri(uris) => (
                any(uris, |uri| certificate.uris.contains(uri)),
                "no URI of the client certificate is one of `san_uri`",
            ),
            ExpectedCertificate::Subject(subjects) => (
                any(subjects, |subject| certificate.subject == *subject),
                "the subject of the client certificate is none of `subject`",
            ),
            ExpectedCertificate::Fingerprint(fingerprints) => (
                any(fingerprints, |print| certificate.fingerprint == *print),
                "the client certificate is none of `fingerprint`",
            ),
        };
        matched.ok_or(Failure::of(failure).into())
    }
}

fn any<T: ToString>(expected: &[T], is_it: impl Fn(&T) -> bool) -> Option<String> {
    expected
        .iter()
        .find(|one| is_it(one))
        .map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;
    use http::HeaderMap;

    use super::super::{Authentication, Check, Malformed, Presented, Standing};
    use super::super::{authenticate, before_body};
    use super::*;

    fn certificate() -> ClientCertificate {
        ClientCertificate {
            subject: SubjectName::parse("CN=siem,O=Example").unwrap(),
            dns_names: vec!["a.example".to_owned(), "SIEM.example".to_owned()],
            uris: vec!["spiffe://example/siem".to_owned()],
            fingerprint: "ab".repeat(32),
            from: Timestamp::from_millis(1000),
            until: Timestamp::from_millis(2000),
        }
    }

    fn proves(
        expected: ExpectedCertificate,
        certificate: ShownCertificate<'_>,
        now: i64,
    ) -> Result<String, Refused> {
        let auth = Authentication {
            alternatives: vec![vec![Check::ClientCertificate(expected)]],
        };
        let headers = HeaderMap::new();
        let presented = Presented {
            certificate,
            ..Presented::from(&headers)
        };
        let now = Timestamp::from_millis(now);
        let delivery = authenticate(&auth, "s", presented, Bytes::new(), now);
        let early = before_body(&auth, presented, now);
        assert_eq!(early.err(), delivery.as_ref().err().copied());
        if delivery.is_ok() {
            assert_eq!(early, Ok(Standing::Proven));
        }
        delivery.map(|delivery| delivery.credential().to_owned())
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn any_match_of_the_named_kind_proves_and_nothing_else_does() {
        let own = certificate();
        let subjects = |names: &[&str]| {
            let parse = |name: &&str| SubjectName::parse(name).unwrap();
            ExpectedCertificate::Subject(names.iter().map(parse).collect())
        };
        let prints = |prints: Vec<String>| ExpectedCertificate::Fingerprint(prints);
        let dns = |names: &[&str]| ExpectedCertificate::SanDns(list(names));
        let uri = |names: &[&str]| ExpectedCertificate::SanUri(list(names));
        let at = |expected| proves(expected, ShownCertificate::Verified(&own), 1500);
        for (right, known_by) in [
            (dns(&["x.example", "siem.example"]), "mtls:siem.example"),
            (
                uri(&["spiffe://example/siem"]),
                "mtls:spiffe://example/siem",
            ),
            (
                subjects(&["CN=x", "cn=siem, o=Example"]),
                "mtls:CN=siem,O=Example",
            ),
            (
                prints(vec!["ab".repeat(32)]),
                &format!("mtls:{}", "ab".repeat(32)),
            ),
        ] {
            assert_eq!(at(right), Ok(known_by.to_owned()));
        }
        for wrong in [
            dns(&["example", "*.example", "spiffe://example/siem", "siem"]),
            uri(&["spiffe://example/", "SIEM.example"]),
            subjects(&["CN=siem", "O=Example,CN=siem"]),
            prints(vec!["cd".repeat(32)]),
            dns(&[]),
        ] {
            assert!(
                matches!(at(wrong.clone()), Err(Refused::Failed(_))),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn nothing_shown_is_a_failure_and_a_malformed_header_is_malformed() {
        let own = certificate();
        let expected = || ExpectedCertificate::SanDns(list(&["siem.example"]));
        let nothing = proves(expected(), ShownCertificate::Nothing, 1500);
        assert!(matches!(nothing, Err(Refused::Failed(_))));
        assert_eq!(
            proves(expected(), ShownCertificate::Malformed, 1500),
            Err(Refused::Malformed(Malformed::ClientCertificate))
        );
        for (now, good) in [(999, false), (1000, true), (2000, true), (2001, false)] {
            let shown = ShownCertificate::Verified(&own);
            assert_eq!(proves(expected(), shown, now).is_ok(), good, "{now}");
        }
    }
}
