//! What the built module shows to libpam.

use std::process::Command;

#[test]
fn given_the_built_module_then_it_exports_the_six_functions_of_pam_and_nothing_else() {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "--format=just-symbols"])
        .arg(deps.join("libpam_bursar.so"))
        .output()
        .expect("cannot run nm: install binutils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = text.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "pam_sm_acct_mgmt",
            "pam_sm_authenticate",
            "pam_sm_chauthtok",
            "pam_sm_close_session",
            "pam_sm_open_session",
            "pam_sm_setcred"
        ]
    );
}
