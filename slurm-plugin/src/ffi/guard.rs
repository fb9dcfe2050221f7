//! No panic leaves the plugin: one that did would end slurmctld.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use bursar_policy::job::Severity;

use super::log;

/// Sends the text of any panic to slurmctld's log; by default it would go to a closed standard error.
///
/// The hook belongs to this library's own copy of the standard library: slurmctld and its other plugins never see it.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|panic| {
            let payload = panic.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)");
            match panic.location() {
                Some(at) => log::line(Severity::Error, &format!("internal error at {at}: {text}; please report it")),
                None => log::line(Severity::Error, &format!("internal error: {text}; please report it")),
            }
        }));
    });
}

/// The value of `body`, or `fallback` when it panics.
pub(crate) fn guard<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    // What `body` can leave half changed is the gate, whose mutex remembers the panic, and the caller's job
    // description, which slurmctld drops after a refusal.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_panic_then_the_fallback_is_returned_and_the_log_names_the_place() {
        quiet();
        drop(log::tests::taken());
        let answer = guard(7_u8, || panic!("boom"));
        let lines = log::tests::taken();
        // The hook is the process's: give the other tests their own failures back.
        drop(std::panic::take_hook());
        assert_eq!(answer, 7);
        let (error, line) = &lines[0];
        assert!(*error && line.contains("guard.rs") && line.contains("boom"), "{line}");
    }
}
