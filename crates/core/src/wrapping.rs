//! How the JSON of a delivery stands in the bytes of a body: as it is, in the field of a form, compressed. A signature
//! covers the bytes as they were sent; what is read and kept is the JSON.

use std::borrow::Cow;
use std::io::Read as _;

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use percent_encoding::percent_decode;

/// The form's field that holds the JSON.
const FIELD: &[u8] = b"payload";

/// How one body is wrapped. The default is not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrapping {
    /// Compressed by gzip, once.
    pub gzip: bool,
    /// A form (`application/x-www-form-urlencoded`).
    pub form: bool,
    /// Most bytes it may unpack to.
    pub cap: usize,
}

/// Why a body cannot be unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It is not one whole gzip stream.
    Gzip,
    /// It unpacks to more than this many bytes.
    TooLarge(usize),
    /// The form does not have exactly one field `payload`.
    Form,
}

impl Wrapping {
    /// The JSON in a body.
    ///
    /// # Errors
    /// [`Sealed`].
    pub fn open(self, body: &Bytes) -> Result<Bytes, Sealed> {
        let plain = if self.gzip {
            gunzip(body, self.cap)?
        } else {
            body.clone()
        };
        if self.form { payload(plain) } else { Ok(plain) }
    }
}

/// The size that the end of a gzip stream says it unpacks to, modulo 4 GiB. [`Wrapping::open`] makes no more of it.
#[must_use]
pub fn unpacked_size(body: &[u8]) -> usize {
    let end = body.last_chunk::<4>().copied().unwrap_or_default();
    u32::from_le_bytes(end) as usize
}

fn gunzip(body: &[u8], cap: usize) -> Result<Bytes, Sealed> {
    let size = unpacked_size(body);
    let most = size.min(cap);
    let mut unpacked = Vec::with_capacity(most);
    let mut stream = GzDecoder::new(body).take(most as u64 + 1);
    stream
        .read_to_end(&mut unpacked)
        .map_err(|_| Sealed::Gzip)?;
    if unpacked.len() > cap {
        return Err(Sealed::TooLarge(cap));
    }
    // A second stream behind the first would be read by some receivers and not by others.
    let whole = unpacked.len() == size && stream.into_inner().into_inner().is_empty();
    if whole {
        Ok(Bytes::from(unpacked))
    } else {
        Err(Sealed::Gzip)
    }
}

/// The JSON of a form. Programs such as curl call any body a form unless told otherwise, and JSON is never taken for one.
fn payload(body: Bytes) -> Result<Bytes, Sealed> {
    if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Ok(body);
    }
    let fields = body.split(|b| *b == b'&').map(|field| {
        let end = field.iter().position(|b| *b == b'=').unwrap_or(field.len());
        (&field[..end], field.get(end + 1..).unwrap_or_default())
    });
    let mut found = fields.filter(|(name, _)| *decoded(name) == *FIELD);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(Bytes::from(decoded(value).into_owned())),
        _ => Err(Sealed::Form),
    }
}

/// In a form a blank is written `+`.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'+') {
        let blanks: Vec<u8> = text
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b })
            .collect();
        Cow::Owned(percent_decode(&blanks).collect())
    } else {
        percent_decode(text).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(body: &[u8]) -> Result<Bytes, Sealed> {
        Wrapping {
            gzip: true,
            form: false,
            cap: 1000,
        }
        .open(&Bytes::copy_from_slice(body))
    }

    fn of_form(body: &str) -> Result<Bytes, Sealed> {
        Wrapping {
            form: true,
            ..Wrapping::default()
        }
        .open(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn one_whole_stream_within_the_cap_is_unpacked_and_nothing_else() {
        let good = gzip(b"{\"a\":1}");
        assert_eq!(unpacked(&good).unwrap(), "{\"a\":1}");
        assert_eq!(unpacked(&gzip(&[b' '; 1000])).unwrap().len(), 1000);
        assert_eq!(unpacked(&gzip(&[b' '; 1001])), Err(Sealed::TooLarge(1000)));
        assert_eq!(
            unpacked(&gzip(&vec![0; 50_000_000])),
            Err(Sealed::TooLarge(1000))
        );
        // A stream that says it is smaller than it is makes no more than it says.
        let mut lies = gzip(&vec![0; 50_000_000]);
        let end = lies.len() - 4;
        lies[end..].copy_from_slice(&7_u32.to_le_bytes());
        assert_eq!(unpacked(&lies), Err(Sealed::Gzip));
        for broken in [
            &good[..good.len() - 1],
            &good[..4],
            b"",
            b"{}",
            &[&good[..], &good[..]].concat(),
        ] {
            assert_eq!(unpacked(broken), Err(Sealed::Gzip), "{broken:?}");
        }
        let mut flipped = good.clone();
        flipped[12] ^= 1;
        assert!(unpacked(&flipped).is_err());
    }

    #[test]
    fn the_payload_of_a_form_is_decoded_once() {
        for (form, json) in [
            (
                "payload=%7B%22a%22%3A%22b+c%2Bd%25%22%7D",
                r#"{"a":"b c+d%"}"#,
            ),
            ("x=1&payload={}&y=2", "{}"),
            ("pay%6Coad=[1]", "[1]"),
            ("payload=", ""),
            (
                " {\"payload\":\"x&payload=1\"}",
                " {\"payload\":\"x&payload=1\"}",
            ),
            ("[1]", "[1]"),
        ] {
            assert_eq!(of_form(form).unwrap(), json, "{form}");
        }
        for form in [
            "",
            "a=1",
            "Payload={}",
            "payload=1&payload=2",
            "=payload",
            "payload2={}",
        ] {
            assert_eq!(of_form(form), Err(Sealed::Form), "{form}");
        }
    }
}
