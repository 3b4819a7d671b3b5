//! The literal text of numbers, which the grammar keeps to itself.

/// Hands out the literal text of the numbers of a document in order. Only meaningful while the grammar, which reads
/// the same text in the same order, finds it valid.
pub(super) struct Numbers<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'"' => self.at = behind_string(bytes, self.at)?,
                b'-' | b'0'..=b'9' => {
                    let start = self.at;
                    let rest = bytes.get(start..)?;
                    let length = rest
                        .iter()
                        .take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                        .count();
                    self.at = start + length;
                    return self.text.get(start..self.at);
                }
                _ => self.at += 1,
            }
        }
    }
}

/// The index behind the string that opens at `quote`.
fn behind_string(bytes: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
