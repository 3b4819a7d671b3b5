//! An answer line by line, while it is written.

use core::time::Duration;

use tokio::time::timeout;

use super::client::root;

/// The longest line: an event or a row is far shorter.
const LONGEST: usize = 16 * 1024 * 1024;

/// An answer that is read line by line.
pub(crate) struct AnswerLines {
    response: reqwest::Response,
    /// What came and was not read yet.
    rest: Vec<u8>,
    /// Up to where no line ends in it.
    looked: usize,
}

impl AnswerLines {
    pub(super) const fn of(response: reqwest::Response) -> AnswerLines {
        AnswerLines {
            response,
            rest: Vec::new(),
            looked: 0,
        }
    }

    /// The next line without its end; `None`: it ended as it should.
    ///
    /// # Errors
    /// Why there is none: it broke off, or nothing came for so long.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<Option<String>, String> {
        loop {
            let end = self.rest.iter().skip(self.looked).position(|b| *b == b'\n');
            if let Some(end) = end {
                let mut line: Vec<u8> = self.rest.drain(..=self.looked + end).collect();
                self.looked = 0;
                line.pop();
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            self.looked = self.rest.len();
            if self.looked > LONGEST {
                return Err("a line of it is too long".to_owned());
            }
            match timeout(patience, self.response.chunk()).await {
                Err(_) => return Err("nothing came for too long".to_owned()),
                Ok(Err(error)) => return Err(root(&error)),
                Ok(Ok(Some(bytes))) => self.rest.extend_from_slice(&bytes),
                Ok(Ok(None)) if self.rest.is_empty() => return Ok(None),
                Ok(Ok(None)) => return Err("its last line has no end".to_owned()),
            }
        }
    }
}
