//! `bursar check config` and `check slurm`, as the built command line does it.

use std::path::Path;
use std::process::{Command, Output};

fn check(words: &[&str], dir: &Path) -> Output {
    run("config", words, dir)
}

fn run(what: &str, words: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bursar"))
        .args(["check", what])
        .args(words)
        .current_dir(dir)
        .output()
        .expect("bursar runs")
}

#[test]
fn given_the_shipped_examples_then_they_are_sound() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/examples");
    let output = check(&["bursar.toml"], &examples);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "bursar.toml: sound\npolicy.toml: sound\nrates.toml: sound\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn given_problems_in_both_files_then_each_is_told_with_file_line_and_key() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("a.toml"), "cluster = \"Lab\"\nroles = [\"login\"]\n").expect("a file");
    std::fs::write(dir.path().join("b.toml"), "time-zone = \"Europe/Nowhere\"\ncolour = 1\n").expect("a file");
    let output = check(&["a.toml", "b.toml"], dir.path());
    let text = String::from_utf8_lossy(&output.stderr);
    for expected in ["error: a.toml:1: cluster:", "error: b.toml:1: time-zone:", "error: b.toml:2: colour:"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn given_no_file_then_the_one_of_the_option_and_the_policy_beside_it_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = check(&["--config", "bursar.toml"], dir.path());
    let text = String::from_utf8_lossy(&output.stderr);
    for expected in ["error: bursar.toml: there is no such file", "error: policy.toml: there is no such file"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(check(&["a", "b", "c"], dir.path()).status.code(), Some(2));
}

#[test]
fn given_a_slurm_conf_then_each_line_that_the_policy_needs_and_it_lacks_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/examples");
    for name in ["bursar.toml", "policy.toml"] {
        std::fs::copy(examples.join(name), dir.path().join(name)).expect("a copy");
    }
    let slurm_conf = dir.path().join("slurm.conf");
    std::fs::write(&slurm_conf, "ClusterName=cluster\n").expect("a file");
    let words = ["--config", "bursar.toml", "slurm.conf"];
    let output = run("slurm", &words, dir.path());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("error: slurm.conf: needs JobSubmitPlugins=bursar: "), "{text}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let needed = text.lines().filter_map(|line| line.split("needs ").nth(1)?.split(": ").next());
    std::fs::write(&slurm_conf, needed.collect::<Vec<_>>().join("\n")).expect("a file");
    let output = run("slurm", &words, dir.path());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "slurm.conf: has all that policy.toml asks of Slurm\n");
    assert_eq!(output.status.code(), Some(0));
}
