//! What a credential is called: the key of its messages, and the same in words.

use crate::plain::one_line;

/// Characters of a name that stands in a sentence.
const NAME: usize = 100;

/// The key of a certificate, by where it is used: `server`, `admin` or `tenant/NAME`.
#[must_use]
pub fn certificate_key(place: &str) -> String {
    format!("certificate/{place}")
}

/// The key of a token of a program.
#[must_use]
pub fn token_key(name: &str) -> String {
    format!("token/{name}")
}

/// The credential of a key, in words that begin a sentence.
pub(super) fn credential(key: &str) -> String {
    let parts: Vec<&str> = key.splitn(3, '/').collect();
    match parts[..] {
        ["certificate", "server"] => "The certificate of the public listener".to_owned(),
        ["certificate", "admin"] => "The certificate of the admin listener".to_owned(),
        ["certificate", "tenant", name] => {
            format!("The certificate of tenant `{}`", one_line(name, NAME))
        }
        ["token", ..] => format!("Token `{}`", one_line(&key["token/".len()..], NAME)),
        _ => one_line(key, NAME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_what_it_is() {
        let words = |key: &str| credential(key);
        assert_eq!(
            words(&certificate_key("server")),
            "The certificate of the public listener"
        );
        assert_eq!(
            words(&certificate_key("tenant/a/b")),
            "The certificate of tenant `a/b`"
        );
        assert_eq!(words(&token_key("soar")), "Token `soar`");
        assert_eq!(words("token/a/b"), "Token `a/b`");
    }
}
