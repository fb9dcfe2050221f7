//! The socket protocol over real Unix sockets.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bursar_agent::cli::entity::Entity;
use bursar_agent::wire::{
    BindError, Cell, ClientError, Deadlines, Handler, Limits, Peer, Query, Request, Response, Table, bind, call, serve,
};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, listen, socket};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// Tells the peer's credentials, or waits for ever when asked for alarms.
struct Mirror;

impl Handler for Mirror {
    async fn handle(&self, peer: Peer, request: Request) -> Response {
        let Request::Show { entity, query } = request else { return Response::refused("only show") };
        if entity == Entity::Alarm {
            std::future::pending::<()>().await;
        }
        let schema = entity.schema();
        Response::table(Table::build(schema, &query.fields, "UTC", [peer], |peer, field| match field {
            "uid" => Cell::Count(u64::from(peer.uid)),
            "name" => Cell::from(format!("{} {:?}", peer.gid, peer.pid)),
            _ => Cell::Absent,
        }))
    }
}

struct Server {
    path: PathBuf,
    stop: Arc<Notify>,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Server {
    fn start(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bursard.sock");
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(async { bind(&path) }).expect("a socket");
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        runtime.spawn(serve(listener, Arc::new(Mirror), limits, async move { stopped.notified().await }));
        Self { path, stop, _folder: folder, _runtime: runtime }
    }

    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream
    }
}

fn show(entity: Entity) -> Request {
    Request::Show { entity, query: Query { fields: entity.schema().default_fields(), ..Query::default() } }
}

fn soon() -> Deadlines {
    Deadlines { request: Duration::from_secs(20), response: Duration::from_secs(20) }
}

/// What the server says to these raw bytes; empty when it closes without a word.
fn answer_to(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.raw();
    stream.write_all(bytes).expect("the bytes are sent");
    let mut answer = Vec::new();
    // A reset after the answer is how the kernel tells that not all bytes were read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(answer.get(4..).unwrap_or(&[])).into_owned()
}

fn frame(body: &str) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short body");
    [length.to_be_bytes().as_slice(), body.as_bytes()].concat()
}

#[test]
fn given_a_call_then_the_handler_learns_from_the_kernel_who_called() {
    let server = Server::start(Limits::default());
    let request = Request::Show {
        entity: Entity::User,
        query: Query { fields: vec!["uid".to_owned(), "name".to_owned()], ..Query::default() },
    };
    let Response::Table { table, .. } = call(&server.path, &request, soon()).expect("an answer") else {
        panic!("a table");
    };
    let pid = i32::try_from(std::process::id()).expect("a pid");
    let (uid, gid) = (nix::unistd::Uid::effective(), nix::unistd::Gid::effective());
    assert_eq!(table.rows, [[Cell::Count(u64::from(uid.as_raw())), Cell::Text(format!("{gid} {:?}", Some(pid)))]]);
}

#[test]
fn given_a_frame_over_the_bound_then_it_is_refused_before_it_is_read() {
    let server = Server::start(Limits::default());
    let answer = answer_to(&server, &[0x00, 0x10, 0x00, 0x01]);
    assert!(answer.contains("1048577 bytes, more than the 1048576 allowed"), "{answer}");
}

