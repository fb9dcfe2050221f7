//! What slurmdbd has rolled up for each association, by sreport.
//!
//! Findings on 22.05.8: `start=` and `end=` take `uts<epoch>` and are rounded to whole hours of the caller's zone; a time that
//! cannot be read gives yesterday's report and exit status 0. An account's row has an empty Login and holds everything
//! below the account; names are in small letters; a TRES of which an association used none is a row of 0. Where slurmdbd
//! has rolled up nothing of the cluster in the period, and for a cluster it does not know, nothing is printed and the
//! status is 0. `-T` with a TRES that slurmdbd does not know is fatal.

use bursar_policy::{Period, Timestamp};
use thiserror::Error;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::desired::ClusterName;

/// Seconds of an hour, the unit of the roll-up.
pub const HOUR: i64 = 3_600;

/// Why sreport's answer cannot be used.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The command failed.
    #[error("cannot read what slurmdbd has rolled up of cluster {cluster}")]
    Command {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: CommandError,
    },
    /// A row that is none.
    #[error("sreport printed a row that cannot be read: {0:?}; run it by hand to see why")]
    Row(String),
}

/// What an association used of one TRES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The account.
    pub account: String,
    /// The user; empty for the account with everything below it.
    pub user: String,
    /// Slurm's name of the TRES, as `gres/gpu`.
    pub tres: String,
    /// Seconds of it; of memory MB-seconds.
    pub seconds: u64,
}

/// What associations used in `period`, whose edges are whole hours, of these TRES, which slurmdbd must know.
pub async fn read(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    period: &Period,
    tres: &[&str],
) -> Result<Vec<Reported>, ReportError> {
    let failed = |source| ReportError::Command { cluster: cluster.to_string(), source };
    let fields = "format=cluster,account,login,tresname,used";
    let args = args(cluster, period, &tres.join(","), "AccountUtilizationByUser", fields);
    parse(&commands.read(Tool::Sreport, &args).await.map_err(failed)?, cluster.as_str())
}

/// Whether slurmdbd has rolled up the hour that begins at `hour`.
pub async fn has_rolled_up(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    hour: Timestamp,
) -> Result<bool, ReportError> {
    let failed = |source| ReportError::Command { cluster: cluster.to_string(), source };
    let period = Period { start: hour, end: Timestamp(hour.0.saturating_add(HOUR)) };
    let args = args(cluster, &period, "cpu", "Utilization", "format=cluster,reported");
    let text = commands.read(Tool::Sreport, &args).await.map_err(failed)?;
    Ok(text.lines().any(|line| line.split_once('|').is_some_and(|(name, _)| name == cluster.as_str())))
}

/// The names of all TRES that slurmdbd knows, as `cpu` and `gres/gpu`.
pub async fn known_tres(commands: &SlurmCommands, cluster: &ClusterName) -> Result<Vec<String>, ReportError> {
    let failed = |source| ReportError::Command { cluster: cluster.to_string(), source };
    let show = words(&["-n", "-P", "show", "tres", "format=type,name"]);
    let text = commands.read(Tool::Sacctmgr, &show).await.map_err(failed)?;
    let name = |(kind, name): (&str, &str)| if name.is_empty() { kind.to_owned() } else { format!("{kind}/{name}") };
    Ok(text.lines().filter_map(|line| line.split_once('|').map(name)).collect())
}

fn args(cluster: &ClusterName, period: &Period, tres: &str, report: &str, fields: &str) -> Vec<String> {
    let (start, end) = (format!("start=uts{}", period.start.0), format!("end=uts{}", period.end.0));
    let clusters = format!("clusters={cluster}");
    words(&["-n", "-P", "-t", "Seconds", "-T", tres, "cluster", report, &start, &end, &clusters, fields])
}

/// Reads the rows of `cluster`; a line without columns is something that Slurm's commands say in between.
fn parse(text: &str, cluster: &str) -> Result<Vec<Reported>, ReportError> {
    let rows = text.lines().filter(|line| line.contains('|')).map(|line| {
        let fields: Vec<&str> = line.split('|').collect();
        let [of, account, user, tres, seconds] = fields.as_slice() else {
            return Err(ReportError::Row(line.to_owned()));
        };
        let seconds = seconds.parse().map_err(|_| ReportError::Row(line.to_owned()))?;
        if account.is_empty() || *of != cluster {
            return Err(ReportError::Row(line.to_owned()));
        }
        Ok(Reported { account: (*account).to_owned(), user: (*user).to_owned(), tres: (*tres).to_owned(), seconds })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 22.05.8 printed it.
    const RECORDED: &str = "\
demo|root||cpu|109102
demo|root||gres/gpu|7500
demo|physics|ana|cpu|33601
demo|physics|ana|mem|3340000
demo|physics|ana|gres/gpu|0
demo|optics||cpu|72500
";

    #[test]
    fn given_rows_of_sreport_then_accounts_have_no_user_and_none_is_lost() {
        let rows = parse(RECORDED, "demo").unwrap();
        assert_eq!(rows.len(), 6);
        let first = Reported { account: "root".into(), user: String::new(), tres: "cpu".into(), seconds: 109_102 };
        assert_eq!(rows[0], first);
        assert_eq!((rows[3].user.as_str(), rows[3].tres.as_str(), rows[3].seconds), ("ana", "mem", 3_340_000));
        assert_eq!((rows[4].tres.as_str(), rows[4].seconds), ("gres/gpu", 0));
    }

    #[test]
    fn given_nothing_or_words_in_between_then_there_are_no_rows_of_them() {
        assert_eq!(parse("", "demo").unwrap(), []);
        let busy = " Database is busy or waiting for lock from other user.\ndemo|root||cpu|5\n";
        assert_eq!(parse(busy, "demo").unwrap().len(), 1);
    }

    #[test]
    fn given_a_row_that_is_none_then_it_is_an_error_and_no_zero() {
        for line in ["demo|root||cpu", "demo|root||cpu|1.5", "demo|||cpu|1", "other|root||cpu|1", "demo|root||cpu|1|2"]
        {
            assert!(parse(line, "demo").unwrap_err().to_string().contains("cannot be read"), "{line}");
        }
    }
}
