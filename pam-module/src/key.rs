//! How somebody proved who they are, from what sshd leaves in `SSH_AUTH_INFO_0`.
//!
//! The variable has one line per method, such as `publickey ssh-ed25519 AAAA…`. In the account phase OpenSSH 9.2 has it
//! empty when the key is the only method, because it enters the last method after that phase. The record keeps the methods and the
//! key's fingerprint as `ssh-keygen -l` prints it; the key itself is never written down.

use sha2::{Digest as _, Sha256};

/// Longer than any key that sshd accepts.
const MOST_BYTES: usize = 64 * 1024;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How somebody was authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Proof {
    /// The methods in their order, joined by `+`.
    pub(crate) methods: String,
    /// The type of the first key.
    pub(crate) key_type: Option<String>,
    /// `SHA256:…` of the first key; of the whole certificate when the type is one.
    pub(crate) fingerprint: Option<String>,
}

/// Reads the variable.
pub(crate) fn parse(info: &str) -> Proof {
    let mut proof = Proof::default();
    if info.len() > MOST_BYTES {
        return proof;
    }
    for line in info.lines().take(8) {
        let mut words = line.split_ascii_whitespace();
        let Some(method) = words.next() else { continue };
        if !proof.methods.is_empty() {
            proof.methods.push('+');
        }
        proof.methods.push_str(method);
        if proof.key_type.is_none()
            && let (Some(key_type), Some(blob)) = (words.next(), words.next())
        {
            proof.key_type = Some(key_type.to_owned());
            proof.fingerprint = decode(blob).map(|blob| format!("SHA256:{}", encode(&Sha256::digest(blob))));
        }
    }
    proof
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        held = held << 6 | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits & 0xff) as u8);
        }
        held &= (1 << bits) - 1;
    }
    Some(out)
}

/// Base64 without padding, as OpenSSH prints fingerprints.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut put = |digit: u32| out.push(ALPHABET.get((digit & 63) as usize).copied().map_or('?', char::from));
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 6 {
            bits -= 6;
            put(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        put(held << (6 - bits));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn given_a_real_key_then_the_fingerprint_is_the_one_ssh_keygen_prints() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
        assert!(made.expect("install openssh-client").success());
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        let printed = Command::new("ssh-keygen").arg("-lf").arg(&path).output().unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        let words: Vec<&str> = public.split(' ').collect();
        let proof = parse(&format!("publickey {} {}\nkeyboard-interactive/pam\n", words[0], words[1]));
        assert_eq!(proof.methods, "publickey+keyboard-interactive/pam");
        assert_eq!(proof.key_type.as_deref(), Some("ssh-ed25519"));
        assert_eq!(proof.fingerprint.as_deref(), printed.split(' ').nth(1));
    }

    #[test]
    fn given_anything_else_then_there_is_no_fingerprint_and_no_failure() {
        assert_eq!(parse(""), Proof::default());
        assert_eq!(parse("password\n").methods, "password");
        assert_eq!(parse("publickey ssh-ed25519 A*A\n").fingerprint, None);
        assert_eq!(parse(&"publickey ".repeat(100_000)), Proof::default());
    }

    #[test]
    fn given_bytes_then_base64_takes_them_there_and_back() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xff\xfe\xfd\xfc", "//79/A")]
        {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
    }
}
