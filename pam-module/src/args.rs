//! The words after the module's name in a PAM configuration line.

use std::path::PathBuf;

use bursar_policy::node_conf;

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Args {
    /// `conf=PATH`: another node.conf.
    pub(crate) conf: PathBuf,
    /// `debug`: log what is none of this module's business, too.
    pub(crate) debug: bool,
}

/// A word that has no meaning here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadArg(pub(crate) String);

/// Reads the words of a line.
pub(crate) fn parse<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Result<Args, BadArg> {
    let mut args = Args { conf: PathBuf::from(node_conf::PATH), debug: false };
    for word in words {
        let bad = || BadArg(String::from_utf8_lossy(word).into_owned());
        let text = std::str::from_utf8(word).map_err(|_| bad())?;
        match text.split_once('=') {
            None if text == "debug" => args.debug = true,
            Some(("conf", path)) if path.starts_with('/') => args.conf = PathBuf::from(path),
            _ => return Err(bad()),
        }
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_known_words_then_they_are_read() {
        let args = parse([&b"debug"[..], b"conf=/run/x"]).unwrap();
        assert_eq!(args, Args { conf: PathBuf::from("/run/x"), debug: true });
        assert_eq!(parse([]).unwrap().conf, PathBuf::from("/etc/bursar/node.conf"));
    }

    #[test]
    fn given_any_other_word_then_it_is_named() {
        for word in ["Debug", "conf=relative", "conf", "audit=required", "\u{fffd}"] {
            assert_eq!(parse([word.as_bytes()]), Err(BadArg(word.to_owned())));
        }
    }
}
