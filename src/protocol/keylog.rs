//! NSS key logs (draft-ietf-tls-keylogfile) → the secrets of each TLS session, by client random.
//!
//! What enters: the bytes of a key log file, or the TLS secrets that a pcapng file embeds (Decryption Secrets Block).
//! What leaves: a look-up from client random to secrets. Guaranteed: lines that are no key log lines are skipped and
//! counted; secrets are never printed (no `Debug` of their values).

use std::collections::HashMap;
use std::fmt;

/// Sessions kept of one key log: a line is about 180 bytes, a session five lines.
const SESSIONS_MAX: usize = 1 << 20;

/// Longest secret: a TLS 1.3 traffic secret has the length of its hash, a master secret 48 bytes.
const SECRET_BYTES_MAX: usize = 64;

/// The secrets of one session, as far as the log has them.
#[derive(Default, Clone)]
pub struct Secrets {
    /// TLS 1.3 handshake traffic secrets: [client, server].
    pub handshake: [Option<Vec<u8>>; 2],
    /// TLS 1.3 first application traffic secrets: [client, server].
    pub application: [Option<Vec<u8>>; 2],
    /// TLS <= 1.2 master secret.
    pub master: Option<Vec<u8>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// All secrets that belong to a capture.
#[derive(Debug, Default, Clone)]
pub struct KeyLog {
    sessions: HashMap<[u8; 32], Secrets>,
    /// Lines that are neither empty, nor comments, nor key log lines.
    pub bad_lines: u64,
}

impl KeyLog {
    /// Adds the lines of one log.
    pub fn add(&mut self, bytes: &[u8]) {
        for line in bytes.split(|&b| b == b'\n' || b == b'\r') {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if self.line(line).is_none() {
                self.bad_lines = self.bad_lines.saturating_add(1);
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
        let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
        if !label.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_') {
            return None;
        }
        // "RSA" lines begin with eight bytes of an encrypted premaster secret instead; they are too old to matter.
        let random: [u8; 32] = match unhex(random)?.try_into() {
            Ok(random) => random,
            Err(_) => return (label == b"RSA").then_some(()),
        };
        let secret = unhex(secret).filter(|s| (16..=SECRET_BYTES_MAX).contains(&s.len()))?;
        if self.sessions.len() >= SESSIONS_MAX && !self.sessions.contains_key(&random) {
            return Some(());
        }
        let secrets = self.sessions.entry(random).or_default();
        let [client_handshake, server_handshake] = &mut secrets.handshake;
        let [client_application, server_application] = &mut secrets.application;
        let place = match label {
            b"CLIENT_RANDOM" => &mut secrets.master,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => client_handshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => server_handshake,
            b"CLIENT_TRAFFIC_SECRET_0" => client_application,
            b"SERVER_TRAFFIC_SECRET_0" => server_application,
            // Exporter, early and ECH secrets open nothing here.
            _ => return Some(()),
        };
        *place = Some(secret);
        Some(())
    }

    /// The secrets of the session with that client random.
    pub fn secrets(&self, client_random: &[u8; 32]) -> Option<&Secrets> {
        self.sessions.get(client_random)
    }

    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// True without any session.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Whether `bytes` look like a key log: the first line that is no comment begins with a known label and holds hex.
    pub fn looks_like(bytes: &[u8]) -> bool {
        let head = bytes.get(..4096).unwrap_or(bytes);
        let first = head
            .split(|&b| b == b'\n')
            .map(<[u8]>::trim_ascii)
            .find(|line| !line.is_empty() && !line.starts_with(b"#"));
        first.is_some_and(|line| KeyLog::default().line(line).is_some())
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| {
            let mut byte = 0u32;
            for &digit in pair {
                byte = byte << 4 | char::from(digit).to_digit(16)?;
            }
            u8::try_from(byte).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> KeyLog {
        let mut log = KeyLog::default();
        log.add(text.as_bytes());
        log
    }

    #[test]
    fn lines_of_one_session_come_together() {
        let random = "ab".repeat(32);
        let text = format!(
            "# a comment\r\nCLIENT_HANDSHAKE_TRAFFIC_SECRET {random} {}\nSERVER_TRAFFIC_SECRET_0 {random} {}\n\
             EXPORTER_SECRET {random} {}\nnonsense\n",
            "01".repeat(32),
            "02".repeat(48),
            "03".repeat(32)
        );
        let log = log(&text);
        let secrets = log.secrets(&[0xab; 32]).unwrap();
        assert_eq!(secrets.handshake, [Some(vec![1; 32]), None]);
        assert_eq!(secrets.application, [None, Some(vec![2; 48])]);
        assert_eq!((log.len(), log.bad_lines), (1, 1));
        assert!(KeyLog::looks_like(text.as_bytes()));
    }

    #[test]
    fn damaged_lines_are_counted_and_nothing_else() {
        let good = format!("CLIENT_RANDOM {} {}", "0f".repeat(32), "aa".repeat(48));
        for cut in 0..good.len() {
            let log = log(&good[..cut]);
            // A shorter secret of whole bytes still has the right form.
            assert!(log.len() + log.bad_lines as usize <= 1, "cut at {cut}");
        }
        assert_eq!(log(&good).len(), 1);
        assert_eq!(log(&good.replace("aa", "zz")).bad_lines, 1);
        assert!(!KeyLog::looks_like(b"hello world, this is text"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let log = log(&format!("CLIENT_RANDOM {} {}", "0f".repeat(32), "aa".repeat(48)));
        assert!(!format!("{log:?}").contains("170"));
    }
}
