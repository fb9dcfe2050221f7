//! The first inputs of a fuzzer, written by code at its start instead of being kept as files.

use std::fs;
use std::path::Path;

/// Writes `seeds` into the corpus of `target`.
///
/// # Panics
/// Where the corpus cannot be written: then there is nothing to run.
pub fn write(target: &str, seeds: &[Vec<u8>]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).unwrap_or_else(|cause| panic!("cannot make {}: {cause}", folder.display()));
    for (at, seed) in seeds.iter().enumerate() {
        let path = folder.join(format!("seed-{at:02}"));
        fs::write(&path, seed).unwrap_or_else(|cause| panic!("cannot write {}: {cause}", path.display()));
    }
}
