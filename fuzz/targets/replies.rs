//! What the far side answers: the first two bytes are the status, then come a line for `Retry-After`, one for `Date`, and
//! the body. Every reader takes every answer, and nothing but a list or an id that we could have sent comes out of it.
#![no_main]

use bytes::Bytes;
use http::header::{DATE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use scanhook::defender::{Endpoints, directory, header, list, reply, request, token};
use scanhook_core::alert::MachineId;
use scanhook_core::directory::Question;
use scanhook_core::time::Timestamp;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_793_607_342_000);

fn answer(status: u16, retry: &[u8], date: &[u8], body: &[u8]) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = StatusCode::from_u16(100 + status % 500).expect("from 100 to 599");
    let mut put = |name: HeaderName, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    put(RETRY_AFTER, retry);
    put(DATE, date);
    answer
}

fuzz_target!(|input: &[u8]| {
    let [high, low, rest @ ..] = input else {
        return;
    };
    let mut parts = rest.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let answer = answer(u16::from_be_bytes([*high, *low]), next(), next(), next());
    let machine =
        MachineId::parse("1e5bc9d7e413ddd7902c2932e418702b84d0cc07").expect("a machine's id");
    let endpoints = Endpoints::commercial();
    let sent = reply::SentScan {
        machine: &machine,
        external_id: Some(Uuid::nil()),
        tail: "000000000000",
        since: NOW,
    };
    let _ = reply::scan(&answer, &sent);
    let _ = reply::cancel(&answer, "5be1a7c0-2f44-4d1a-8a3c-6f0e9d27b815");
    let _ = reply::action(&answer);
    let _ = list::read(
        &answer,
        &request::first_page(&endpoints, NOW, 10_000),
        &endpoints,
    );
    let _ = header::date(answer.headers());
    let _ = directory::read(&answer, &Question::Machine(machine), &endpoints);
    let _ = token::read(&answer, NOW);
});
