//! Checked names and numbers: a value of one of these types has passed its rule once and for all.
//!
//! Names are accepted or refused, never repaired: a repaired name is somebody else's name.

use std::fmt;

/// Why a name or number was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdError {
    /// The text is empty.
    Empty,
    /// The text has more bytes than the kind allows; the number is the most it allows.
    TooLong(usize),
    /// The byte at this offset may not stand there.
    BadByte(usize),
    /// The name belongs to the system on every host.
    Reserved,
    /// The number is 0 or one of the values that mean "nobody" or "no id".
    ReservedNumber(u32),
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong(most) => write!(f, "is longer than {most} bytes"),
            Self::BadByte(at) => write!(f, "has a character that is not allowed at byte {at}"),
            Self::Reserved => f.write_str("is reserved for the system"),
            Self::ReservedNumber(n) => write!(f, "{n} is reserved"),
        }
    }
}

impl std::error::Error for IdError {}

/// Names that no source may bring in, whatever the local files say.
const RESERVED_NAMES: &[&str] = &[
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "nobody",
    "nogroup",
    "adm",
    "disk",
    "sudo",
    "wheel",
    "docker",
    "lxd",
    "shadow",
    "kvm",
    "staff",
    "users",
    "operator",
    "sshd",
    "slurm",
    "munge",
    "mysql",
    "postgres",
    "bursar",
    "messagebus",
    "halt",
    "shutdown",
    "ftp",
    "admin",
];

fn check_posix_name(text: &str, most: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > most {
        return Err(IdError::TooLong(most));
    }
    for (at, byte) in text.bytes().enumerate() {
        let allowed = byte.is_ascii_lowercase() || byte == b'_' || (at > 0 && (byte.is_ascii_digit() || byte == b'-'));
        if !allowed {
            return Err(IdError::BadByte(at));
        }
    }
    Ok(())
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Accepts `text` as it stands or says why not.
            pub fn new(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<(), IdError> = $check;
                check(text).map(|()| Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

checked_name!(
    /// A POSIX user or group name: `[a-z_][a-z0-9_-]{0,30}`, not one of the system's own.
    ///
    /// Upper case is refused because slurmdbd folds user names, so the account and its association would differ.
    UserName,
    |text| {
        check_posix_name(text, 31)?;
        if RESERVED_NAMES.contains(&text) { Err(IdError::Reserved) } else { Ok(()) }
    }
);

checked_name!(
    /// A Slurm account: `[a-z0-9_][a-z0-9_.-]{0,63}`, never `root`, which is Slurm's own top.
    AccountName,
    |text| {
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > 64 {
            return Err(IdError::TooLong(64));
        }
        for (at, byte) in text.bytes().enumerate() {
            let inner = byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !(inner || (at > 0 && (byte == b'-' || byte == b'.'))) {
                return Err(IdError::BadByte(at));
            }
        }
        if text == "root" { Err(IdError::Reserved) } else { Ok(()) }
    }
);

macro_rules! posix_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Accepts any number but 0 (root), 65534 and 65535 (nobody, old "none") and the two highest ("no id").
            pub const fn new(number: u32) -> Result<Self, IdError> {
                match number {
                    0 | 65534 | 65535 | 0xffff_fffe | 0xffff_ffff => Err(IdError::ReservedNumber(number)),
                    _ => Ok(Self(number)),
                }
            }

            /// The number itself.
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

posix_number!(
    /// The uid of a person; root and the reserved values cannot be built.
    Uid
);
posix_number!(
    /// The gid of a person's or group's own group; root and the reserved values cannot be built.
    Gid
);

/// The number of a grant in the store; positive, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub u64);

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "G{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_name_outside_the_rule_then_it_is_refused_and_never_repaired() {
        for (text, why) in [
            ("", IdError::Empty),
            ("Ana", IdError::BadByte(0)),
            ("1ana", IdError::BadByte(0)),
            ("ana.b", IdError::BadByte(3)),
            ("ana\nroot", IdError::BadByte(3)),
            ("../etc", IdError::BadByte(0)),
            ("root", IdError::Reserved),
            ("slurm", IdError::Reserved),
            ("abcdefghijklmnopqrstuvwxyzabcdef", IdError::TooLong(31)),
        ] {
            assert_eq!(UserName::new(text), Err(why), "{text:?}");
        }
        assert_eq!(UserName::new("ana-b_2").map(|n| n.to_string()), Ok("ana-b_2".to_owned()));
    }

    #[test]
    fn given_a_reserved_number_then_no_uid_can_be_built() {
        for number in [0, 65534, 65535, u32::MAX - 1, u32::MAX] {
            assert_eq!(Uid::new(number), Err(IdError::ReservedNumber(number)));
        }
        assert_eq!(Uid::new(65536).map(Uid::get), Ok(65536));
    }

    #[test]
    fn given_an_account_name_then_slurms_separators_are_refused() {
        assert!(AccountName::new("physics.2026").is_ok());
        for text in ["root", "a,b", "a b", "A", "a=b", "'a'", "-a"] {
            assert!(AccountName::new(text).is_err(), "{text:?}");
        }
    }
}
