//! How every value stands in a page: nothing of it is markup, and what nobody would see is written as `\uXXXX`. Templates
//! cannot forget it, because askama.toml names it for all of them.

use core::fmt;

use askama::filters::Escaper;
use scanhook_core::plain::{is_unseen, spelled_out};

/// The escaper of the templates.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct PageText;

impl Escaper for PageText {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|c| markup(c).is_some() || is_unseen(c)) {
            dest.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                match markup(c) {
                    Some(entity) => dest.write_str(entity)?,
                    None => dest.write_str(&spelled_out(c.encode_utf8(&mut [0; 4])))?,
                }
            }
            rest = chars.as_str();
        }
        dest.write_str(rest)
    }
}

const fn markup(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_and_nothing_is_unseen() {
        let mut out = String::new();
        let hostile = "<b onx='\"'>&\u{202e}\u{0}\u{e0041}ä\n</b>";
        let written = PageText.write_escaped_str(&mut out, hostile);
        assert!(written.is_ok());
        assert_eq!(
            out,
            "&lt;b onx=&#39;&quot;&#39;&gt;&amp;\\u202e\\u0000\\udb40\\udc41ä\n&lt;/b&gt;"
        );
    }
}
