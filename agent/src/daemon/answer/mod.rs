//! What bursard answers: every request of the command line, with the rights of whoever asks.
//!
//! * `caller` says who asks and what they may see, `session` is one request's view of everything.
//! * `show` answers `show`, one file per entity; `change` plans and makes what `add`, `modify`, `delete` ask for.
//! * `balance`, `explain`, `report`, `verify`, `sync` and `status` answer the verbs of these names.
//! * `no` is how a request ends that is not answered with what it asked for.

mod balance;
mod caller;
mod change;
mod explain;
mod import;
mod no;
mod report;
mod session;
mod show;
mod status;
mod sync;
mod verify;

use std::sync::Arc;

use super::Site;
use crate::wire::{Handler, Peer, Request, Response};
use no::No;
use session::Session;

/// What a request is answered with, or why it is not.
type Answer = Result<Response, No>;

/// Answers requests about one site.
#[derive(Debug, Clone)]
pub struct Answers {
    site: Arc<Site>,
}

impl Answers {
    /// Answers about `site`.
    pub const fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn answer(&self, peer: Peer, request: Request) -> Answer {
        let session = match &request {
            // Whoever has just changed something sees it, and rights that were just taken away are gone.
            Request::Show { .. } | Request::Change { .. } => Session::fresh(&self.site, peer).await?,
            _ => Session::of_view(&self.site, peer)?,
        };
        match request {
            Request::Show { entity, query } => show::show(&session, entity, &query).await,
            Request::Change { change, dry_run } => change::change(&session, &change, dry_run).await,
            Request::Balance { query } => balance::balance(&session, &query),
            Request::Report { kind, query } => report::report(&session, kind, &query).await,
            Request::Explain { what, query } => explain::explain(&session, what, &query),
            Request::Verify { query } => verify::verify(&session, &query).await,
            Request::Sync { dry_run, accept_drop, fields } => sync::sync(&session, dry_run, accept_drop, &fields).await,
            Request::Price { query, file, card } => report::price(&session, &query, &file, &card).await,
            Request::Import { dump, part } => import::import(&session, &dump, &part).await,
            Request::Status { query } => status::status(&session, &query).await,
        }
    }
}

impl Handler for Answers {
    async fn handle(&self, peer: Peer, request: Request) -> Response {
        self.answer(peer, request).await.unwrap_or_else(Response::from)
    }
}
