//! How a request ends that is not answered with what it asked for.

use crate::cli::when::WhenError;
use crate::daemon::site::chain;
use crate::store;
use crate::wire::Response;

/// Why not; its kind decides the exit code of the command line.
#[derive(Debug, thiserror::Error)]
pub(super) enum No {
    /// The caller may not, or there is no such thing.
    #[error("{0}")]
    Refused(String),
    /// The request fits its declaration and yet makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What would answer is not there yet, or fails.
    #[error("{0}")]
    Unavailable(String),
}

impl From<No> for Response {
    fn from(no: No) -> Self {
        match no {
            No::Refused(message) => Self::refused(message),
            No::Usage(message) => Self::Usage { message },
            No::Unavailable(message) => Self::Unavailable { message },
        }
    }
}

impl From<store::Error> for No {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound { .. } | store::Error::Refused(_) => Self::Refused(error.to_string()),
            _ => Self::Unavailable(chain(&error)),
        }
    }
}

impl From<WhenError> for No {
    fn from(error: WhenError) -> Self {
        Self::Usage(error.to_string())
    }
}
