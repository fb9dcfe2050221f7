//! What the fuzz targets share: a world to judge in, and scripts of calls that any bytes are.
//!
//! * [`world`] is a snapshot with everything in it that a verdict can depend on.
//! * [`script`] reads bytes as calls of slurmctld, and writes the ones to begin with.
//! * [`seeds`] puts those where the fuzzer finds them.

pub mod script;
pub mod seeds;
pub mod world;
