//! The few facts a host knows without a snapshot: `/etc/bursar/node.conf`.
//!
//! The file is root's, written at installation, and does not change at run time. It lets the PAM module tell "not
//! one of ours" from "I cannot tell", and tells both readers whose snapshots to trust.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Where the file lies.
pub const PATH: &str = "/etc/bursar/node.conf";

/// More than this is not a node.conf.
const MOST_BYTES: u64 = 64 * 1024;

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConf {
    /// The uids that bursar gives out; a login inside the range is never ignored.
    pub managed: RangeInclusive<u32>,
    /// The snapshot that PAM reads; it must belong to root.
    pub snapshot: PathBuf,
    /// The snapshot that the plugin reads; it must belong to root or [`Self::publisher_uid`].
    pub controller_snapshot: PathBuf,
    /// The uid bursard runs as.
    pub publisher_uid: Option<u32>,
    /// Where a login tells bursard of itself.
    pub login_socket: PathBuf,
    /// A sentence on whom to ask, for when there is no snapshot to say it.
    pub contact: String,
}

impl Default for NodeConf {
    fn default() -> Self {
        Self {
            managed: 65_536..=99_999,
            snapshot: PathBuf::from("/var/lib/bursar-node/node.snap"),
            controller_snapshot: PathBuf::from("/var/lib/bursar/publish/controller.snap"),
            publisher_uid: None,
            login_socket: PathBuf::from("/run/bursar/logins.sock"),
            contact: String::from("Ask your administrator."),
        }
    }
}

/// Why node.conf could not be used.
#[derive(Debug)]
pub enum NodeConfError {
    /// The file could not be read.
    Read(PathBuf, std::io::Error),
    /// The file belongs to somebody else than root, or others may write to it.
    NotRoots(PathBuf),
    /// This line is not `key = value` with a known key and a fitting value.
    Line(PathBuf, usize, &'static str),
}

impl fmt::Display for NodeConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, cause) => write!(f, "cannot read {}: {cause}", path.display()),
            Self::NotRoots(path) => {
                write!(
                    f,
                    "{} must belong to root and be writable by root alone; chown root, chmod 0644",
                    path.display()
                )
            }
            Self::Line(path, line, what) => write!(f, "{}:{line}: {what}", path.display()),
        }
    }
}

impl std::error::Error for NodeConfError {}

impl NodeConf {
    /// Reads the file; a missing one means the defaults, anything else wrong is an error.
    pub fn read(path: &Path) -> Result<Self, NodeConfError> {
        use std::os::unix::fs::MetadataExt;
        let fault = |cause| NodeConfError::Read(path.to_owned(), cause);
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(cause) => return Err(fault(cause)),
        };
        let meta = file.metadata().map_err(fault)?;
        if meta.uid() != 0 || meta.mode() & 0o022 != 0 || !meta.is_file() {
            return Err(NodeConfError::NotRoots(path.to_owned()));
        }
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, MOST_BYTES), &mut text).map_err(fault)?;
        Self::parse(path, &text)
    }

    /// Reads the text of the file at `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, NodeConfError> {
        let mut conf = Self::default();
        let (mut low, mut high) = (*conf.managed.start(), *conf.managed.end());
        for (at, line) in text.lines().enumerate() {
            let fault = |what| NodeConfError::Line(path.to_owned(), at + 1, what);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once('=').ok_or_else(|| fault("is not `key = value`"))?;
            let value = value.trim();
            let number = || value.parse::<u32>().map_err(|_| fault("needs a number"));
            let absolute = || {
                let path = PathBuf::from(value);
                if path.is_absolute() { Ok(path) } else { Err(fault("needs an absolute path")) }
            };
            match key.trim() {
                "managed-uid-min" => low = number()?,
                "managed-uid-max" => high = number()?,
                "snapshot" => conf.snapshot = absolute()?,
                "controller-snapshot" => conf.controller_snapshot = absolute()?,
                "publisher-uid" => conf.publisher_uid = Some(number()?),
                "login-socket" => conf.login_socket = absolute()?,
                "contact" => conf.contact = value.chars().filter(|c| !c.is_control()).take(200).collect(),
                _ => return Err(fault("has an unknown key")),
            }
        }
        if low == 0 || low > high {
            return Err(NodeConfError::Line(path.to_owned(), 1, "managed-uid-min must be above 0 and not above -max"));
        }
        conf.managed = low..=high;
        Ok(conf)
    }

    /// The owners whose controller snapshot is believed.
    pub fn trusted_publishers(&self) -> Vec<u32> {
        std::iter::once(0).chain(self.publisher_uid).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_full_file_then_every_key_is_read() {
        let text = "# host facts\nmanaged-uid-min = 70000\nmanaged-uid-max=70010\nsnapshot = /a\ncontroller-snapshot = /b\n\
                    publisher-uid = 990\nlogin-socket = /c\ncontact = hpc@example.org\n";
        let conf = NodeConf::parse(Path::new("node.conf"), text).unwrap();
        assert_eq!(conf.managed, 70_000..=70_010);
        assert_eq!(conf.trusted_publishers(), [0, 990]);
        assert_eq!(conf.contact, "hpc@example.org");
    }

    #[test]
    fn given_a_wrong_line_then_the_error_names_file_and_line() {
        for (text, line) in [("\nnonsense", 2), ("managed-uid-min = x", 1), ("#\n#\nowner = 3", 3), ("snapshot = a", 1)]
        {
            let error = NodeConf::parse(Path::new("node.conf"), text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("node.conf:{line}: ")), "{error}");
        }
    }
}
