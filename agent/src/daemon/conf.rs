//! What the running slurmctld was told, held against what policy asks of it.

use bursar_policy::Timestamp;

use super::site::Site;
use crate::config;
use crate::slurm::SlurmCommands;
use crate::slurm::conf_check::{self, LiveConf};

/// slurmctld is asked for its configuration this often: seconds.
const ASKED_AFTER: u64 = 60;

/// slurmctld's configuration as it was last told, and when.
#[derive(Debug, Default)]
pub struct Conf(Option<(Timestamp, LiveConf)>);

impl Conf {
    /// Asks slurmctld, if that was not done lately, and tells `bursar status` which lines slurm.conf lacks.
    ///
    /// The answer is whether slurmctld refuses cost centres that a person does not have.
    pub async fn look(&mut self, site: &Site, commands: &SlurmCommands) -> bool {
        let now = site.now();
        if self.0.as_ref().is_none_or(|(at, _)| now.seconds_since(*at) >= ASKED_AFTER) {
            // Without slurmctld what it said last stands; the usage task tells of it.
            if let Ok(conf) = LiveConf::read(commands).await {
                self.0 = Some((now, conf));
            }
        }
        let Some((_, conf)) = &self.0 else { return false };
        let needs = config::slurm_conf_needs(&site.view().config.policy);
        let missing = conf_check::judge(&needs, |key| conf.value(key));
        let lines: Vec<String> = missing.into_iter().map(|missing| missing.line).collect();
        let outcome = match lines.as_slice() {
            [] => Ok("has all that policy.toml asks of Slurm".to_owned()),
            lines => Err(format!("needs {}; then restart slurmctld (bursar check slurm says why)", lines.join(", "))),
        };
        site.report("slurm.conf", outcome);
        conf.enforces_wckeys()
    }
}
