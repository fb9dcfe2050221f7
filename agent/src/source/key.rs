//! Accepts one SSH public key and writes it anew, or refuses it: a key line is handed to sshd on every host.

/// The key types that may be brought, each with how the data of every such key begins in base64.
const TYPES: &[(&str, &str)] = &[
    ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAI"),
    ("ssh-rsa", "AAAAB3NzaC1yc2EAAAA"),
    ("ecdsa-sha2-nistp256", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAI"),
    ("ecdsa-sha2-nistp384", "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAI"),
    ("ecdsa-sha2-nistp521", "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAI"),
    ("sk-ssh-ed25519@openssh.com", "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAI"),
    ("sk-ecdsa-sha2-nistp256@openssh.com", "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAI"),
];

/// The longest data a key may have, in base64 characters; an RSA key of 16384 bits has 2,784.
const LONGEST_DATA: usize = 4_096;

/// The longest comment that is kept, in bytes.
const LONGEST_COMMENT: usize = 128;

/// `TYPE DATA [COMMENT]` with single spaces, or why the text is no such key.
///
/// Options before the type (`command=`, `from=`) are refused, because what a key may do is bursar's to say.
pub fn accept(text: &str) -> Result<String, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("has a line break or another control character; give one key per entry");
    }
    let mut words = text.split_ascii_whitespace();
    let (Some(kind), Some(data)) = (words.next(), words.next()) else {
        return Err("is not TYPE DATA COMMENT; paste the line of the .pub file");
    };
    let Some((_, beginning)) = TYPES.iter().find(|(name, _)| *name == kind) else {
        return Err("does not begin with a known key type; options are not taken, give TYPE DATA COMMENT");
    };
    let body = data.trim_end_matches('=');
    let is_base64 = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    if !is_base64 || data.len() - body.len() > 2 || data.len() % 4 != 0 || data.len() > LONGEST_DATA {
        return Err("has data that is not base64 of a usual length; paste the line of the .pub file again");
    }
    if !data.starts_with(beginning) || data.len() < 64 {
        return Err("has data of another type than it says; paste the line of the .pub file again");
    }
    let comment = words.collect::<Vec<_>>().join(" ");
    if comment.len() > LONGEST_COMMENT {
        return Err("has a comment of more than 128 bytes; shorten it");
    }
    Ok(if comment.is_empty() { format!("{kind} {data}") } else { format!("{kind} {data} {comment}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4 ana@desk";

    #[test]
    fn given_a_usual_key_then_it_is_written_anew_with_single_spaces() {
        assert_eq!(accept(&GOOD.replace(' ', "   ")).as_deref(), Ok(GOOD));
    }

    #[test]
    fn given_anything_but_one_plain_key_then_it_is_refused() {
        let data = "AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4";
        for text in [
            String::new(),
            "ssh-ed25519".to_owned(),
            format!("command=\"/bin/sh\" {GOOD}"),
            format!("{GOOD}\n{GOOD}"),
            format!("ssh-dss {data}"),
            format!("ssh-rsa {data}"),
            format!("ssh-ed25519 {data}*"),
            format!("ssh-ed25519 {data} {}", "x".repeat(16_384)),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI===".to_owned(),
        ] {
            assert!(accept(&text).is_err(), "{text:?}");
        }
    }
}
