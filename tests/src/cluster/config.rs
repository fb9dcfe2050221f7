//! The configuration files of a cluster, from a few choices.

use crate::SlurmVersion;

/// What a test may choose about its cluster.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) cpus_per_node: u32,
    pub(crate) job_submit: Option<String>,
    pub(crate) plugin_dir: String,
    pub(crate) extra: Vec<String>,
    /// GPUs of each node: their type and how many, at most [`MOST_GPUS`].
    pub(crate) gpus: Option<(String, u32)>,
    pub(crate) max_job_count: u32,
    pub(crate) max_array_size: u32,
    pub(crate) min_job_age: u32,
}

/// Where Debian keeps Slurm's own plugins.
pub(crate) const STOCK_PLUGINS: &str = "/usr/lib/x86_64-linux-gnu/slurm-wlm";

impl Default for Shape {
    fn default() -> Self {
        Self {
            cpus_per_node: 8,
            job_submit: None,
            plugin_dir: STOCK_PLUGINS.to_owned(),
            extra: Vec::new(),
            gpus: None,
            max_job_count: 10_000,
            max_array_size: 1_001,
            min_job_age: 300,
        }
    }
}

/// Files that stand for GPUs.
pub(crate) const MOST_GPUS: u32 = 8;

impl Shape {
    /// `/etc/slurm/gres.conf`.
    pub(crate) fn gres_conf(&self) -> String {
        self.gpus.as_ref().map_or_else(String::new, |(kind, count)| {
            format!("NodeName=n[1-2] Name=gpu Type={kind} File=/run/gpus/gpu[0-{}]\n", count - 1)
        })
    }

    /// `/etc/slurm/slurm.conf`.
    pub(crate) fn slurm_conf(&self) -> String {
        let Self { cpus_per_node, plugin_dir, max_job_count, max_array_size, min_job_age, .. } = self;
        let job_submit = self.job_submit.as_ref().map(|name| format!("JobSubmitPlugins={name}\n")).unwrap_or_default();
        let (counted, gres) = self.gpus.as_ref().map_or_else(Default::default, |(kind, count)| {
            let counted = format!("GresTypes=gpu\nAccountingStorageTRES=gres/gpu,gres/gpu:{kind}\n");
            (counted, format!(" Gres=gpu:{kind}:{count}"))
        });
        let extra = self.extra.iter().map(|line| format!("{line}\n")).collect::<String>();
        format!(
            "ClusterName=demo
SlurmctldHost=hpc
SlurmUser=slurm
AuthType=auth/munge
PluginDir={plugin_dir}
{job_submit}ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PriorityType=priority/multifactor
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
KillWait=5
MaxJobCount={max_job_count}
MaxArraySize={max_array_size}
MinJobAge={min_job_age}
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmctldDebug=debug
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdParameters=config_overrides
SlurmdPidFile=/run/slurmd-%n.pid
SlurmdLogFile=/var/log/slurm/slurmd-%n.log
SlurmdSpoolDir=/var/spool/slurmd/%n
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStorageEnforce=associations,limits,qos,safe
TrackWCKey=yes
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=30
{counted}{extra}NodeName=n[1-2] NodeHostname=hpc NodeAddr=127.0.0.1 Port=[17001-17002] CPUs={cpus_per_node} RealMemory=256000{gres}
PartitionName=main Nodes=n[1-2] Default=YES DefaultTime=10 MaxTime=7-0 DefMemPerCPU=100 State=UP
"
        )
    }
}

/// `/etc/slurm/slurmdbd.conf`; MariaDB is reached by its socket, where the system user is the credential.
pub(crate) const SLURMDBD_CONF: &str = "AuthType=auth/munge
DbdHost=localhost
SlurmUser=slurm
LogFile=/var/log/slurm/slurmdbd.log
PidFile=/run/slurm/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageUser=slurm
StorageLoc=slurm_acct_db
TrackWCKey=yes
";

/// `/etc/slurm/cgroup.conf`: no control groups are used, but up to 23.02 the file must say which kind there is.
pub(crate) const fn cgroup_conf(slurm: SlurmVersion) -> &'static str {
    match slurm {
        SlurmVersion::V22_05 => "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n",
        SlurmVersion::V24_11 | SlurmVersion::V26_05 => "CgroupPlugin=disabled\n",
    }
}

/// MariaDB's settings: small, and as careless about power cuts as a throwaway host may be.
pub(crate) const MARIADB_CNF: &str = "[mariadbd]
skip-networking
skip-name-resolve
skip-log-bin
performance-schema=off
innodb-buffer-pool-size=128M
innodb-log-file-size=8M
innodb-flush-log-at-trx-commit=0
innodb-flush-method=nosync
innodb-lock-wait-timeout=900
init-file=/etc/mysql/slurm.sql
";

/// What slurmdbd needs to exist; run at every start of MariaDB.
pub(crate) const SLURM_SQL: &str = "CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON slurm_acct_db.* TO slurm@localhost;
";

/// Starts mariadbd without Debian's upgrade checks, which a fresh database does not need.
pub(crate) const MARIADB_UNIT: &str = "[Service]
ExecStart=
ExecStart=/usr/sbin/mariadbd
ExecStartPost=
";

/// Runs before slurmctld: waits for slurmdbd to answer and makes the cluster known to it.
pub(crate) const CLUSTER_READY: &str = "#!/bin/bash
# Waits for slurmdbd and registers the cluster, because slurmctld refuses to start without its record.
for _ in $(seq 600); do
    found=$(sacctmgr --noheader --parsable2 show cluster demo format=cluster 2>&1) && break
    sleep 0.05
done
[ \"$found\" = demo ] || exec sacctmgr --immediate --quiet add cluster demo
";

/// slurmctld starts after slurmdbd and only once the cluster is known there.
pub(crate) const SLURMCTLD_UNIT: &str = "[Unit]
After=slurmdbd.service
[Service]
ExecStartPre=/usr/local/sbin/cluster-ready
";

/// One slurmd per node name, several on one host.
pub(crate) const SLURMD_UNIT: &str = "[Unit]
Description=Slurm node daemon of %i
After=munge.service slurmctld.service
[Service]
ExecStartPre=/bin/mkdir -p /var/spool/slurmd/%i
ExecStart=/usr/sbin/slurmd -D -N %i
KillMode=process
Delegate=yes
LimitNOFILE=131072
[Install]
WantedBy=multi-user.target
";

/// The directory for the daemons' process numbers, which slurmctld writes as its own user; and what stands for GPUs.
pub(crate) fn tmpfiles() -> String {
    let gpus: String = (0..MOST_GPUS).map(|at| format!("f /run/gpus/gpu{at} 0666 root root -\n")).collect();
    format!("d /run/slurm 0755 slurm slurm -\nd /run/gpus 0755 root root -\n{gpus}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_plugin_and_extra_lines_then_they_stand_in_slurm_conf_before_the_nodes() {
        let shape =
            Shape { job_submit: Some("bursar".into()), extra: vec!["PriorityWeightQOS=1".into()], ..Shape::default() };
        let conf = shape.slurm_conf();
        assert!(conf.contains("\nJobSubmitPlugins=bursar\n"));
        assert!(conf.find("PriorityWeightQOS=1").unwrap() < conf.find("NodeName=").unwrap());
    }
}
