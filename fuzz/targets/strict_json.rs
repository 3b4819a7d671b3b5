//! Bodies of senders: whatever the bytes are, they are read or refused, and what was read is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanhook_core::strict_json;

fuzz_target!(|body: &[u8]| {
    let Ok(json) = strict_json::read(body) else {
        return;
    };
    let written = json.written_with(&|_| None);
    let again = strict_json::read(written.as_bytes()).expect("what we write is JSON");
    assert_eq!(again.written_with(&|_| None), written);
});
