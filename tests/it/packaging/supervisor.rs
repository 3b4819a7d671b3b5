//! systemd hears when scanhook takes alerts, that it works, when it reads its files again, and when it stops.

use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use super::started::{Started, folder, supervisor};

/// What was said next; a silence of a minute fails.
fn heard(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn systemd_hears_when_alerts_are_taken_when_files_are_read_again_and_when_it_stops() {
    let folder = folder();
    let place = folder.path().join("notify");
    let socket = supervisor(&place);
    let served = Started::told_on(folder.path(), &place, &[]);
    assert_eq!(heard(&socket).trim(), "READY=1");
    served.signal(Signal::HUP);
    let reloading = heard(&socket);
    let mut lines = reloading.lines();
    assert_eq!(lines.next(), Some("RELOADING=1"));
    // systemd compares it with the time of its order.
    let since = lines.next().unwrap().strip_prefix("MONOTONIC_USEC=");
    assert!(since.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(heard(&socket).trim(), "READY=1");
    served.signal(Signal::TERM);
    // Nothing was said of a watchdog, which nobody has asked for.
    assert_eq!(heard(&socket).trim(), "STOPPING=1");
    assert_eq!(served.ended().code(), Some(0));
}

#[test]
fn a_watchdog_hears_again_and_again_that_the_journal_answers() {
    let folder = folder();
    let place = folder.path().join("notify");
    let socket = supervisor(&place);
    let patience = [("WATCHDOG_USEC", "60000")];
    let served = Started::told_on(folder.path(), &place, &patience);
    let mut said = Vec::new();
    while said.iter().filter(|word| *word == "WATCHDOG=1").count() < 5 {
        said.push(heard(&socket).trim().to_owned());
    }
    assert!(
        said.iter()
            .all(|word| ["WATCHDOG=1", "READY=1"].contains(&word.as_str())),
        "{said:?}"
    );
    assert_eq!(served.stop().code(), Some(0));
}

#[test]
fn a_watchdog_of_another_process_hears_nothing() {
    let folder = folder();
    let place = folder.path().join("notify");
    let socket = supervisor(&place);
    let other = [("WATCHDOG_USEC", "3000"), ("WATCHDOG_PID", "1")];
    let served = Started::told_on(folder.path(), &place, &other);
    assert_eq!(heard(&socket).trim(), "READY=1");
    served.signal(Signal::HUP);
    assert!(heard(&socket).starts_with("RELOADING=1"));
    assert_eq!(heard(&socket).trim(), "READY=1");
    assert_eq!(served.stop().code(), Some(0));
    assert_eq!(heard(&socket).trim(), "STOPPING=1");
}
