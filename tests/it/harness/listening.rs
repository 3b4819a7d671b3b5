//! What a program that serves says on stderr: kept, and read until it says where it listens.

use std::io::{BufRead as _, BufReader, Write};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// A program that was just started has so long to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of the child's stderr, each of which is written to `kept` first.
pub fn said(child: &mut Child, mut kept: impl Write + Send + 'static) -> Receiver<String> {
    let lines = BufReader::new(child.stderr.take().expect("its stderr is piped")).lines();
    let (send, said) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            writeln!(kept, "{line}").unwrap();
            // Nobody may listen any more; it must not wait for us to read all the same.
            let _ = send.send(line);
        }
    });
    said
}

/// The addresses for webhooks and for operators, from the line of the log that has them.
pub fn addresses(said: &Receiver<String>) -> [SocketAddr; 2] {
    addresses_after(said, &mut Vec::new())
}

/// The same with the lines up to there.
pub fn addresses_after(said: &Receiver<String>, before: &mut Vec<String>) -> [SocketAddr; 2] {
    addresses_if_any(said, before).unwrap_or_else(|| panic!("it did not start: {before:#?}"))
}

/// The same, or nothing where it ends before it listens.
pub fn addresses_if_any(
    said: &Receiver<String>,
    before: &mut Vec<String>,
) -> Option<[SocketAddr; 2]> {
    loop {
        let line = said.recv_timeout(PATIENCE).ok()?;
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        before.push(line.clone());
        if event["message"] == "listening" {
            let address = |key: &str| {
                let url = event[key]
                    .as_str()
                    .and_then(|url| Some(url.split_once("://")?.1));
                url.unwrap_or_else(|| panic!("no {key} in {line}"))
                    .parse()
                    .unwrap()
            };
            return Some([address("scanhook.webhooks"), address("scanhook.admin")]);
        }
    }
}
