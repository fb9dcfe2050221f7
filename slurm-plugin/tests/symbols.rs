//! What the built library shows to slurmctld and wants from it.

use std::path::PathBuf;
use std::process::Command;

/// The library that cargo has built beside this test.
fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let name = "libjob_submit_bursar.so";
    [deps.join(name), deps.parent().unwrap().join(name)]
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not in {}: cargo build -p bursar-slurm-plugin", deps.display()))
}

fn symbols(which: &str) -> Vec<String> {
    let output = Command::new("nm").args(["-D", "--format=just-symbols", which]).arg(library()).output();
    let output = output.expect("cannot run nm: install binutils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut names: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn given_the_built_library_then_it_exports_what_slurmctld_looks_up_and_nothing_else() {
    assert_eq!(
        symbols("--defined-only"),
        ["fini", "init", "job_modify", "job_submit", "plugin_name", "plugin_type", "plugin_version"]
    );
}

#[test]
fn given_the_built_library_then_it_wants_only_functions_that_every_slurmctld_has() {
    let slurms: Vec<String> = symbols("--undefined-only").into_iter().filter(|name| name.contains("slurm")).collect();
    assert_eq!(slurms, ["slurm_debug", "slurm_error", "slurm_info", "slurm_xfree", "slurm_xstrdup"]);
}
