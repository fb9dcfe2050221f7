//! SSH public keys, parsed and written anew: what sshd reads was put together here, never copied from a source.
//!
//! No option of the source survives, so nobody brings a `command=` or a `principals=` in; the only option written is
//! the end of the grant as `expiry-time="…Z"` (UTC since OpenSSH 9.1), which refuses the key without PAM's help.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bursar_policy::time::Timestamp;

/// The most bytes one key line may have.
pub const MOST_BYTES: usize = 16 * 1024;
const MOST_COMMENT: usize = 128;
const HEADING: &str = "# Written by bursar-node, changes are lost; keys belong in the identity source.\n";

/// How the blob of a key type goes on after the type's name.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// One string of this many bytes.
    Raw(usize),
    /// The curve's name and a point.
    Curve(&'static str),
    /// Exponent and modulus.
    Rsa,
    /// A raw key and the application of a security key.
    SkRaw(usize),
    /// Curve, point and application of a security key.
    SkCurve(&'static str),
}

const KINDS: [(&str, Shape); 7] = [
    ("ssh-ed25519", Shape::Raw(32)),
    ("ecdsa-sha2-nistp256", Shape::Curve("nistp256")),
    ("ecdsa-sha2-nistp384", Shape::Curve("nistp384")),
    ("ecdsa-sha2-nistp521", Shape::Curve("nistp521")),
    ("ssh-rsa", Shape::Rsa),
    ("sk-ssh-ed25519@openssh.com", Shape::SkRaw(32)),
    ("sk-ecdsa-sha2-nistp256@openssh.com", Shape::SkCurve("nistp256")),
];

/// Why a key line was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// More than [`MOST_BYTES`].
    TooLong,
    /// A newline or another control character inside.
    NotOneLine,
    /// The line does not begin with an allowed type: options, certificates, DSA, anything else.
    Type,
    /// The second field is missing or no base64.
    Base64,
    /// The decoded key is not one of the type it is announced as.
    Inner,
    /// An RSA key of fewer than 2048 bits.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "has more than 16 kB",
            Self::NotOneLine => "is not one line of text",
            Self::Type => "does not begin with an allowed key type (options are not taken over)",
            Self::Base64 => "has no sound base64 after the type",
            Self::Inner => "is not the key its type announces",
            Self::Weak => "is an RSA key of fewer than 2048 bits",
        })
    }
}

/// A key that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: &'static str,
    blob: Vec<u8>,
    comment: String,
}

impl PublicKey {
    /// Reads one `type base64 [comment]` line.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        if line.len() > MOST_BYTES {
            return Err(KeyError::TooLong);
        }
        let line = line.trim();
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(KeyError::NotOneLine);
        }
        let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let (kind, shape) = KINDS.into_iter().find(|(kind, _)| *kind == word).ok_or(KeyError::Type)?;
        let rest = rest.trim_start();
        let (text, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let blob = STANDARD.decode(text).map_err(|_| KeyError::Base64)?;
        let mut fields = Fields(&blob);
        if fields.next() != Some(kind.as_bytes()) {
            return Err(if blob.is_empty() { KeyError::Base64 } else { KeyError::Inner });
        }
        check(shape, fields)?;
        let comment =
            comment.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(MOST_COMMENT).collect::<String>();
        Ok(Self { kind, blob, comment: comment.trim().to_owned() })
    }

    /// The line for sshd, with newline.
    pub fn emit(&self, until: Option<Timestamp>) -> String {
        let option = until.and_then(expiry).map_or_else(String::new, |at| format!("expiry-time=\"{at}\" "));
        let space = if self.comment.is_empty() { "" } else { " " };
        format!("{option}{} {}{space}{}\n", self.kind, STANDARD.encode(&self.blob), self.comment)
    }
}

/// The key file of one person, empty when no key is left, and the keys left out with their positions from 1.
pub fn file(lines: &[String], until: Option<Timestamp>) -> (Vec<u8>, Vec<(usize, KeyError)>) {
    let mut text = String::new();
    let mut refused = Vec::new();
    let mut seen: Vec<PublicKey> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match PublicKey::parse(line) {
            Ok(key) if seen.iter().any(|other| other.blob == key.blob) => {}
            Ok(key) => {
                if seen.is_empty() {
                    text.push_str(HEADING);
                }
                text.push_str(&key.emit(until));
                seen.push(key);
            }
            Err(why) => refused.push((at + 1, why)),
        }
    }
    (text.into_bytes(), refused)
}

