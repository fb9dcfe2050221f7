//! The declaration of the export for the finance side: the columns of FOCUS 1.2, by FOCUS's own names.

use super::super::command::ONLY_TELLS;
use super::super::{Field, Key, Kind, Place::Where, Schema};
use super::CLUSTER;

/// `bursar report focus`: `billed-cost` is titled `BilledCost`, as FOCUS writes it.
pub(super) static FOCUS: Schema = Schema {
    name: "focus",
    about: "A month's invoices with their lines as FOCUS 1.2 has them, for the finance side: --csv or --json",
    keys: &[
        Key::new("period", Kind::Name, &[Where], "a month, as 2026-11, this or last; without it last").or(&["month"]),
        CLUSTER,
    ],
    fields: &[
        Field::new("billed-cost", 14, "what the line costs"),
        Field::new("billing-account-id", -16, "the cost centre, or untagged"),
        Field::new("billing-account-name", -16, "the same"),
        Field::new("billing-currency", -8, "ISO 4217; lines in units of the site's own are left out"),
        Field::new("billing-period-start", -20, "first instant of the month, UTC"),
        Field::new("billing-period-end", -20, "first instant after it"),
        Field::new("charge-category", -10, "Usage, Purchase for what is reserved, Credit for refunds"),
        Field::new("charge-class", -10, "Correction for what corrects an earlier month, else empty"),
        Field::new("charge-description", -40, "what is charged, in words"),
        Field::new("charge-frequency", -12, "Usage-Based, Recurring for what is reserved"),
        Field::new("charge-period-start", -20, "as the billing period's"),
        Field::new("charge-period-end", -20, "as the billing period's"),
        Field::new("consumed-quantity", 14, "unit-hours that were used; empty where nothing was"),
        Field::new("consumed-unit", -12, "of what, as Core-Hours"),
        Field::new("contracted-cost", 14, "as billed: what was agreed is in the rate card"),
        Field::new("effective-cost", 14, "as billed"),
        Field::new("invoice-id", -24, "month, cost centre and currency"),
        Field::new("invoice-issuer-name", -16, "the cluster"),
        Field::new("list-cost", 14, "without discount, allowance and reserved capacity"),
        Field::new("pricing-category", -10, "Standard, or Committed for use inside what is reserved"),
        Field::new("pricing-quantity", 14, "unit-hours that are priced"),
        Field::new("pricing-unit", -12, "of what"),
        Field::new("provider-name", -16, "the cluster"),
        Field::new("publisher-name", -16, "the cluster"),
        Field::new("service-category", -10, "Compute or Storage"),
        Field::new("service-name", -16, "Slurm, or the place of what is stored"),
        Field::new("sku-id", -24, "partition, QOS and TRES"),
        Field::new("sku-price-id", -12, "version of the rate card"),
        Field::new("sub-account-id", -16, "the Slurm account"),
        Field::new("sub-account-name", -16, "the same"),
        Field::new("tags", -40, "user, partition and QOS as JSON"),
    ],
    ..ONLY_TELLS
};
