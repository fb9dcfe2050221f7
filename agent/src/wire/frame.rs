//! Frames: a big-endian `u32` length and that many bytes of JSON, never more than the reader allows.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The most bytes of a request.
pub const MOST_REQUEST: u32 = 1 << 20;
/// The most bytes of a response.
pub const MOST_RESPONSE: u32 = 256 << 20;
/// The version of the protocol; both ends must have the same, because they are installed together.
pub const PROTOCOL: u32 = 1;

/// What a frame carries: the version, then the message.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) protocol: u32,
    pub(super) message: T,
}

/// Why no frame could be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The message is larger than the other end takes.
    #[error("the message has {bytes} bytes, more than the {most} allowed")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The bound.
        most: u32,
    },
    /// The other end went away in the middle.
    #[error("the connection ended before the message did")]
    Short,
    /// The bytes are no message of this protocol.
    #[error("the message is not one of protocol {PROTOCOL}; are `bursar` and `bursard` of the same version?")]
    Malformed(#[source] serde_json::Error),
    /// The other end speaks another version.
    #[error("the other end speaks protocol {0}, not {PROTOCOL}; install the same version of `bursar` and `bursard`")]
    Version(u32),
    /// The socket failed.
    #[error("the socket failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Short } else { Self::Io(error) }
    }
}

/// The frame that carries `message`.
pub(super) fn encode<T: Serialize>(message: &T, most: u32) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, &Envelope { protocol: PROTOCOL, message }).map_err(FrameError::Malformed)?;
    let length = bytes.len() - 4;
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length <= most)
        .ok_or(FrameError::TooLarge { bytes: length as u64, most })?;
    for (slot, byte) in bytes.iter_mut().zip(length.to_be_bytes()) {
        *slot = byte;
    }
    Ok(bytes)
}

/// The message in the body of a frame.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    // The version first and alone: a message of another version may not parse at all.
    #[derive(serde::Deserialize)]
    struct Version {
        protocol: u32,
    }
    let Version { protocol } = serde_json::from_slice(body).map_err(FrameError::Malformed)?;
    if protocol != PROTOCOL {
        return Err(FrameError::Version(protocol));
    }
    serde_json::from_slice::<Envelope<T>>(body).map(|envelope| envelope.message).map_err(FrameError::Malformed)
}

const fn bounded(length: [u8; 4], most: u32) -> Result<u32, FrameError> {
    let length = u32::from_be_bytes(length);
    if length > most { Err(FrameError::TooLarge { bytes: length as u64, most }) } else { Ok(length) }
}

/// Reads the body of one frame. Memory grows with what arrives, not with what the length promises.
pub(super) fn read(stream: &mut impl Read, most: u32) -> Result<Vec<u8>, FrameError> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = bounded(length, most)?;
    let mut body = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() as u64 == u64::from(length) { Ok(body) } else { Err(FrameError::Short) }
}

/// As [`read`], without blocking.
pub(super) async fn read_async(stream: &mut (impl AsyncRead + Unpin), most: u32) -> Result<Vec<u8>, FrameError> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = bounded(length, most)?;
    let mut body = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut body).await?;
    if body.len() as u64 == u64::from(length) { Ok(body) } else { Err(FrameError::Short) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Response;

    #[test]
    fn given_a_message_then_its_frame_reads_back() {
        let sent = Response::Done { changed: 2, lines: vec!["é".to_owned()] };
        let bytes = encode(&sent, MOST_RESPONSE).expect("a frame");
        let body = read(&mut bytes.as_slice(), MOST_RESPONSE).expect("a body");
        assert_eq!(decode::<Response>(&body).expect("a message"), sent);
    }

    #[test]
    fn given_a_frame_that_is_too_large_or_cut_or_foreign_then_it_is_refused() {
        let too_large = read(&mut [0xff_u8; 8].as_slice(), MOST_REQUEST);
        assert!(matches!(too_large, Err(FrameError::TooLarge { bytes: 0xffff_ffff, .. })), "{too_large:?}");
        let cut = read(&mut [0_u8, 0, 0, 9, b'{'].as_slice(), MOST_REQUEST);
        assert!(matches!(cut, Err(FrameError::Short)), "{cut:?}");
        assert!(matches!(decode::<Response>(b"{}"), Err(FrameError::Malformed(_))));
        assert!(matches!(decode::<Response>(br#"{"protocol":2,"message":{"new":1}}"#), Err(FrameError::Version(2))));
        let text = "x".repeat(100);
        assert!(matches!(encode(&Response::refused(text), 100), Err(FrameError::TooLarge { most: 100, .. })));
    }
}
