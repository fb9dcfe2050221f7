//! The command line of `bursar`, in the grammar of Slurm's own tools.
//!
//! [`entity`] declares what can be spoken about, [`grammar`] turns arguments into a command, [`run()`] carries it out:
//! it asks the daemon over [`crate::wire`] and prints the answer with [`table`], or with `define` what fields mean.

pub mod amount;
pub mod confirm;
mod define;
pub mod entity;
pub mod exit;
pub mod format;
pub mod grammar;
pub mod help;
pub mod import;
pub mod keyword;
pub mod offline;
pub mod options;
pub mod price;
pub mod run;
pub mod table;
pub mod when;

pub use exit::ExitStatus;
pub use run::run;