#[test]
fn given_bytes_that_are_no_request_then_the_caller_is_told_and_the_server_goes_on() {
    let server = Server::start(Limits::default());
    for (bytes, why) in [
        (frame("nonsense"), "not one of protocol 1"),
        (frame(r#"{"protocol":2,"message":{}}"#), "speaks protocol 2, not 1"),
        (frame(r#"{"protocol":1,"message":{"reboot":{}}}"#), "not one of protocol 1"),
        (
            frame(r#"{"protocol":1,"message":{"show":{"entity":"user","query":{"where":[["x",["y"]]],"fields":[]}}}}"#),
            "`x` is not a key of show user",
        ),
    ] {
        let answer = answer_to(&server, &bytes);
        assert!(answer.contains(r#""usage""#) && answer.contains(why), "{why}: {answer}");
    }
    assert!(call(&server.path, &show(Entity::User), soon()).is_ok());
}

#[test]
fn given_a_caller_that_sends_nothing_then_it_is_dropped_at_the_deadline() {
    let server = Server::start(Limits { request_within: Duration::from_millis(50), ..Limits::default() });
    let mut stream = server.raw();
    stream.write_all(&[0, 0]).expect("half a length");
    let mut answer = Vec::new();
    assert_eq!(stream.read_to_end(&mut answer).expect("an end"), 0);
}

#[test]
fn given_a_uid_with_its_share_of_connections_then_a_further_one_is_told_at_once() {
    let server = Server::start(Limits { connections_per_uid: 1, ..Limits::default() });
    let held = server.raw();
    // The server takes connections in order, so this one is looked at second.
    let told = call(&server.path, &show(Entity::User), soon()).expect("an answer");
    let Response::Unavailable { message } = told else { panic!("{told:?}") };
    assert!(message.contains("has 1 commands under way"), "{message}");
    drop(held);
    let mut last = None;
    for _ in 0..10_000 {
        let answer = call(&server.path, &show(Entity::User), soon());
        if matches!(answer, Ok(Response::Table { .. })) {
            return;
        }
        last = Some(answer);
        std::thread::yield_now();
    }
    panic!("the share is not given back: {last:?}");
}

#[test]
fn given_a_server_that_accepts_and_never_answers_then_the_client_gives_up_at_its_deadline() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mute.sock");
    let _listener = UnixListener::bind(&path).expect("a socket");
    let deadlines = Deadlines { request: Duration::from_secs(5), response: Duration::from_millis(100) };
    let error = call(&path, &show(Entity::User), deadlines).expect_err("no answer");
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error}");
}

#[test]
fn given_a_handler_that_never_ends_then_the_client_gives_up_and_others_are_served() {
    let server = Server::start(Limits::default());
    let deadlines = Deadlines { request: Duration::from_secs(5), response: Duration::from_millis(100) };
    let error = call(&server.path, &show(Entity::Alarm), deadlines).expect_err("no answer");
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error}");
    assert!(call(&server.path, &show(Entity::User), soon()).is_ok());
}

#[test]
fn given_a_full_queue_of_connections_then_connecting_is_bounded_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("full.sock");
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).expect("a socket");
    nix::sys::socket::bind(listener.as_raw_fd(), &UnixAddr::new(&path).expect("an address")).expect("a name");
    listen(&listener, Backlog::new(1).expect("a length")).expect("a queue");
    let deadlines = Deadlines { request: Duration::from_millis(200), response: Duration::from_millis(10) };
    // Each call that is let in stays in the queue, since nobody accepts.
    let answers: Vec<_> = (0..5).map(|_| call(&path, &show(Entity::User), deadlines)).collect();
    let last = answers.last();
    assert!(
        matches!(last, Some(Err(ClientError::TimedOut { within, .. })) if *within == deadlines.request),
        "{last:?}"
    );
}

#[test]
fn given_nobody_listening_then_the_error_names_the_socket() {
    let error = call(Path::new("/nonexistent/bursard.sock"), &show(Entity::User), soon()).expect_err("nobody");
    assert_eq!(error.to_string(), "cannot reach bursard at /nonexistent/bursard.sock");
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

#[test]
fn given_a_server_told_to_stop_then_it_lets_nobody_in_any_more() {
    let server = Server::start(Limits::default());
    assert!(call(&server.path, &show(Entity::User), soon()).is_ok());
    server.stop.notify_one();
    let mut last = None;
    for _ in 0..10_000 {
        let answer = call(&server.path, &show(Entity::User), soon());
        if matches!(answer, Err(ClientError::Unreachable { .. } | ClientError::Frame { .. })) {
            return;
        }
        last = Some(answer);
        std::thread::yield_now();
    }
    panic!("it still answers: {last:?}");
}

#[test]
fn given_a_socket_of_a_killed_daemon_then_it_is_replaced_and_that_of_a_living_one_never() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bursard.sock");
    drop(UnixListener::bind(&path).expect("a socket"));
    let runtime = Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let _alive = bind(&path).expect("the old socket is replaced");
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("it is there").permissions());
    assert_eq!(mode & 0o777, 0o666);
    assert!(matches!(bind(&path), Err(BindError::Taken(_))));
    std::fs::write(folder.path().join("file"), "kept").expect("a file");
    assert!(bind(&folder.path().join("file")).is_err());
    assert_eq!(std::fs::read_to_string(folder.path().join("file")).expect("the file"), "kept");
}
