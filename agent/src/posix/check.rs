//! Checks every field once more before root writes it: the snapshot came from a process that talks to the network.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::refusal::Why;

/// The full name as it may be written: as it is, or empty when it could break a line or a tool.
pub fn gecos(text: &str) -> &str {
    let sound = text.len() <= 255 && !text.chars().any(|c| c == ':' || c.is_control());
    if sound { text } else { "" }
}

/// Accepts a home that is a plain path strictly below one of `bases`, without hidden directories on the way.
pub fn home(home: &Path, bases: &[PathBuf]) -> Result<(), Why> {
    let below = bases.iter().filter_map(|base| home.strip_prefix(base).ok()).any(|rest| {
        let mut parts = rest.as_os_str().as_bytes().split(|byte| *byte == b'/');
        parts.all(|part| !part.is_empty() && !part.starts_with(b"."))
    });
    if below && is_plain(home) { Ok(()) } else { Err(Why::BadHome(home.to_owned())) }
}

/// Accepts a shell that is a plain absolute path; whether the host has it is another question.
pub fn shell(shell: &Path) -> Result<(), Why> {
    if is_plain(shell) { Ok(()) } else { Err(Why::BadShell(shell.to_owned())) }
}

/// An absolute path of visible ASCII without colon, without empty parts, `.` and `..`.
fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.len() <= 255
        && bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':')
        && bytes
            .strip_prefix(b"/")
            .is_some_and(|rest| rest.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b"..")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_full_name_that_could_break_the_line_then_it_is_written_as_empty() {
        assert_eq!(gecos("Ana Müller, room 5"), "Ana Müller, room 5");
        for bad in ["a:b", "a\nroot::0:0:::", "a\u{85}b", &"x".repeat(256)] {
            assert_eq!(gecos(bad), "", "{bad:?}");
        }
    }

    #[test]
    fn given_a_home_outside_the_bases_or_not_plain_then_it_is_refused() {
        let bases = [PathBuf::from("/home")];
        assert_eq!(home(Path::new("/home/ana"), &bases), Ok(()));
        for bad in [
            "",
            "/",
            "/home",
            "/home/",
            "/homes/ana",
            "home/ana",
            "/home/../etc",
            "/home/./ana",
            "/home//ana",
            "/home/a:b",
            "/home/a\nb",
            "/home/.ana",
            "/home/ana/",
            "/home/a b",
        ] {
            assert!(home(Path::new(bad), &bases).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn given_a_shell_that_is_no_plain_path_then_it_is_refused() {
        assert_eq!(shell(Path::new("/bin/bash")), Ok(()));
        for bad in ["", "bash", "/bin/../bash", "/bin/ba:sh", "/bin/bash\n"] {
            assert!(shell(Path::new(bad)).is_err(), "{bad:?}");
        }
    }
}
