//! The built program: exit codes, what goes to stdout and what to stderr, and the question before a change.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bursar_agent::cli::entity::Entity;
use bursar_agent::wire::{Cell, Handler, Limits, Peer, Request, Response, Table, serve};
use tokio::runtime::Runtime;

/// Answers each kind of request with one kind of response, and remembers the requests.
struct Scripted(Mutex<Vec<Request>>);

impl Handler for Scripted {
    async fn handle(&self, _: Peer, request: Request) -> Response {
        self.0.lock().expect("no test panics here").push(request.clone());
        match request {
            Request::Show { entity: Entity::Run, query } => {
                // More than a pipe takes at once.
                let rows = 0..20_000_u64;
                let schema = Entity::Run.schema();
                Response::table(Table::build(schema, &query.fields, "UTC", rows, |n, _| Cell::Count(*n)))
            }
            Request::Show { entity, query } => Response::Table {
                table: Table::build(entity.schema(), &query.fields, "UTC", ["ana"], |name, _| Cell::from(*name)),
                notes: vec!["the sources were read a minute ago".to_owned()],
            },
            Request::Change { .. } => {
                Response::Done { changed: 1, lines: vec!["grant G1: revoked\u{1b}[2J".to_owned()] }
            }
            Request::Balance { .. } => Response::Refused {
                code: Some("BSR-A01".to_owned()),
                message: "only an administrator may see the balance of ben".to_owned(),
                hint: Some("`bursar balance` shows your own".to_owned()),
            },
            Request::Explain { .. } => Response::Usage { message: "the time limit is not Slurm's".to_owned() },
            _ => Response::Unavailable { message: "slurmctld does not answer".to_owned() },
        }
    }
}

struct Daemon {
    handler: Arc<Scripted>,
    path: PathBuf,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bursard.sock");
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(async { tokio::net::UnixListener::bind(&path) }).expect("a socket");
        let handler = Arc::new(Scripted(Mutex::new(Vec::new())));
        runtime.spawn(serve(listener, Arc::clone(&handler), Limits::default(), std::future::pending()));
        Self { handler, path, _folder: folder, _runtime: runtime }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
        command.arg("--socket").arg(&self.path).args(line.split_whitespace());
        command
    }

    fn run(&self, line: &str) -> Ended {
        let output = self.command(line).stdin(Stdio::null()).output().expect("the program runs");
        Ended {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs the line on a terminal of its own, types `answer`, and gives back the exit code and all that was shown.
    fn run_on_terminal(&self, line: &str, answer: &str) -> (Option<i32>, String) {
        let line = format!("{} --socket {} {line}", env!("CARGO_BIN_EXE_bursar"), self.path.display());
        let mut terminal = Command::new("script")
            .args(["--quiet", "--return", "--echo", "never", "--command", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of Debian's bsdutils, runs");
        let mut typed = terminal.stdin.take().expect("a pipe");
        let mut shown = String::new();
        let mut reader = BufReader::new(terminal.stdout.take().expect("a pipe"));
        // Type only when the question is there, as a person would.
        while !shown.contains("You have 30 seconds") && reader.read_line(&mut shown).expect("text") > 0 {}
        typed.write_all(answer.as_bytes()).expect("the answer is typed");
        while reader.read_line(&mut shown).expect("text") > 0 {}
        drop(typed);
        (terminal.wait().expect("it ends").code(), shown)
    }

    fn dry_runs(&self) -> Vec<bool> {
        let requests = self.handler.0.lock().expect("no test panics here");
        requests
            .iter()
            .filter_map(|request| match request {
                Request::Change { dry_run, .. } => Some(*dry_run),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn given_each_kind_of_answer_then_the_exit_code_tells_it() {
    let daemon = Daemon::start();
    for (line, code, out, err) in [
        ("-nP show user format=user", 0, "ana\n", "the sources were read a minute ago\n"),
        ("-i delete grant 1", 0, "grant G1: revoked\\x1b[2J\n", ""),
        ("-i --json delete grant 1", 0, "{\"changed\":1,\"lines\":[\"grant G1: revoked\\u001b[2J\"]}\n", ""),
        (
            "balance user=ben",
            1,
            "",
            "error: only an administrator may see the balance of ben (BSR-A01)\nhint: `bursar balance` shows your own\n",
        ),
        ("explain job time-limit=x", 2, "", "error: the time limit is not Slurm's\n"),
        ("status", 3, "", "error: slurmctld does not answer\n"),
        (
            "check config nowhere.toml",
            2,
            "",
            "error: nowhere.toml: there is no such file; copy the shipped example there\nerror: policy.toml: there is no \
             such file; copy the shipped example there\n",
        ),
        (
            "show flower",
            2,
            "",
            "error: unknown entity `flower`; valid: user, group, account, grant, limit, storage, queue, run, login, association, \
             audit, refusal, alarm, window, reading, set-aside\nhint: `bursar help` lists the commands, `bursar help VERB` more\n",
        ),
    ] {
        let ended = daemon.run(line);
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(code), out, err), "{line}");
    }
}

#[test]
fn given_no_daemon_then_the_error_names_the_socket_and_the_remedy() {
    let output = Command::new(env!("CARGO_BIN_EXE_bursar"))
        .args(["--socket", "/nonexistent/bursard.sock", "status"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot reach bursard at /nonexistent/bursard.sock: No such file or directory (os error 2)\n\
         hint: is it running? see `systemctl status bursard`\n"
    );
}

#[test]
fn given_help_or_version_then_no_daemon_is_needed() {
    for (line, begins) in
        [("help", "bursar [OPTIONS] COMMAND"), ("-V", "bursar 0."), ("help show grant", "bursar show|list ENTITY")]
    {
        let output =
            Command::new(env!("CARGO_BIN_EXE_bursar")).args(line.split(' ')).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(begins), "{line}: {output:?}");
    }
}

#[test]
fn given_no_terminal_then_a_change_needs_immediate_and_the_daemon_hears_nothing() {
    let daemon = Daemon::start();
    let ended = daemon.run("delete grant 1");
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.err.lines().next(),
        Some(
            "error: delete grant would change things and there is no terminal to ask; add -i to change without asking"
        )
    );
    assert_eq!(daemon.dry_runs(), [] as [bool; 0]);
}

#[test]
fn given_a_terminal_then_the_change_is_told_first_and_made_only_after_a_yes() {
    let daemon = Daemon::start();
    let (code, shown) = daemon.run_on_terminal("delete grant 1", "n\n");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("grant G1: revoked\\x1b[2J") && shown.contains("changes discarded"), "{shown}");
    assert_eq!(daemon.dry_runs(), [true]);

    let (code, shown) = daemon.run_on_terminal("delete grant 1", "y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Would you like to commit changes? (You have 30 seconds to decide)"), "{shown}");
    assert_eq!(daemon.dry_runs(), [true, true, false]);
}

#[test]
fn given_a_reader_that_closes_the_pipe_early_then_that_is_a_success() {
    let daemon = Daemon::start();
    let mut program = daemon
        .command("-nP show run format=job-id")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut first = String::new();
    BufReader::with_capacity(16, program.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    assert_eq!(first, "0\n");
    let output = program.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
