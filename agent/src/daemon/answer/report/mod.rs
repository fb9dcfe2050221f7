//! `report`: what was used, and how runs fared, as far as the caller may see it.
//!
//! * `scope` is the period and the runs that a report looks at, `consumed` reads what these used,
//!   `grouped` is what reports that tell runs apart have in common.
//! * `usage` answers `report usage` and `report cost-centres`; the others have a file of their own name.

mod charges;
mod completion;
mod consumed;
mod corrections;
mod focus;
mod grouped;
mod peaks;
mod scope;
mod usage;
mod waits;

pub(super) use charges::price;

use super::Answer;
use super::session::Session;
use crate::cli::entity::Report;
use crate::wire::Query;

/// Answers one report.
pub(super) async fn report(session: &Session<'_>, kind: Report, query: &Query) -> Answer {
    match kind {
        Report::Usage => usage::report(session, query).await,
        Report::Charges => charges::report(session, query).await,
        Report::Focus => focus::report(session, query).await,
        Report::Waits => waits::report(session, query).await,
        Report::Completion => completion::report(session, query).await,
        Report::Peaks => peaks::report(session, query).await,
        Report::Corrections => corrections::report(session, query).await,
        Report::CostCentres => usage::by_centre(session, query).await,
    }
}
