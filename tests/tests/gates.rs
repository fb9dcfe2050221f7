//! Rules of the whole tree that no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every crate that ends up in a build of `package`.
fn linked(package: &str) -> BTreeSet<String> {
    let arguments = ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}", "-p", package];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(top()).output().expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo tree prints text");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() && path.file_name() != Some("target".as_ref()) {
            files.extend(sources(&path));
        } else if path.extension() == Some("rs".as_ref()) {
            files.push(path);
        }
    }
    files
}

#[test]
fn given_the_plugin_and_the_pam_module_then_no_runtime_tls_or_database_is_linked_into_them() {
    for package in ["bursar-slurm-plugin", "bursar-pam-module"] {
        let linked = linked(package);
        assert!(linked.contains("bursar-policy"), "{package} is built on policy: {linked:?}");
        for heavy in ["tokio", "sqlx", "sqlx-core", "rustls", "openssl", "native-tls", "reqwest", "jiff", "serde_json"]
        {
            assert!(!linked.contains(heavy), "{package} links {heavy}");
        }
        assert!(linked.len() <= 20, "{package} links {} crates: {linked:?}", linked.len());
    }
}

#[test]
fn given_the_crates_then_arrows_point_down_to_policy_only() {
    let agent = linked("bursar-agent");
    assert!(!agent.contains("bursar-slurm-plugin") && !agent.contains("bursar-pam-module"));
    for package in ["bursar-slurm-plugin", "bursar-pam-module"] {
        assert!(!linked(package).contains("bursar-agent"), "{package}");
    }
    assert_eq!(linked("bursar-policy").iter().filter(|name| name.starts_with("bursar-")).count(), 1);
}

#[test]
fn given_all_sources_then_unsafe_stays_in_the_two_ffi_folders_and_each_block_says_why() {
    let word = ["un", "safe"].concat();
    for folder in ["policy", "agent", "slurm-plugin", "pam-module", "tests"] {
        for path in sources(&top().join(folder)) {
            let text = read(&path);
            let shown = path.strip_prefix(top()).unwrap_or(&path).display().to_string();
            let border =
                ["slurm-plugin/src/ffi/", "pam-module/src/ffi/", "slurm-plugin/src/lib.rs", "pam-module/src/lib.rs"];
            let allowed = border.iter().any(|start| shown.starts_with(start)) || shown.starts_with("pam-module/tests/");
            let block = format!("{word} {{");
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate() {
                let code = line.trim_start();
                if code.starts_with("//") || !line.contains(&format!("{word} ")) {
                    continue;
                }
                assert!(allowed, "{shown}:{}: {line}", at + 1);
                if line.contains(&block) && !shown.contains("/tests/") {
                    let above = lines.get(at.saturating_sub(12)..at).unwrap_or_default();
                    assert!(
                        above.iter().any(|line| line.contains("SAFETY:")),
                        "{shown}:{}: no SAFETY sentence",
                        at + 1
                    );
                }
            }
        }
    }
}

#[test]
fn given_the_readme_then_it_names_every_direct_dependency() {
    let readme = read(&top().join("README.md"));
    for folder in ["policy", "agent", "slurm-plugin", "pam-module", "tests"] {
        let manifest = read(&top().join(folder).join("Cargo.toml"));
        let mut in_dependencies = false;
        for line in manifest.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
                assert!(name.starts_with("bursar-") || readme.contains(&format!("`{name}`")), "{folder}: {name}");
            }
        }
    }
}

#[test]
fn given_the_shipped_units_and_files_then_no_path_of_a_builders_machine_is_in_them() {
    for folder in ["packaging", "tests", "agent", "policy", "slurm-plugin", "pam-module"] {
        for path in sources(&top().join(folder)) {
            let text = read(&path);
            let foreign = ["/wo", "rk/"].concat();
            assert!(!text.contains(&foreign), "{}", path.display());
        }
    }
}
