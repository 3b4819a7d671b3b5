//! TLS to the database: with an authority that is named, and to the name that the certificate is for; to nobody else.

use std::path::{Path, PathBuf};

use scanhook::journal::{Refusal, check_database};
use scanhook::settings::named_database;

use crate::harness::{Authority, add};
use crate::server::{PASSWORD, Server};

/// Whether the database at this host is used, by who trusts this authority, or those of the system.
fn looked(
    server: &Server,
    host: &str,
    password: &Path,
    authority: Option<&Path>,
) -> Result<(), Refusal> {
    let url = server.url().replace("127.0.0.1", host);
    let url = url.replace("sslmode=disable", "sslmode=require");
    let at = named_database(&url, Some(password), authority).unwrap();
    assert!(at.tls);
    check_database(&at.into())
}

#[test]
fn the_chain_and_the_name_of_the_servers_certificate_are_verified() {
    let server = Server::initialised();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scanhook.toml"), "").unwrap();
    add(folder.path(), "", &[("journal.secret", PASSWORD)]);
    let password = folder.path().join("journal.secret");
    let trusted = |name: &str, authority: &Authority| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path
    };
    let (ours, other) = (Authority::new(), Authority::new());
    let (ours_pem, other_pem) = (trusted("ours.pem", &ours), trusted("other.pem", &other));
    let (certificate, key) = ours.issue(&["localhost"], |_| {});
    server.secure(&certificate, &key);

    looked(&server, "localhost", &password, Some(&ours_pem)).unwrap();
    // The log tells how each session came, when it is asked to.
    let sessions = server.log();
    let ours = sessions
        .lines()
        .filter(|line| line.contains("user=scanhook") && line.contains("SSL enabled"));
    assert!(ours.count() > 0, "{sessions}");

    for (host, authority) in [
        ("127.0.0.1", Some(ours_pem.as_path())),
        ("localhost", Some(other_pem.as_path())),
        ("localhost", None),
    ] {
        let refusal = looked(&server, host, &password, authority).unwrap_err();
        assert_eq!(refusal.code(), "journal-certificate", "{host}: {refusal}");
        let says = refusal.to_string();
        assert!(says.contains(host) && says.contains("ca_file"), "{says}");
    }
}
