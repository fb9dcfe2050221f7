//! The daemon's end: accepts connections, learns from the kernel who calls, and hands each request to a handler.
//!
//! One connection carries one request. A caller that says nothing, or will not take its answer, is dropped at a
//! deadline, and nobody can hold more than a share of the connections, so one person cannot shut out another.

use std::collections::HashMap;
use std::fs::Permissions;
use std::future::Future;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::frame::{self, FrameError, MOST_REQUEST, MOST_RESPONSE};
use super::{Request, Response};

/// Who is at the other end, as the kernel says (`SO_PEERCRED`, taken when they connected).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The effective uid.
    pub uid: u32,
    /// The effective gid.
    pub gid: u32,
    /// The process, when the kernel can tell.
    pub pid: Option<i32>,
}

/// What answers requests. Rights are its business: `peer` is who asks.
pub trait Handler: Send + Sync + 'static {
    /// The answer to `request`, which has passed [`Request::checked`].
    fn handle(&self, peer: Peer, request: Request) -> impl Future<Output = Response> + Send;
}

/// How much the server takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at a time; further ones wait in the listener's queue.
    pub connections: usize,
    /// The most connections of one uid at a time; further ones are told so at once.
    pub connections_per_uid: usize,
    /// The time a caller has to send its request.
    pub request_within: Duration,
    /// The time a caller has to take its answer.
    pub response_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            connections_per_uid: 16,
            request_within: Duration::from_secs(10),
            response_within: Duration::from_secs(60),
        }
    }
}

/// Why the daemon cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon answers there.
    #[error("another bursard listens at {}; stop it first", .0.display())]
    Taken(PathBuf),
    /// The system refuses.
    #[error("cannot listen at {}; does its folder exist and belong to this user?", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// Listens at `path`, where everybody may connect; replaces the socket that a daemon which was killed left behind.
///
/// Must be called within a runtime.
pub fn bind(path: &Path) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::Io { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        // Only a socket is ever removed, and only one with nobody behind it.
        Ok(found) if found.file_type().is_socket() => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(BindError::Taken(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        },
        // Anything else that stands there makes binding fail, and stays.
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o666)).map_err(failed)?;
    Ok(listener)
}

/// Serves until `stop` completes; requests that are being handled then are finished by their own tasks.
pub async fn serve<H: Handler>(
    listener: UnixListener,
    handler: Arc<H>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let all = Arc::new(Semaphore::new(limits.connections));
    let shares = Arc::new(Shares { held: Mutex::new(HashMap::new()), most: limits.connections_per_uid });
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&all).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut stop => return,
            accepted = accepted => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: accepting again at once would spin.
                tracing::warn!(%error, "cannot accept a command connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let peer = match stream.peer_cred() {
            Ok(credentials) => Peer { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() },
            Err(error) => {
                tracing::warn!(%error, "the kernel does not say who calls; the connection is dropped");
                continue;
            }
        };
        // Here and not in the task, so that shares are taken in the order of connecting.
        let share = Shares::take(&shares, peer.uid);
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            let _permit = permit;
            converse(stream, peer, share.as_ref(), handler.as_ref(), limits).await;
        });
    }
}

async fn converse<H: Handler>(mut stream: UnixStream, peer: Peer, share: Option<&Share>, handler: &H, limits: Limits) {
    let response = if share.is_some() {
        match timeout(limits.request_within, receive(&mut stream)).await {
            Ok(Ok(request)) => handler.handle(peer, request).await,
            Ok(Err(response)) => response,
            Err(_) => {
                tracing::info!(uid = peer.uid, "a caller sent no request in time");
                return;
            }
        }
    } else {
        Response::Unavailable {
            message: format!(
                "uid {} has {} commands under way; wait for one to end",
                peer.uid, limits.connections_per_uid
            ),
        }
    };
    match timeout(limits.response_within, send(&mut stream, &response)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(uid = peer.uid, %error, "a caller did not take its answer"),
        Err(_) => tracing::info!(uid = peer.uid, "a caller did not take its answer in time"),
    }
}

/// The checked request, or what to answer in its place.
async fn receive(stream: &mut UnixStream) -> Result<Request, Response> {
    let body = frame::read_async(&mut BufReader::new(stream), MOST_REQUEST)
        .await
        .and_then(|body| frame::decode::<Request>(&body));
    match body {
        Ok(request) => request.checked().map_err(|error| Response::Usage { message: error.to_string() }),
        Err(error) => Err(Response::Usage { message: format!("the request is refused: {error}") }),
    }
}

async fn send(stream: &mut UnixStream, response: &Response) -> Result<(), FrameError> {
    let bytes = match frame::encode(response, MOST_RESPONSE) {
        Ok(bytes) => bytes,
        Err(FrameError::TooLarge { bytes, most }) => {
            let narrower = Response::Refused {
                code: None,
                message: format!("the answer has {bytes} bytes, more than the {most} allowed"),
                hint: Some("select fewer rows with where, or fewer fields with format=".to_owned()),
            };
            frame::encode(&narrower, MOST_RESPONSE)?
        }
        Err(error) => return Err(error),
    };
    stream.write_all(&bytes).await?;
    stream.shutdown().await?;
    Ok(())
}

/// How many connections each uid holds.
struct Shares {
    held: Mutex<HashMap<u32, usize>>,
    most: usize,
}

/// One connection of a uid, given back when dropped.
struct Share {
    of: Arc<Shares>,
    uid: u32,
}

impl Shares {
    fn take(this: &Arc<Self>, uid: u32) -> Option<Share> {
        let mut held = this.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(uid).or_default();
        if *count >= this.most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Share { of: Arc::clone(this), uid })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.uid);
            }
        }
    }
}
