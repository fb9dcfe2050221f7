//! One pass of `bursar-node`: look, plan and write under the system's lock, then homes and keys.

use bursar_policy::id::{Uid, UserName};
use bursar_policy::time::Clock;

use super::desired::Desired;
use super::error::Error;
use super::facts::Facts;
use super::homes;
use super::install::{AsRead, Installed};
use super::key_files;
use super::ledger::Ledger;
use super::lock::FileLock;
use super::plan::{Plan, plan};
use super::refusal::{Notice, Refusal};
use super::root::Root;

/// How often a pass starts again when a program without the lock changed a file.
const TRIES: u32 = 5;

/// What a pass did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The account files that were replaced.
    pub files_written: Vec<&'static str>,
    /// Lines added to passwd.
    pub accounts_added: usize,
    /// Lines of passwd or shadow that changed.
    pub lines_changed: usize,
    /// Homes made.
    pub homes_made: usize,
    /// Key files written.
    pub keys_written: usize,
    /// Entries removed from the key directory.
    pub keys_removed: usize,
    /// Who lost the access with this pass, so that sessions can be ended.
    pub shut: Vec<(UserName, Uid)>,
    /// Who was not brought in step, wholly or in part.
    pub refusals: Vec<Refusal>,
    /// What an administrator may want to know.
    pub notices: Vec<Notice>,
}

impl Outcome {
    /// Whether the host was in step already.
    pub fn wrote_nothing(&self) -> bool {
        self.files_written.is_empty() && self.homes_made == 0 && self.keys_written == 0 && self.keys_removed == 0
    }
}

/// Brings accounts, groups, homes and key files of the host in step with `desired`. A second pass writes nothing.
///
/// What concerns one person, group or key is among the refusals of the outcome; an error stops the whole pass.
pub fn bring_in_step(root: &Root, desired: &Desired, clock: &dyn Clock) -> Result<Outcome, Error> {
    key_files::ensure_directory(&root.state, root.owner_of(0))?;
    key_files::ensure_directory(&root.keys(), root.owner_of(0))?;
    let _alone = FileLock::acquire(&root.state.join(".lock"), root.lock_wait)?;
    let facts = Facts::gather(root, desired, clock.now())?;
    let (mut plan, files_written) = write_accounts(root, desired, &facts)?;

    // Keys come last: one works only once there is a home.
    let (homes_made, homeless) = homes::make_all(root, &plan.homes)?;
    key_files::write(&root.keys(), &plan.keys_written)?;

    plan.refusals.extend(homeless);
    let shut = plan.shut.iter().filter_map(|(name, id)| Some((UserName::new(name).ok()?, Uid::new(*id).ok()?)));
    Ok(Outcome {
        files_written,
        accounts_added: plan.passwd.added.len(),
        lines_changed: plan.passwd.replaced.len() + plan.shadow.replaced.len(),
        homes_made,
        keys_written: plan.keys_written.len(),
        keys_removed: plan.keys_removed.len(),
        shut: shut.collect(),
        refusals: plan.refusals,
        notices: plan.notices,
    })
}

/// Plans on the files as they stand under the lock and writes them; again when they changed meanwhile.
fn write_accounts(root: &Root, desired: &Desired, facts: &Facts) -> Result<(Plan, Vec<&'static str>), Error> {
    let _held = FileLock::acquire(&root.etc.join(".pwd.lock"), root.lock_wait)?;
    let mut changed = root.etc.join("passwd");
    let mut shut = Vec::new();
    for _ in 0..TRIES {
        let read = AsRead::read(root)?;
        let ledger = Ledger::read(&root.ledger())?;
        let mut plan = plan(desired, &read.found, &ledger, facts, &root.home_bases);
        // An earlier try may have shut the account already.
        shut.append(&mut plan.shut);
        // Access goes first, also when the files cannot be written.
        key_files::remove(&root.keys(), &plan.keys_removed)?;
        match read.install(root, &plan)? {
            Installed::Done(written) => {
                forget_caches(root, &written);
                shut.sort_unstable();
                shut.dedup();
                plan.shut = shut;
                return Ok((plan, written));
            }
            Installed::ChangedMeanwhile(path) => changed = path,
        }
    }
    Err(Error::Changing { path: changed, tries: TRIES })
}

/// Tells nscd, where it runs, that its copies are old.
fn forget_caches(root: &Root, written: &[&str]) {
    if !root.live || !std::path::Path::new("/run/nscd/socket").exists() {
        return;
    }
    for table in ["passwd", "group"].into_iter().filter(|table| written.contains(table)) {
        let status = std::process::Command::new("nscd").arg("-i").arg(table).status();
        if !status.is_ok_and(|status| status.success()) {
            tracing::warn!(table, "nscd did not forget its copy; it does so by itself within its time to live");
        }
    }
}
