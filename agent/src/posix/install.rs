//! Writes the account files the way shadow-utils does: `file+`, fsync, mode and owner of the old one, `file-` as
//! backup, rename, fsync of the directory; and not at all when the result would not be sound.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::parse::{Edits, Lines, claimed_id, claimed_name};
use super::plan::{Found, Plan};
use super::root::Root;

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            inode: (meta.dev(), meta.ino()),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

#[derive(Debug)]
struct FileAsRead {
    path: PathBuf,
    stamp: Stamp,
    mode: u32,
    owner: (u32, u32),
    fields: usize,
    needs_root: bool,
}

/// The account files as read, with what is needed to see whether they changed since.
#[derive(Debug)]
pub struct AsRead {
    /// Their lines.
    pub found: Found,
    files: [Option<FileAsRead>; 4],
}

/// How writing a plan ended.
#[derive(Debug)]
pub enum Installed {
    /// Everything is written; the names of the files that changed.
    Done(Vec<&'static str>),
    /// Somebody without the lock changed this file since it was read; nothing of theirs was overwritten.
    ChangedMeanwhile(PathBuf),
}

impl AsRead {
    /// Reads the four files; only gshadow may be missing.
    pub fn read(root: &Root) -> Result<Self, Error> {
        let (passwd, passwd_file) = read_file(root.etc.join("passwd"), 7, true)?;
        let (group, group_file) = read_file(root.etc.join("group"), 4, true)?;
        let (shadow, shadow_file) = read_file(root.etc.join("shadow"), 9, true)?;
        let gshadow = match read_file(root.etc.join("gshadow"), 4, false) {
            Ok((lines, file)) => Some((lines, file)),
            Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (gshadow, gshadow_file) = gshadow.unzip();
        let files = [Some(group_file), gshadow_file, Some(shadow_file), Some(passwd_file)];
        Ok(Self { found: Found { passwd, group, shadow, gshadow }, files })
    }

    /// Writes the ledger and then group, gshadow, shadow and passwd: a name appears only when the rest is there.
    pub fn install(&self, root: &Root, plan: &Plan) -> Result<Installed, Error> {
        let [group, gshadow, shadow, passwd] = &self.files;
        let no_lines = Lines::parse(b"");
        let gshadow_lines = self.found.gshadow.as_ref().unwrap_or(&no_lines);
        let steps = [
            ("group", group, &self.found.group, &plan.group),
            ("gshadow", gshadow, gshadow_lines, &plan.gshadow),
            ("shadow", shadow, &self.found.shadow, &plan.shadow),
            ("passwd", passwd, &self.found.passwd, &plan.passwd),
        ];
        let mut wanted = Vec::new();
        for (name, file, before, edits) in steps {
            if let Some(file) = file.as_ref().filter(|_| !edits.is_empty()) {
                let bytes = before.with(edits).render();
                file.check(before, edits, &bytes)?;
                wanted.push((name, file, before, bytes));
            }
        }
        if let Some(ledger) = &plan.ledger {
            replace(&root.ledger(), &ledger.render(), 0o644)?;
        }
        let mut written = Vec::new();
        for (name, file, before, bytes) in wanted {
            if !file.replace(root, &before.render(), &bytes)? {
                return Ok(Installed::ChangedMeanwhile(file.path.clone()));
            }
            written.push(name);
        }
        if !written.is_empty() {
            sync_directory(&root.etc)?;
        }
        Ok(Installed::Done(written))
    }
}

impl FileAsRead {
    /// Refuses a result that a reader would take otherwise than it was meant.
    fn check(&self, before: &Lines, edits: &Edits, bytes: &[u8]) -> Result<(), Error> {
        let unsound = |why| Err(Error::Unsound { path: self.path.clone(), why });
        let after = Lines::parse(bytes);
        let mut ours = edits.replaced.values().chain(&edits.added);
        if ours.any(|line| line.contains(&b'\n') || line.split(|byte| *byte == b':').count() != self.fields) {
            return unsound("a line to write does not have the right fields");
        }
        if after != before.with(edits) {
            return unsound("the result does not read back as it was meant");
        }
        let is_root = |line: &[u8]| {
            claimed_name(line) == Some(b"root")
                && line.starts_with(b"root:")
                && (self.fields == 9 || claimed_id(line) == Some(0))
        };
        if self.needs_root && !after.iter().any(is_root) {
            return unsound("it has no entry for root");
        }
        Ok(())
    }

    /// Replaces the file unless it is no longer the one that was read.
    fn replace(&self, root: &Root, before: &[u8], bytes: &[u8]) -> Result<bool, Error> {
        let (next, backup) = (with_suffix(&self.path, "+"), with_suffix(&self.path, "-"));
        self.write_new(&next, bytes)?;
        if root.live {
            copy_label(&self.path, &next);
        }
        let unchanged = std::fs::symlink_metadata(&self.path).is_ok_and(|meta| Stamp::of(&meta) == self.stamp);
        if !unchanged {
            std::fs::remove_file(&next).map_err(Error::write(&next))?;
            return Ok(false);
        }
        let fresh_backup = with_suffix(&backup, "+");
        self.write_new(&fresh_backup, before)?;
        std::fs::rename(&fresh_backup, &backup).map_err(Error::write(&backup))?;
        std::fs::rename(&next, &self.path).map_err(Error::write(&self.path))?;
        Ok(true)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let owner = Some(self.owner)
            .filter(|owner| *owner != (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw()));
        write_synced(path, bytes, self.mode, owner).map_err(Error::write(path))
    }
}

fn read_file(path: PathBuf, fields: usize, needs_root: bool) -> Result<(Lines, FileAsRead), Error> {
    let mut file = File::open(&path).map_err(Error::read(&path))?;
    let meta = file.metadata().map_err(Error::read(&path))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Error::read(&path))?;
    let (mode, owner) = (meta.permissions().mode() & 0o7777, (meta.uid(), meta.gid()));
    // A file that is a link has another inode by its own name and would be replaced by a plain file.
    if std::fs::symlink_metadata(&path).map_err(Error::read(&path))?.is_symlink() {
        return Err(Error::Unsound { path, why: "it is a symbolic link" });
    }
    Ok((Lines::parse(&bytes), FileAsRead { path, stamp: Stamp::of(&meta), mode, owner, fields, needs_root }))
}

/// Replaces a file of our own by write, fsync and rename.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let next = with_suffix(path, "+");
    write_synced(&next, bytes, mode, None).map_err(Error::write(&next))?;
    std::fs::rename(&next, path).map_err(Error::write(path))?;
    sync_directory(path.parent().unwrap_or(Path::new("/")))
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32, owner: Option<(u32, u32)>) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody else may read it before it has its mode.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    if let Some((uid, gid)) = owner {
        fchown(&file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Makes renames in a directory last.
pub fn sync_directory(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(Error::write(path))
}

/// Copies the SELinux label, where there is SELinux; a failure shows in its audit log and leaves the default label.
fn copy_label(from: &Path, to: &Path) {
    if Path::new("/sys/fs/selinux/enforce").exists() {
        let mut reference = std::ffi::OsString::from("--reference=");
        reference.push(from);
        let status = std::process::Command::new("chcon").arg(reference).arg(to).status();
        if !status.is_ok_and(|status| status.success()) {
            tracing::warn!(file = %to.display(), "the SELinux label could not be copied");
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    PathBuf::from(text)
}
