//! Bodies as they lie in the journal: compressed, so that a delivery fills a fraction of a page and not a page of its own.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// The first byte of a compressed body. No JSON begins with it, so bodies from before there was compression, and those that do not
/// get smaller, are kept as they are.
const COMPRESSED: u8 = 1;

/// A body, as it is kept.
pub struct Kept(Vec<u8>);

impl Kept {
    /// Compresses a body. Where that takes time, no transaction should wait for it.
    #[must_use]
    pub fn of(body: &[u8]) -> Kept {
        let mut kept = Vec::with_capacity(1 + 4 + lz4_flex::block::get_maximum_output_size(body.len()));
        kept.push(COMPRESSED);
        kept.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        kept.resize(kept.capacity(), 0);
        match lz4_flex::block::compress_into(body, &mut kept[5..]) {
            Ok(length) if length + 5 < body.len() => kept.truncate(length + 5),
            _ => {
                kept.clear();
                kept.extend_from_slice(body);
            }
        }
        kept.shrink_to_fit();
        Kept(kept)
    }
}

impl ToSql for Kept {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// A body as it was sent.
pub(super) struct Body(pub(super) Vec<u8>);

impl FromSql for Body {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Body> {
        let kept = value.as_blob()?;
        let [COMPRESSED, rest @ ..] = kept else { return Ok(Body(kept.to_vec())) };
        let body = lz4_flex::block::decompress_size_prepended(rest).map_err(FromSqlError::other)?;
        let whole = rest.first_chunk().is_some_and(|size| u32::from_le_bytes(*size) as usize == body.len());
        if whole { Ok(Body(body)) } else { Err(FromSqlError::InvalidType) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(body: &[u8]) -> Vec<u8> {
        Body::column_result(ValueRef::Blob(&Kept::of(body).0)).unwrap().0
    }

    #[test]
    fn a_body_comes_back_as_it_was_and_one_that_repeats_itself_takes_less() {
        let long = r#"{"title":"Suspicious PowerShell"}"#.repeat(50);
        for body in [&b""[..], b"{}", b"\xef\xbb\xbf{}", b"[1]\0\0", long.as_bytes()] {
            assert_eq!(again(body), body);
        }
        assert!(Kept::of(long.as_bytes()).0.len() < long.len() / 5);
        assert_eq!(Kept::of(b"{}").0, b"{}");
    }

    #[test]
    fn a_damaged_body_is_an_error_and_no_panic() {
        for kept in [&[COMPRESSED][..], &[COMPRESSED, 255, 0, 0, 0, 9], &[COMPRESSED, 4, 0, 0, 0, 0xff, 0xff, 0xff]] {
            assert!(Body::column_result(ValueRef::Blob(kept)).is_err());
        }
    }
}
