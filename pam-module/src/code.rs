//! The numbers of Linux-PAM that are used here; a test compares them with the installed headers.

/// A function of this module succeeded; in the account phase: come in.
pub(crate) const PAM_SUCCESS: i32 = 0;
/// The module itself failed.
pub(crate) const PAM_SERVICE_ERR: i32 = 3;
/// Something broke that should not have.
pub(crate) const PAM_SYSTEM_ERR: i32 = 4;
/// Stay out.
pub(crate) const PAM_PERM_DENIED: i32 = 6;
/// It cannot be told whether to let in; so stay out.
pub(crate) const PAM_AUTHINFO_UNAVAIL: i32 = 9;
/// No such user.
pub(crate) const PAM_USER_UNKNOWN: i32 = 10;
/// The user's time is over.
pub(crate) const PAM_ACCT_EXPIRED: i32 = 13;
/// Not this module's business.
pub(crate) const PAM_IGNORE: i32 = 25;

/// Item: the service's name.
pub(crate) const PAM_SERVICE: i32 = 1;
/// Item: the user's name.
pub(crate) const PAM_USER: i32 = 2;
/// Item: the terminal.
pub(crate) const PAM_TTY: i32 = 3;
/// Item: the remote host.
pub(crate) const PAM_RHOST: i32 = 4;

/// Message style: an error.
pub(crate) const PAM_ERROR_MSG: i32 = 3;
/// Message style: a piece of information.
pub(crate) const PAM_TEXT_INFO: i32 = 4;

/// Flag: say nothing to the user.
pub(crate) const PAM_SILENT: i32 = 0x8000;

#[cfg(test)]
mod tests {
    use super::*;

    fn header_value(text: &str, name: &str) -> Option<i32> {
        let line = text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next())?
        })?;
        match line.trim_end_matches('U').strip_prefix("0x") {
            Some(hexadecimal) => i32::from_str_radix(hexadecimal, 16).ok(),
            None => line.trim_end_matches('U').parse().ok(),
        }
    }

    #[test]
    fn given_the_installed_headers_then_every_number_is_the_same_there() {
        let text = std::fs::read_to_string("/usr/include/security/_pam_types.h").expect("install libpam0g-dev");
        for (name, value) in [
            ("PAM_SUCCESS", PAM_SUCCESS),
            ("PAM_SERVICE_ERR", PAM_SERVICE_ERR),
            ("PAM_SYSTEM_ERR", PAM_SYSTEM_ERR),
            ("PAM_PERM_DENIED", PAM_PERM_DENIED),
            ("PAM_AUTHINFO_UNAVAIL", PAM_AUTHINFO_UNAVAIL),
            ("PAM_USER_UNKNOWN", PAM_USER_UNKNOWN),
            ("PAM_ACCT_EXPIRED", PAM_ACCT_EXPIRED),
            ("PAM_IGNORE", PAM_IGNORE),
            ("PAM_SERVICE", PAM_SERVICE),
            ("PAM_USER", PAM_USER),
            ("PAM_TTY", PAM_TTY),
            ("PAM_RHOST", PAM_RHOST),
            ("PAM_ERROR_MSG", PAM_ERROR_MSG),
            ("PAM_TEXT_INFO", PAM_TEXT_INFO),
            ("PAM_SILENT", PAM_SILENT),
        ] {
            assert_eq!(header_value(&text, name), Some(value), "{name}");
        }
    }
}
