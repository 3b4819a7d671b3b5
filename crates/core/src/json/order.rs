//! The order in which keys of a large object are looked up: those that differ only in letter case stand together.

use core::cmp::Ordering;

#[derive(Clone, Debug)]
pub(super) struct MemberOrder(pub(super) Vec<u32>);

/// Objects with more members than this are looked up by their order.
pub(super) const FEW: usize = 16;

/// Keys that differ only in the case of ASCII letters stand together, and equal keys in document order.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    a.bytes()
        .map(lower)
        .cmp(b.bytes().map(lower))
        .then_with(|| a.cmp(b))
}

/// The first eight bytes in lower case, in the order of [`compare`] wherever they differ.
pub(super) fn beginning(key: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(key.bytes())
        .for_each(|(to, from)| *to = from.to_ascii_lowercase());
    u64::from_be_bytes(bytes)
}
