//! What strace saw of the program, read for one question: was each success written after a sync that began once its
//! request was read?

use std::collections::HashMap;

/// What strace has to be asked for.
pub const CALLS: &str = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync";

/// Successes that were written, and those that no sync of the log went before.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answers {
    pub written: usize,
    pub unsynced: Vec<String>,
}

/// One system call, from the line where it began to the line where it was over.
struct Call<'t> {
    name: &'t str,
    /// The descriptor and what it stands for, as `-y` prints it: `17<socket:[109373]>`.
    on: &'t str,
    begun: usize,
    text: String,
}

/// Reads what `strace -f -y` wrote. Every line is a moment.
pub fn read(trace: &str) -> Answers {
    let mut answers = Answers::default();
    let mut unfinished: HashMap<&str, Call<'_>> = HashMap::new();
    // Per socket the moment when its last bytes were read.
    let mut heard: HashMap<&str, usize> = HashMap::new();
    // The last sync of the log that is over: the moment when it began.
    let mut synced = None;
    for (at, line) in trace.lines().enumerate() {
        let Some((process, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        let call = if let Some(rest) = rest.strip_prefix("<... ") {
            let Some(mut call) = unfinished.remove(process) else {
                continue;
            };
            call.text.push_str(rest);
            call
        } else {
            let Some((name, arguments)) = rest.split_once('(') else {
                continue;
            };
            let on = arguments.find('>').map_or("", |end| &arguments[..=end]);
            Call {
                name,
                on,
                begun: at,
                text: rest.to_owned(),
            }
        };
        let over = !call.text.ends_with("<unfinished ...>");
        // What is written has left when the call has begun; the rest has happened when it is over.
        let writes = call.name.starts_with("write") || call.name.starts_with("send");
        if writes && call.begun == at && call.text.contains("\"HTTP/1.1 2") {
            answers.written += 1;
            let read = heard.get(call.on).copied().unwrap_or(usize::MAX);
            if synced.is_none_or(|begun| begun < read) {
                answers.unsynced.push(line.to_owned());
            }
        } else if over
            && call.name.ends_with("sync")
            && call.on.ends_with("-wal>")
            && result(&call.text) == Some(0)
        {
            synced = synced.max(Some(call.begun));
        } else if over && !writes && result(&call.text).is_some_and(|bytes| bytes > 0) {
            heard.insert(call.on, at);
        }
        if !over {
            unfinished.insert(process, call);
        }
    }
    answers
}

/// What a call returned.
fn result(text: &str) -> Option<i64> {
    text.rsplit_once(" = ")?.1.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = r#"7 recvfrom(17<socket:[1]>, "POST /webhooks/siem HTTP/1.1\r\n"..., 8192, 0, NULL, NULL) = 293"#;
    const BODY: &str = r#"7 recvfrom(17<socket:[1]>, "{}", 8192, 0, NULL, NULL) = 2"#;
    const NOTHING: &str = r#"7 recvfrom(17<socket:[1]>, 0x7f, 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)"#;
    const SYNC: &str = "8 fsync(14</d/scanhook.db-wal>)        = 0";
    const SYNC_BEGINS: &str = "8 fsync(14</d/scanhook.db-wal> <unfinished ...>";
    const SYNC_ENDS: &str = "8 <... fsync resumed>)  = 0";
    const SYNC_FAILS: &str = "8 fsync(14</d/scanhook.db-wal>) = -1 EIO (Input/output error)";
    const OTHER_FILE: &str = "8 fdatasync(13</d/scanhook.db>) = 0";
    const WRITE: &str = r#"9 writev(17<socket:[1]>, [{iov_base="HTTP/1.1 202 Accepted\r\n"..., iov_len=115}], 1) = 115"#;
    const REFUSED: &str =
        r#"9 write(17<socket:[1]>, "HTTP/1.1 401 Unauthorized\r\n"..., 115) = 115"#;

    /// Of so many successes so many were not synced.
    fn of(lines: &[&str]) -> (usize, usize) {
        let answers = read(&lines.join("\n"));
        (answers.written, answers.unsynced.len())
    }

    #[test]
    fn a_sync_between_the_request_and_its_success_is_found() {
        assert_eq!(of(&[READ, SYNC, WRITE]), (1, 0));
        assert_eq!(
            of(&[READ, BODY, NOTHING, SYNC_BEGINS, SYNC_ENDS, NOTHING, WRITE]),
            (1, 0)
        );
        assert_eq!(of(&[READ, SYNC, WRITE, READ, SYNC, WRITE]), (2, 0));
        assert_eq!(
            of(&[READ, SYNC, OTHER_FILE, SYNC_BEGINS, WRITE, SYNC_ENDS]),
            (1, 0)
        );
    }

    #[test]
    fn a_success_without_such_a_sync_is_found_as_well() {
        let unsynced: [&[&str]; 8] = [
            &[READ, WRITE],
            &[SYNC, READ, WRITE],
            &[READ, OTHER_FILE, WRITE],
            &[READ, SYNC_FAILS, WRITE],
            &[READ, SYNC, BODY, WRITE],
            &[SYNC_BEGINS, READ, SYNC_ENDS, WRITE],
            &[READ, SYNC_BEGINS, WRITE, SYNC_ENDS],
            &[SYNC, WRITE],
        ];
        for lines in unsynced {
            assert_eq!(of(lines), (1, 1), "{lines:?}");
        }
        assert_eq!(
            of(&[READ, SYNC, WRITE, READ, WRITE]),
            (2, 1),
            "one sync serves one request of a connection"
        );
    }

    #[test]
    fn one_sync_serves_all_requests_that_were_read_before_it() {
        let other = |line: &str| line.replace("17<socket:[1]>", "18<socket:[2]>");
        assert_eq!(
            of(&[READ, &other(READ), SYNC, WRITE, &other(WRITE)]),
            (2, 0)
        );
        assert_eq!(
            of(&[READ, SYNC, &other(READ), WRITE, &other(WRITE)]),
            (2, 1)
        );
    }

    #[test]
    fn a_refusal_needs_no_sync() {
        assert_eq!(of(&[READ, REFUSED]), (0, 0));
    }
}
