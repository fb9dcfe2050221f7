//! The declaration of what months cost.

use super::super::command::ONLY_TELLS;
use super::super::{Field, Flag, Key, Kind, Place::Where, Schema};
use super::{CLUSTER, USER};

/// What charges can be told apart by.
pub const CHARGED: &[&str] = &["cost-centre", "account", "user", "cluster", "partition", "qos", "version", "item"];

/// `bursar report charges`.
pub(super) static CHARGES: Schema = Schema {
    name: "charges",
    aliases: &["invoice", "invoices"],
    about: "What a month costs by the rate card, by account or by what by= names",
    flags: &[Flag { name: "lines", about: "every line of the invoices: what was used, its rate and its factors" }],
    keys: &[
        Key::new("period", Kind::Name, &[Where], "a month, as 2026-11, this or last; without it this").or(&["month"]),
        Key::new("by", Kind::Words(CHARGED), &[Where], "what rows are told apart by; without it account"),
        USER,
        Key::new("account", Kind::Names, &[Where], "accounts").or(&["accounts"]),
        CLUSTER,
        Key::new("cost-centre", Kind::Names, &[Where], "cost centres").or(&["cost-center", "wckeys"]),
    ],
    fields: &[
        Field::new("account", 20, "account"),
        Field::new("amount", 16, "what it costs: the sum of lines that are each rounded once"),
        Field::new("currency", -8, "of which currency, or units of the site's own"),
        Field::on_demand("cost-centre", 12, "cost centre (wckey)"),
        Field::on_demand("user", 12, "user name, empty for what nobody in particular used"),
        Field::on_demand("cluster", 10, "cluster"),
        Field::on_demand("partition", 12, "partition"),
        Field::on_demand("qos", 12, "QOS"),
        Field::on_demand("version", 12, "version of the rate card"),
        Field::on_demand("item", -16, "what is charged: a TRES, storage, or what is reserved"),
        Field::on_demand("kind", -16, "usage, storage, allowance, reservation, minimum, refund"),
        Field::on_demand("quantity", 16, "hours of one unit of it"),
        Field::on_demand("rate", 12, "what an hour of one unit costs"),
        Field::on_demand("factor", 8, "factors of QOS, size, time and rules together"),
        Field::on_demand("kept", 8, "what discounts leave of the price"),
        Field::on_demand("list-amount", 16, "the amount without discount, allowance and reserved capacity"),
        Field::on_demand("lines", 8, "lines in the sum"),
    ],
    ..ONLY_TELLS
};