/// `YYYYMMDDHHMMSSZ`; none for an end beyond the four-digit years, which sshd could not read.
fn expiry(until: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_second(until.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    (1970..=9999).contains(&at.year()).then(|| at.strftime("%Y%m%d%H%M%SZ").to_string())
}

/// The length-prefixed strings of an SSH blob; ends early, not at the end, when a length lies.
struct Fields<'b>(&'b [u8]);

impl<'b> Iterator for Fields<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}

fn check(shape: Shape, mut fields: Fields<'_>) -> Result<(), KeyError> {
    let mut field = || fields.next().ok_or(KeyError::Inner);
    let application = match shape {
        Shape::Raw(bytes) | Shape::SkRaw(bytes) => {
            expect(field()?.len() == bytes)?;
            matches!(shape, Shape::SkRaw(_))
        }
        Shape::Curve(curve) | Shape::SkCurve(curve) => {
            expect(field()? == curve.as_bytes())?;
            // 4 begins an uncompressed point, the only kind SSH allows.
            expect(field()?.first() == Some(&4))?;
            matches!(shape, Shape::SkCurve(_))
        }
        Shape::Rsa => {
            expect(!field()?.is_empty())?;
            let modulus = field()?;
            let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
            if modulus.len().saturating_sub(zeros) < 256 {
                return Err(KeyError::Weak);
            }
            false
        }
    };
    if application {
        expect(!field()?.is_empty())?;
    }
    expect(fields.0.is_empty())
}

fn expect(holds: bool) -> Result<(), KeyError> {
    if holds { Ok(()) } else { Err(KeyError::Inner) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn case_38_given_options_two_lines_unknown_types_or_a_long_comment_then_the_key_is_refused() {
        let long = format!("{KEY} {}", "c".repeat(16 * 1024));
        let body = KEY.strip_prefix("ssh-ed25519 ").unwrap_or_default();
        for (line, why) in [
            (format!("command=\"sh\" {KEY}"), KeyError::Type),
            (format!("no-pty {KEY}"), KeyError::Type),
            (format!("{KEY}\n{KEY}"), KeyError::NotOneLine),
            (format!("{KEY}\r{KEY}"), KeyError::NotOneLine),
            (long, KeyError::TooLong),
            (format!("ssh-dss {body}"), KeyError::Type),
            (format!("ssh-ed25519-cert-v01@openssh.com {body}"), KeyError::Type),
            (format!("ssh-rsa {body}"), KeyError::Inner),
            ("ssh-ed25519".to_owned(), KeyError::Base64),
            ("ssh-ed25519 AAAA*".to_owned(), KeyError::Base64),
            (KEY.get(..KEY.len() - 4).unwrap_or_default().to_owned(), KeyError::Inner),
            (String::new(), KeyError::Type),
        ] {
            assert_eq!(PublicKey::parse(&line), Err(why), "{line:?}");
        }
        let (text, refused) =
            file(&[format!("command=\"sh\" {KEY}"), format!("{KEY} ana@laptop\n"), KEY.to_owned()], None);
        assert_eq!(String::from_utf8_lossy(&text), format!("{HEADING}{KEY} ana@laptop\n"));
        assert_eq!(refused, vec![(1, KeyError::Type)]);
    }

    #[test]
    fn given_a_dated_grant_then_the_key_ends_with_it_in_utc() {
        let (text, _) = file(&[KEY.to_owned()], Some(Timestamp(1_773_943_200)));
        assert!(String::from_utf8_lossy(&text).contains("expiry-time=\"20260319180000Z\" ssh-ed25519 "));
        assert_eq!(expiry(Timestamp::NEVER), None);
        assert_eq!(file(&[], None).0, b"");
    }

    proptest! {
        #[test]
        fn given_any_text_then_a_key_that_is_accepted_is_one_line_and_reads_back_the_same(
            comment in any::<String>(), blob in proptest::collection::vec(any::<u8>(), 0..80)
        ) {
            for line in [format!("{KEY} {comment}"), comment.clone(), format!("ssh-rsa {}", STANDARD.encode(&blob))] {
                if let Ok(key) = PublicKey::parse(&line) {
                    let out = key.emit(None);
                    prop_assert_eq!(out.matches('\n').count(), 1);
                    prop_assert_eq!(PublicKey::parse(&out), Ok(key));
                }
            }
        }
    }
}
