//! Waiting for a condition with a bound and a reason, instead of sleeping and hoping.

use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(40);

/// Looks until `look` answers Ok or `timeout` is over; the error then carries the last answer.
pub fn wait_for<T, F>(what: &str, timeout: Duration, mut look: F) -> Result<T>
where
    F: FnMut() -> std::result::Result<T, String>,
{
    let start = Instant::now();
    loop {
        let last = match look() {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        if start.elapsed() >= timeout {
            return Err(Error::Timeout { what: what.to_owned(), after: timeout, last });
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_condition_that_never_holds_then_the_error_carries_the_last_reason() {
        let error = wait_for::<(), _>("rain", Duration::ZERO, || Err("sunny".into())).unwrap_err();
        assert_eq!(error.to_string(), "waited 0 s for rain; last seen: sunny");
    }
}
