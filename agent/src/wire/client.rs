//! The command line's end: one blocking call with a deadline for every step.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::frame::{self, FrameError, MOST_REQUEST, MOST_RESPONSE};
use super::{Request, Response};

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// To be let in and to hand over the request.
    pub request: Duration,
    /// From then to the last byte of the answer.
    pub response: Duration,
}

impl Deadlines {
    /// What a person at a terminal will bear for this request.
    pub const fn of(request: &Request) -> Self {
        Self { request: Duration::from_secs(10), response: request.patience() }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, or the socket may not be opened.
    #[error("cannot reach bursard at {}", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The daemon took too long.
    #[error("bursard at {} did not answer within {} s", path.display(), within.as_secs())]
    TimedOut {
        /// The socket.
        path: PathBuf,
        /// The time it had.
        within: Duration,
    },
    /// The request or the answer is no frame.
    #[error("no answer from bursard at {}", path.display())]
    Frame {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: FrameError,
    },
}

impl ClientError {
    /// What the caller can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "is it running? see `systemctl status bursard`",
            Self::TimedOut { .. } => {
                "the command may still be carried out; see `bursar status` and `journalctl -u bursard`"
            }
            Self::Frame { .. } => "see `journalctl -u bursard`",
        }
    }
}

/// Sends `request` to the daemon at `path` and waits for its answer.
pub fn call(path: &Path, request: &Request, deadlines: Deadlines) -> Result<Response, ClientError> {
    let failed = |source| ClientError::Frame { path: path.to_owned(), source };
    let bytes = frame::encode(request, MOST_REQUEST).map_err(failed)?;
    let mut stream = open(path, deadlines.request)?;
    let until = Instant::now() + deadlines.request;
    // A daemon that turns a caller away answers without reading, so a failed write may still have an answer.
    let written = Timed { stream: &mut stream, until }.write_all(&bytes);
    if let Err(error) = &written
        && is_timeout(error)
    {
        return Err(ClientError::TimedOut { path: path.to_owned(), within: deadlines.request });
    }
    let until = Instant::now() + deadlines.response;
    let body = frame::read(&mut Timed { stream: &mut stream, until }, MOST_RESPONSE);
    match (body, written) {
        (Ok(body), _) => frame::decode(&body).map_err(failed),
        (Err(FrameError::Io(error)), _) if is_timeout(&error) => {
            Err(ClientError::TimedOut { path: path.to_owned(), within: deadlines.response })
        }
        (Err(_), Err(error)) => Err(failed(FrameError::Io(error))),
        (Err(error), Ok(())) => Err(failed(error)),
    }
}

/// A connected stream. The standard library cannot bound connecting, which waits while the listener's queue is full;
/// the kernel applies the send timeout to it.
fn open(path: &Path, within: Duration) -> Result<UnixStream, ClientError> {
    let unreachable =
        |errno: nix::Error| ClientError::Unreachable { path: path.to_owned(), source: io::Error::from(errno) };
    let address = UnixAddr::new(path).map_err(unreachable)?;
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).map_err(unreachable)?;
    let milliseconds = i64::try_from(within.as_millis()).unwrap_or(i64::MAX).max(1);
    setsockopt(&fd, sockopt::SendTimeout, &TimeVal::milliseconds(milliseconds)).map_err(unreachable)?;
    let stream = UnixStream::from(fd);
    match connect(std::os::fd::AsRawFd::as_raw_fd(&stream), &address) {
        Ok(()) => Ok(stream),
        Err(nix::Error::EAGAIN) => Err(ClientError::TimedOut { path: path.to_owned(), within }),
        Err(errno) => Err(unreachable(errno)),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// A stream whose every read and write ends by one instant; a peer that sends a byte now and then gains nothing.
struct Timed<'a> {
    stream: &'a mut UnixStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
