//! Names, ids and times: what is read can be put where we put it, and is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanhook_core::alert::MachineId;
use scanhook_core::comment;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::directory::{EntraId, HostName};
use scanhook_core::network::Network;
use scanhook_core::pointer::Pointer;
use scanhook_core::rules::duration;
use scanhook_core::time::Timestamp;

fuzz_target!(|text: &str| {
    if let Some(id) = MachineId::parse(text) {
        assert!(id.as_str().len() == 40 && id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    }
    if let Some(name) = HostName::parse(text) {
        let name = name.to_string();
        // A quote may be in it: Windows allows one, and a filter doubles it.
        assert!(
            !name.contains(['/', '?', ' ', '"', '\\']) && !name.chars().any(char::is_control),
            "{name:?}"
        );
        assert_eq!(
            HostName::parse(&name).map(|again| again.to_string()),
            Some(name)
        );
    }
    if let Some(id) = EntraId::parse(text) {
        assert_eq!(EntraId::parse(&id.to_string()), Some(id));
    }
    if let Some(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
    if let Some(span) = duration::parse(text) {
        assert_eq!(duration::parse(&duration::show(span)), Some(span));
    }
    if let Ok(glob) = DeviceGlob::parse(text) {
        let _ = glob.matches("lt-042.corp.example");
    }
    let _ = text.parse::<Network>();
    let _ = Pointer::parse(text);
    let _ = comment::CommentTemplate::parse(text);
});
