//! Reservations and associations as slurmdbd has them: who is charged for a reservation in which nothing runs.
//!
//! Findings on 22.05.8: `show reservation` prints one row for each stretch in which a reservation stayed as it was, and
//! the numbers of the associations that may use it; associations that were removed are shown with `withdeleted` only.

use bursar_policy::{Period, Timestamp};

use super::command::{SlurmCommands, Tool, words};
use super::desired::ClusterName;
use super::fields::{Tres, instant, tres};
use super::sreport::ReportError;

/// A reservation while it stayed as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its number, by which jobs name it.
    pub id: u32,
    /// The numbers of the associations that may use it, as text.
    pub associations: Vec<String>,
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// What is set aside; usually CPUs alone.
    pub held: Tres,
}

/// An association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Its number, as text.
    pub id: String,
    /// The account.
    pub account: String,
    /// The user; empty for the account's own.
    pub user: String,
    /// The account above an account; empty for the root and for users.
    pub parent: String,
}

/// The reservations that touch `period`.
pub async fn reservations(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    period: &Period,
) -> Result<Vec<Reservation>, ReportError> {
    let of = format!("cluster={cluster}");
    let (start, end) = (format!("start=uts{}", period.start.0), format!("end=uts{}", period.end.0));
    let fields = "format=id,assoc,start,end,tres";
    rows(commands, cluster, &["-n", "-P", "show", "reservation", &of, &start, &end, fields], reservation).await
}

/// All associations that there are or were.
pub async fn associations(commands: &SlurmCommands, cluster: &ClusterName) -> Result<Vec<Association>, ReportError> {
    let of = format!("cluster={cluster}");
    let fields = "format=id,account,user,parentname";
    rows(commands, cluster, &["-n", "-P", "show", "assoc", "withdeleted", &of, fields], association).await
}

/// The rows that a command of sacctmgr prints, each read by `read`.
async fn rows<T>(
    commands: &SlurmCommands,
    cluster: &ClusterName,
    show: &[&str],
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ReportError> {
    let text = commands.read(Tool::Sacctmgr, &words(show)).await;
    let text = text.map_err(|source| ReportError::Command { cluster: cluster.to_string(), source })?;
    let lines = text.lines().filter(|line| line.contains('|'));
    lines.map(|line| read(line).ok_or_else(|| ReportError::Row(line.to_owned()))).collect()
}

fn reservation(line: &str) -> Option<Reservation> {
    let fields: Vec<&str> = line.split('|').collect();
    let [id, associations, start, end, held] = fields.as_slice() else { return None };
    Some(Reservation {
        id: id.parse().ok()?,
        associations: associations.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
        start: instant(start)??,
        end: instant(end)??,
        held: tres(held)?,
    })
}

fn association(line: &str) -> Option<Association> {
    let fields: Vec<&str> = line.split('|').collect();
    let [id, account, user, parent] = fields.as_slice() else { return None };
    let [id, account, user, parent] = [id, account, user, parent].map(|text| (*text).to_owned());
    Some(Association { id, account, user, parent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_rows_of_sacctmgr_then_reservations_name_associations_by_number() {
        let read = reservation("2|4,7|1795550200|1795552201|cpu=3").unwrap();
        assert_eq!((read.id, read.associations, read.held["cpu"]), (2, vec!["4".to_owned(), "7".to_owned()], 3));
        assert_eq!((read.start.0, read.end.0), (1_795_550_200, 1_795_552_201));
        assert_eq!(reservation("2|4,7|then|1795552201|cpu=3"), None);
        let read = association("5|optics||physics").unwrap();
        assert_eq!((read.account.as_str(), read.user.as_str(), read.parent.as_str()), ("optics", "", "physics"));
        assert_eq!(association("5|optics"), None);
    }
}
