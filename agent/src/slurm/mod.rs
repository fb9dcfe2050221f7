//! Everything bursar asks of Slurm or tells it, always through Slurm's own commands.
//!
//! * Associations, QOS and limits: [`desired`] and [`found`] meet in [`plan`], [`apply`] carries the plan out, [`uids`]
//!   heals what slurmctld could not resolve; [`native`] says which limits slurmctld itself holds, and why these.
//! * Usage: [`live`] is what slurmctld knows now, [`settled`] what slurmdbd has on record.
//! * [`sreport`] is what slurmdbd has rolled up, [`overlapping`] the rows it rolled up from, [`reserved`] what it charges
//!   besides for reservations; with them the ledger is verified.
//! * [`service`] takes partitions out of service and back, and moves waiting jobs.
//! * [`facts`] is the shape of the cluster that bounds a job; [`plugin_check`] says whether slurmctld can load bursar,
//!   [`conf_check`] what slurm.conf lacks.
//! * [`command`] runs one command, [`fields`] reads what they print.

pub mod action;
pub mod apply;
pub mod backstop;
pub mod command;
pub mod conf_check;
pub mod conf_file;
pub mod desired;
pub mod facts;
pub mod fields;
pub mod found;
pub mod live;
pub mod native;
pub mod overlapping;
pub mod per_gpu;
pub mod plan;
mod plan_calls;
#[cfg(test)]
mod plan_model;
mod plan_native;
mod plan_queues;
pub mod plugin_check;
pub mod plugin_elf;
pub mod qos;
pub mod queue_action;
pub mod reserved;
pub mod service;
pub mod settled;
pub mod sharing;
pub mod sreport;
pub mod uids;

pub use command::SlurmCommands;
