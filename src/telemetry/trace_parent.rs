//! `traceparent` of W3C Trace Context: the span of a sender that a delivery belongs to.

use http::{HeaderMap, HeaderValue};

/// Where it stands.
const NAME: &str = "traceparent";

/// The ids of a sender's span. The flag that says whether the sender traces is not kept: it has no part in whether we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
}

impl TraceParent {
    /// What a request names, if it does so once and as the standard has it.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<TraceParent> {
        let mut values = headers.get_all(NAME).iter();
        let value = values.next()?;
        match values.next() {
            None => TraceParent::parse(value),
            Some(_) => None,
        }
    }

    /// Version, two ids and flags; what a later version has behind them is not read.
    fn parse(value: &HeaderValue) -> Option<TraceParent> {
        let mut parts = value.to_str().ok()?.split('-');
        let mut next = || parts.next();
        let [version] = bytes::<1>(next()?)?;
        let (trace, span) = (bytes(next()?)?, bytes(next()?)?);
        bytes::<1>(next()?)?;
        let whole = version != 0xff && (version != 0 || next().is_none());
        let named = trace != [0; 16] && span != [0; 8];
        (whole && named).then_some(TraceParent { trace, span })
    }
}

/// So many bytes, in hex of small letters.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut read = [0; N];
    let small = !text.contains(|c: char| c.is_ascii_uppercase());
    hex::decode_to_slice(text, &mut read).ok()?;
    small.then_some(read)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn of(values: &[&str]) -> Option<TraceParent> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(NAME, value.parse().unwrap());
        }
        TraceParent::of(&headers)
    }

    #[test]
    fn a_parent_counts_as_the_standard_writes_it_and_not_otherwise() {
        let parent = of(&[&format!("00-{TRACE}-{SPAN}-00")]).unwrap();
        assert_eq!(hex::encode(parent.trace), TRACE);
        assert_eq!(hex::encode(parent.span), SPAN);
        // A later version may say more.
        assert_eq!(of(&[&format!("01-{TRACE}-{SPAN}-01-x")]), Some(parent));
        let zeroes = "0".repeat(32);
        for odd in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-x"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{zeroes}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeroes[..16]),
            format!("00-{SPAN}-{TRACE}-01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
        ] {
            assert_eq!(of(&[&odd]), None, "{odd}");
        }
        let twice = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(of(&[&twice, &twice]), None);
    }
}
