//! Numbers of things, in words.

use core::fmt::Display;

/// `1 alert`, `2 alerts`, `2 deliveries`. `what` is the word for one of them. Its digits are not grouped, since it is also
/// stored and sent; the command line's `count` groups them for people.
#[must_use]
pub fn counted(number: impl Display + PartialEq + From<u8>, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if number == 1.into() => format!("1 {what}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_stands_in_the_plural_for_all_numbers_but_one() {
        assert_eq!(counted(1_usize, "delivery"), "1 delivery");
        assert_eq!(counted(0_u32, "delivery"), "0 deliveries");
        assert_eq!(counted(2_u64, "scan"), "2 scans");
    }
}
