//! No panic leaves the module: one that did would abort sshd.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, Once, PoisonError};

/// Where the last panic happened; taken by whoever caught it.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics off the host program's standard error, where the default hook would print them.
///
/// The hook belongs to this library's own copy of the standard library: the host program never sees it.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|panic| {
            let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
            *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
        }));
    });
}

/// The value of `body`; when it panics, that of `caught`, which is told where.
pub(crate) fn guard<T>(body: impl FnOnce() -> T, caught: impl FnOnce(&str) -> T) -> T {
    quiet();
    // What `body` leaves half done belongs to this one call; libpam's handle is only changed inside libpam.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        caught(place.as_deref().unwrap_or("an unknown place"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_panic_then_its_place_is_told_and_nothing_is_printed() {
        let place = guard(|| panic!("boom"), str::to_owned);
        // The hook is the process's: give the other tests their own failures back.
        drop(std::panic::take_hook());
        assert!(place.contains("guard.rs:"), "{place}");
    }
}
