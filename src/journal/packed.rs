//! Bodies as they lie in the journal: compressed, so that a delivery fills a fraction of a page and not a page of its own.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::db::{Kind, Typed};

/// The first byte of a compressed body. No JSON begins with it, so bodies from before there was compression, and those that do not
/// get smaller, are packed as they are.
const COMPRESSED: u8 = 1;

/// A body, as it is packed.
pub struct PackedBody(Vec<u8>);

impl PackedBody {
    /// Compresses a body. Where that takes time, no transaction should wait for it.
    #[must_use]
    pub fn of(body: &[u8]) -> PackedBody {
        let mut packed =
            Vec::with_capacity(1 + 4 + lz4_flex::block::get_maximum_output_size(body.len()));
        packed.push(COMPRESSED);
        packed.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        packed.resize(packed.capacity(), 0);
        match lz4_flex::block::compress_into(body, &mut packed[5..]) {
            Ok(length) if length + 5 < body.len() => packed.truncate(length + 5),
            _ => {
                packed.clear();
                packed.extend_from_slice(body);
            }
        }
        packed.shrink_to_fit();
        PackedBody(packed)
    }
}

impl ToSql for PackedBody {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl Typed for PackedBody {
    const KIND: Kind = Kind::Blob;
}

/// A body as it was sent.
pub(super) struct Body(pub(super) Vec<u8>);

impl FromSql for Body {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Body> {
        let packed = value.as_blob()?;
        let [COMPRESSED, rest @ ..] = packed else {
            return Ok(Body(packed.to_vec()));
        };
        let body = lz4_flex::block::decompress_size_prepended(rest).map_err(FromSqlError::other)?;
        let whole = rest
            .first_chunk()
            .is_some_and(|size| u32::from_le_bytes(*size) as usize == body.len());
        if whole {
            Ok(Body(body))
        } else {
            Err(FromSqlError::InvalidType)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(body: &[u8]) -> Vec<u8> {
        Body::column_result(ValueRef::Blob(&PackedBody::of(body).0))
            .unwrap()
            .0
    }

    #[test]
    fn a_body_comes_back_as_it_was_and_one_that_repeats_itself_takes_less() {
        let long = r#"{"title":"Suspicious PowerShell"}"#.repeat(50);
        for body in [
            &b""[..],
            b"{}",
            b"\xef\xbb\xbf{}",
            b"[1]\0\0",
            long.as_bytes(),
        ] {
            assert_eq!(again(body), body);
        }
        assert!(PackedBody::of(long.as_bytes()).0.len() < long.len() / 5);
        assert_eq!(PackedBody::of(b"{}").0, b"{}");
    }

    #[test]
    fn a_damaged_body_is_an_error_and_no_panic() {
        for packed in [
            &[COMPRESSED][..],
            &[COMPRESSED, 255, 0, 0, 0, 9],
            &[COMPRESSED, 4, 0, 0, 0, 0xff, 0xff, 0xff],
        ] {
            assert!(Body::column_result(ValueRef::Blob(packed)).is_err());
        }
    }
}
