//! Whatever bit is turned over on the way, nobody is let in.

use super::*;

/// xorshift: the same flips in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// Turns one bit over in one of these texts.
fn flip(dice: &mut Dice, texts: &mut [Vec<u8>]) {
    let mut bit = dice.below(texts.iter().map(Vec::len).sum::<usize>() * 8);
    for text in texts {
        if bit < text.len() * 8 {
            text[bit / 8] ^= 1 << (bit % 8);
            return;
        }
        bit -= text.len() * 8;
    }
}

/// Hex digits may be written in either case, so that flip alters nothing.
fn same(scheme: &Scheme, name: &HeaderName, before: &[u8], after: &[u8]) -> bool {
    let skip = scheme.prefix.len();
    let hex = scheme.encoding == Encoding::Hex && *name == scheme.header;
    hex && before[..skip] == after[..skip] && before[skip..].eq_ignore_ascii_case(&after[skip..])
}

#[test]
fn no_flipped_bit_of_header_time_id_or_body_is_accepted() {
    /// Of each of the six schemes.
    const FLIPS: usize = 2_000;
    let body: Vec<u8> = (0..200_u8).map(|n| b' ' + n % 90).collect();
    let mut dice = Dice(0x005c_a1ab_1e5c_a1ab);
    for known in KNOWN {
        let scheme = scheme(known.kind, SECRET);
        let check = Check::Hmac(Box::new(scheme.clone()));
        let sent = sent(&check, &body);
        let auth = only(check);
        assert_eq!(status(&auth, &sent, &body), 202, "{}", known.kind);
        let names: Vec<_> = sent.keys().cloned().collect();
        let whole: Vec<Vec<u8>> = names
            .iter()
            .map(|name| sent[name].as_bytes().to_vec())
            .chain([body.clone()])
            .collect();
        let mut flips = 0;
        while flips < FLIPS {
            let mut altered = whole.clone();
            flip(&mut dice, &mut altered);
            let pairs = names.iter().zip(&altered).zip(&whole);
            if pairs.clone().any(|((name, after), before)| {
                after != before && same(&scheme, name, before, after)
            }) {
                continue;
            }
            // Not every byte can stand in a header: such a request never gets here.
            let headers = names.iter().zip(&altered).map(|(name, value)| {
                HeaderValue::from_bytes(value).map(|value| (name.clone(), value))
            });
            if let Ok(headers) = headers.collect::<Result<HeaderMap, _>>() {
                let found = status(&auth, &headers, altered.last().unwrap());
                assert!(matches!(found, 400 | 401), "{}: {altered:?}", known.kind);
                flips += 1;
            }
        }
    }
}
