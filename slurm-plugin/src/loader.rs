//! The plugin's one thread: it reads what bursard publishes, so that no job waits while a file is read.
//!
//! slurmctld waits for its plugins under its locks, and a snapshot of a large site takes milliseconds to read and to
//! check. The thread takes no lock of slurmctld's and calls nothing of it but the log.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::ffi::host;

/// Between two looks at the files. A look is two calls of the kernel.
const PAUSE: Duration = Duration::from_millis(20);

/// The thread, for as long as it is wanted.
#[derive(Debug)]
pub(crate) struct Loader {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Loader {
    /// Starts the thread, which makes a `pass` at once and then every moment.
    pub(crate) fn start(mut pass: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&ends);
        let thread = host::without_signals(|| {
            thread::Builder::new().name("bursar".into()).stack_size(512 * 1024).spawn(move || {
                while !watched.load(Ordering::Acquire) {
                    pass();
                    thread::park_timeout(PAUSE);
                }
            })
        })?;
        Ok(Self { ends, thread })
    }

    /// Ends the thread and waits for it: what it runs is about to be unloaded.
    pub(crate) fn end(self) {
        self.ends.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // A panic in it was caught and told before.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn given_a_loader_then_it_passes_again_and_again_until_it_is_ended() {
        let (passed, passes) = mpsc::channel();
        let loader = Loader::start(move || passed.send(()).unwrap_or_default()).unwrap();
        for _ in 0..3 {
            passes.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        loader.end();
        while passes.try_recv().is_ok() {}
        assert_eq!(passes.recv(), Err(mpsc::RecvError), "the thread is gone, and its end of the channel with it");
    }
}
