//! `scanhook health`, as a supervisor of containers asks: one line, and 0 or 1.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::text;
use crate::harness::Authority;
use crate::verbs::{Desk, Ran, has};

fn one_line(text: &str) {
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_scanhook_that_takes_alerts_is_healthy_and_one_that_is_gone_is_not() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let admin = serving.admin();
    let well = desk.run(&["health", "--admin", &admin]).ends(0);
    has(&well.out, &["takes alerts", &admin]);
    one_line(&well.out);
    assert_eq!(well.err, "");
    // By the configuration, and by its public listener, as well.
    let address = admin.strip_prefix("http://").unwrap();
    desk.file(
        "other.toml",
        &format!("[server]\nadmin_listen = \"{address}\"\n"),
    );
    desk.run(&["health", "--config", "other.toml"]).ends(0);
    let public = serving.webhooks("soar");
    desk.run(&["health", "--admin", &public]).ends(0);
    let mut command = desk.command(&["health"]);
    command.env("SCANHOOK_ADMIN", address);
    Ran::of(command.output().unwrap()).ends(0);
    drop(serving);
    let ill = desk.run(&["health", "--admin", &admin]).ends(1);
    has(&ill.err, &["nobody answers", &admin]);
    one_line(&ill.err);
    assert_eq!(ill.out, "");
}

#[test]
fn a_token_or_a_certificate_for_another_name_does_not_matter() {
    let desk = Desk::ready();
    let authority = Authority::of(&["scanhook.example"]);
    let (certificate, key) = authority.issue(&["scanhook.example"], |_| {});
    for (name, pem) in [("cert.pem", certificate), ("key.pem", key)] {
        desk.secret(name);
        std::fs::write(desk.path(name), pem).unwrap();
    }
    let config = std::fs::read_to_string(desk.path("scanhook.toml")).unwrap();
    let more = "\n[admin.tls]\ncert_file = \"cert.pem\"\nkey_file = \"key.pem\"\n\
                [admin.tokens.ci]\nhash = \"sha256:9f2cd1a6b0e34c7f8a5b1d20e96c43f7a8b2c5d1e0f94736b8a1c2d3e4f50617\"\nrole = \"viewer\"\n";
    desk.file("scanhook.toml", &(config + more));
    let serving = desk.serve();
    let admin = serving.admin().replace("http://", "https://");
    desk.run(&["health", "--admin", &admin]).ends(0);
}

#[test]
fn another_program_is_no_healthy_scanhook() {
    let desk = Desk::empty();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = format!("http://{}", listener.local_addr().unwrap());
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 1024];
        assert!(stream.read(&mut head).unwrap() > 0);
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let ill = desk.run(&["health", "--admin", &admin]).ends(1);
    has(&ill.err, &["404"]);
    one_line(&ill.err);
    other.join().unwrap();
    for odd in ["nowhere", "ftp://127.0.0.1:1"] {
        one_line(&desk.run(&["health", "--admin", odd]).ends(1).err);
    }
}

#[test]
fn image_and_compose_ask_by_it() {
    let image = text("Dockerfile");
    assert!(
        image.contains("HEALTHCHECK")
            && image.contains("CMD [\"/usr/local/bin/scanhook\", \"health\"]")
    );
    assert!(text("compose.yaml").contains("test: [CMD, /usr/local/bin/scanhook, health]"));
}
