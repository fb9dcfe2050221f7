//! The few questions to the process itself.

unsafe extern "C" {
    /// libc's; it cannot fail and touches nothing.
    safe fn geteuid() -> u32;
}

/// The uid slurmctld runs as: SlurmUser's, once it has left root behind.
pub(crate) fn effective_uid() -> u32 {
    geteuid()
}
