//! The few questions to the process itself, and what it must be asked of its threads.

use std::mem::MaybeUninit;

unsafe extern "C" {
    /// libc's; it cannot fail and touches nothing.
    safe fn geteuid() -> u32;
}

/// The uid slurmctld runs as: SlurmUser's, once it has left root behind.
pub(crate) fn effective_uid() -> u32 {
    geteuid()
}

/// How often the kernel took this thread off a processor that it had not done with.
pub(crate) fn preempted() -> i64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes one rusage to memory that is one, or nothing when it fails.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    // SAFETY: all zeros, or written by the call above; every pattern of its integers is a value.
    unsafe { usage.assume_init() }.ru_nivcsw
}

/// Runs `body`, which starts a thread, so that the new thread gets no signal: those are for slurmctld's own threads,
/// which wait for them.
pub(crate) fn without_signals<T>(body: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset writes a whole set to memory that is one.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the first set was filled above; the second is memory for one, which is written when the call succeeds.
    let blocked = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) } == 0;
    let value = body();
    if blocked {
        // SAFETY: the set was written by the call above, which succeeded.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    }
    value
}
