//! Who asks is what the kernel says: the built command line as other users, over a real socket.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use bursar_agent::wire::{Limits, bind, serve};

use super::world::*;

/// Copies the command line to where every user may run it, whatever the build folder's mode.
fn program(dir: &Path) -> PathBuf {
    let path = dir.join("bursar");
    std::fs::copy(env!("CARGO_BIN_EXE_bursar"), &path).expect("a copy");
    path
}

fn bursar(program: &Path, socket: &Path, uid: u32, words: &str) -> Output {
    let mut command = if uid == nix::unistd::geteuid().as_raw() {
        Command::new(program)
    } else {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={uid}"), &format!("--regid={uid}"), "--clear-groups"]).arg(program);
        command
    };
    command.arg("--socket").arg(socket).args(words.split(' ')).output().expect("bursar runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_other_users_then_each_gets_what_is_theirs_with_the_exit_code_of_the_answer() {
    assert!(nix::unistd::geteuid().is_root(), "this test acts as other users; run it as root");
    let world = World::with(
        |now| vec![run(now, 1, "ana", "physics", -900, Some(-300)), run(now, 2, "ben", "chemistry", -900, Some(-300))],
        |_| Vec::new(),
    )
    .await;
    let (socket, program) = (world.dir.path().join("bursard.sock"), program(world.dir.path()));
    let listener = bind(&socket).expect("a socket");
    tokio::spawn(serve(listener, Arc::clone(&world.answers), Limits::default(), std::future::pending()));
    let mut told = String::new();
    for (uid, words) in [
        (ANA, "-n -P show run start=now-7days format=jobid,user,cputime"),
        (OLAF, "-n -P show run start=now-7days format=jobid,user,cputime"),
        (ROOT, "-n -P show run start=now-7days format=jobid,user,cputime"),
        (STRANGER, "show run"),
        (ANA, "show user user=ben"),
        (BEN, "-n -P show user format=user,kind,accounts"),
        (BEN, "-i add grant user=ben role=cluster-admin"),
        (DORA, "explain login"),
        (ANA, "-n -P explain job time=60 tasks=4 format=rule,outcome,code"),
        (ANA, "-n -P explain login format=outcome"),
        (ADA, "-i modify limit where user=ana set queued-jobs=7 reason=asked"),
        (ANA, "-n -P show limit user=ana format=limit,value"),
        (ROOT, "balance"),
    ] {
        let output = tokio::task::block_in_place(|| bursar(&program, &socket, uid, words));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let status = output.status.code().expect("an exit code");
        told.push_str(&format!("{uid} {words}\n{}{}-> {status}\n\n", text(&output.stdout), text(&output.stderr)));
    }
    insta::assert_snapshot!(told);
}
