//! The declaration of the report of what the ledger took back.

use super::{ACCOUNT, CLUSTER, PARTITION, QOS, TIME_ZONE, USER};
use crate::cli::entity::Place::Where;
use crate::cli::entity::command::ONLY_TELLS;
use crate::cli::entity::{Field, Key, Kind, Schema};

/// `bursar report corrections`.
pub(super) static CORRECTIONS: Schema = Schema {
    name: "corrections",
    aliases: &["correction"],
    about: "Runs charged otherwise in [start, end) than before, as told by what; this month until now without times",
    keys: &[
        Key::new("start", Kind::Instant, &[Where], "corrections posted from then on, whenever their runs ran"),
        Key::new("end", Kind::Instant, &[Where], "corrections posted before then"),
        USER,
        ACCOUNT,
        CLUSTER,
        PARTITION,
        QOS,
        TIME_ZONE,
    ],
    fields: &[
        Field::new("posted", 19, "when the ledger took it back").meaning(
            "A run that is told otherwise is posted back as it was and posted anew as it is, in one transaction; \
             nothing that was posted is ever changed.",
        ),
        Field::new("cluster", 10, "cluster"),
        Field::new("job-id", 10, "job id, without array or component suffix"),
        Field::new("user", 12, "user name"),
        Field::new("account", 16, "account that it is charged to now"),
        Field::new("before", 14, "CPU time that was taken back").meaning("Of the whole run, without suspended time."),
        Field::new("after", 14, "CPU time that was posted in its place").meaning(
            "Of the whole run, without suspended time; 0 for one that was told never to have run, nothing where the \
             account that it is charged to now is not for whoever asks.",
        ),
        Field::new("change", 14, "CPU-hours more than before, to four places"),
        Field::new("reading", 8, "number of the reading that told it").meaning("`show reading` has more of it."),
        Field::new("told-by", 9, "slurmdbd or import"),
        Field::on_demand("submit", 19, "when it was submitted, which with the job id is the run"),
        Field::on_demand("account-before", 16, "account that it was charged to"),
        Field::on_demand("state", 12, "Slurm's state of it now"),
        Field::on_demand("state-before", 12, "Slurm's state of it before"),
        Field::on_demand("source", -40, "the file, for an import; for who sees everything"),
    ],
    ..ONLY_TELLS
};
