//! Reads slurm.conf as text, for the checks that must work while slurmctld is down.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// How deep Slurm itself follows `Include` is not written down; deeper than this is a loop.
const DEEPEST: usize = 16;

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum ConfFileError {
    /// The file, or one that it includes.
    #[error("cannot read {path}: give the path of slurm.conf, or mend the Include line that names it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Files that include each other.
    #[error("{path} is included {DEEPEST} deep: take the Include line out that closes the circle")]
    Circle {
        /// The file that was one too many.
        path: PathBuf,
    },
}

/// The text of a slurm.conf with that of every `Include`d file in its place.
///
/// A relative name is looked for beside the file that `path` names, as Slurm does.
pub fn read(path: &Path) -> Result<String, ConfFileError> {
    let mut text = String::new();
    let dir = path.parent().unwrap_or(Path::new("."));
    append(path, dir, DEEPEST, &mut text)?;
    Ok(text)
}

fn append(path: &Path, dir: &Path, deeper: usize, text: &mut String) -> Result<(), ConfFileError> {
    let Some(deeper) = deeper.checked_sub(1) else { return Err(ConfFileError::Circle { path: path.to_owned() }) };
    let own =
        std::fs::read_to_string(path).map_err(|source| ConfFileError::Unreadable { path: path.to_owned(), source })?;
    for line in own.lines() {
        match included(line) {
            Some(name) => append(&dir.join(name), dir, deeper, text)?,
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Ok(())
}

/// The file that an `Include FILE` line names.
fn included(line: &str) -> Option<&str> {
    let (word, name) = line.split('#').next()?.trim().split_once(char::is_whitespace)?;
    (word.eq_ignore_ascii_case("include") && !name.contains('=')).then(|| name.trim())
}

/// The last value of a key that stands in a line of its own; keys fold case, `#` begins a comment.
pub fn value(conf: &str, key: &str) -> Option<String> {
    let lines = conf.lines().rev().map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut values =
        lines.filter_map(|line| line.split_once('=')).filter(|(name, _)| name.trim().eq_ignore_ascii_case(key));
    values.next().map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_includes_then_their_lines_stand_where_they_are_included_and_the_last_value_counts() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("more")).unwrap();
        let conf = "JobSubmitPlugins=lua\ninclude more/plugins.conf # ours\nClusterName=x\n";
        std::fs::write(at("slurm.conf"), conf).unwrap();
        std::fs::write(at("more/plugins.conf"), "JobSubmitPlugins=lua,bursar\nInclude dirs.conf\n").unwrap();
        std::fs::write(at("dirs.conf"), "PluginDir=/a:/b").unwrap();
        let text = read(&at("slurm.conf")).unwrap();
        assert_eq!(text, "JobSubmitPlugins=lua\nJobSubmitPlugins=lua,bursar\nPluginDir=/a:/b\nClusterName=x\n");
        assert_eq!(value(&text, "jobsubmitplugins").as_deref(), Some("lua,bursar"));
    }

    #[test]
    fn given_a_missing_file_or_a_circle_then_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("slurm.conf");
        std::fs::write(&conf, "Include gone.conf\n").unwrap();
        let gone = dir.path().join("gone.conf").display().to_string();
        assert!(read(&conf).unwrap_err().to_string().starts_with(&format!("cannot read {gone}:")));
        std::fs::write(&conf, "Include slurm.conf\n").unwrap();
        assert!(matches!(read(&conf), Err(ConfFileError::Circle { .. })));
    }
}
