//! The declarations of what the ledger was read from.

use super::Place::Where;
use super::{Field, Key, Kind, Schema};

/// `bursar show reading`.
pub(super) static READING: Schema = Schema {
    name: "reading",
    aliases: &["readings", "imports"],
    about: "A reading of slurmdbd, or a file that was imported, that brought runs or rows",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "readings are made by bursard and by `bursar import usage`",
    bare: None,
    flags: &[],
    keys: &[
        Key::new("cluster", Kind::Names, &[Where], "clusters").or(&["clusters"]),
        Key::new("kind", Kind::Words(&["slurmdbd", "import"]), &[Where], "by whom it was told"),
        Key::new("start", Kind::Instant, &[Where], "readings from then on"),
        Key::new("end", Kind::Instant, &[Where], "readings before then"),
    ],
    fields: &[
        Field::new("reading", 8, "its number"),
        Field::new("cluster", 12, "cluster"),
        Field::new("kind", -8, "slurmdbd or import"),
        Field::new("started", 19, "when it began"),
        Field::new("rows", 10, "rows that came"),
        Field::new("added", 10, "runs that were not known"),
        Field::new("changed", 10, "runs that were told otherwise before"),
        Field::new("set-aside", 10, "rows that cannot be read"),
        Field::on_demand("source", -40, "the file, for an import"),
        Field::on_demand("finished", 19, "when it was last added to"),
        Field::on_demand("from", 19, "the first end that was asked for"),
        Field::on_demand("until", 19, "the last"),
    ],
};

/// `bursar show set-aside`.
pub(super) static SET_ASIDE: Schema = Schema {
    name: "set-aside",
    aliases: &["aside"],
    about: "A row of slurmdbd or of a dump that cannot be read; it is kept, and charged to nobody",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "a row stays; when slurmdbd tells it so that it can be read, its run is charged",
    bare: None,
    flags: &[],
    keys: &[Key::new("cluster", Kind::Names, &[Where], "clusters").or(&["clusters"])],
    fields: &[
        Field::new("cluster", 12, "cluster"),
        Field::new("since", 19, "when it came first"),
        Field::new("why", -20, "what is wrong with it"),
        Field::new("row", -80, "the row"),
        Field::on_demand("reading", 8, "the reading that brought it"),
    ],
};
