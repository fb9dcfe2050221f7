//! Puts bursar into a host the way its package would: binaries, plugin, PAM module, units, configuration.
