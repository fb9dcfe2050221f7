//! Recorded scontrol 22.05.8 output of a cluster with three partitions over two kinds of nodes.

use super::*;

const CONFIG: &str = "Configuration data as of 2026-11-22T04:33:08\nAccountingStorageEnforce = associations,limits,qos\n\
    ClusterName             = lab\nDefMemPerNode           = UNLIMITED\nEnforcePartLimits       = NO\n\
    JobSubmitPlugins        = lua,bursar\nMaxArraySize            = 1001\nMaxMemPerNode           = UNLIMITED\n\
    MinJobAge               = 300 sec\nOverTimeLimit           = 0 min\n\
    PluginDir               = /usr/lib/bursar/slurm:/usr/lib/x86_64-linux-gnu/slurm-wlm\n\
    SelectType              = select/cons_tres\nSelectTypeParameters    = CR_CORE_MEMORY\n\
    SlurmUser               = slurm(64030)\nSLURM_VERSION           = 22.05.8\n\nSlurmctld(primary) at lab is UP\n";
const PARTITIONS: &str = "PartitionName=main AllowGroups=ALL Default=YES QoS=N/A DefaultTime=NONE MaxNodes=UNLIMITED \
    MaxTime=UNLIMITED MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes=n[1-3] OverSubscribe=NO OverTimeLimit=NONE \
    State=UP TotalCPUs=48 TotalNodes=3 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerCPU=500 \
    MaxMemPerNode=UNLIMITED TRES=cpu=48,mem=96000M,node=3\n\
    PartitionName=short AllowGroups=ALL Default=NO QoS=N/A DefaultTime=00:10:00 MaxNodes=UNLIMITED MaxTime=02:00:00 \
    MaxCPUsPerNode=UNLIMITED Nodes=n[1-2] OverSubscribe=NO OverTimeLimit=5 State=UP TotalCPUs=16 TotalNodes=2 \
    SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerCPU=2000\n\
    PartitionName=excl AllowGroups=ALL Default=NO DefaultTime=NONE MaxNodes=2 MaxTime=1-00:00:00 \
    MaxCPUsPerNode=UNLIMITED OverSubscribe=EXCLUSIVE OverTimeLimit=NONE State=UP TotalCPUs=16 TotalNodes=2 \
    SelectTypeParameters=CR_SOCKET DefMemPerNode=1000 MaxMemPerNode=UNLIMITED\n";
const NODES: &str = "NodeName=n1 Arch=x86_64 CoresPerSocket=4  CPUAlloc=0 CPUEfctv=8 CPUTot=8 Gres=gpu:a100:2 \
    OS=Linux 6.18.44 #1 SMP PREEMPT_DYNAMIC @0  RealMemory=16000 Sockets=1 Boards=1 State=IDLE ThreadsPerCore=2 \
    Partitions=main,short,excl  CfgTRES=cpu=8,mem=16000M,billing=8,gres/gpu=2,gres/gpu:a100=2 AllocTRES=\n\
    NodeName=n3 Arch=x86_64 CoresPerSocket=8  CPUTot=32 RealMemory=64000 Sockets=2 ThreadsPerCore=2 Partitions=main  \
    CfgTRES=cpu=32,mem=62.50G,billing=32 AllocTRES=cpu=4,mem=3000M\n";

#[test]
fn given_recorded_output_then_what_bounds_a_job_is_read() {
    let facts = ClusterFacts::parse(CONFIG, PARTITIONS, NODES).unwrap();
    assert_eq!((facts.slurm_user.clone(), facts.max_array_size), (("slurm".to_owned(), 64_030), 1_001));
    assert_eq!((facts.over_time_limit, facts.min_job_age), (TimeLimit::Seconds(0), 300));
    assert_eq!(facts.job_submit_plugins, ["lua", "bursar"]);
    assert!(!facts.enforces_wckeys());
    let [main, short, excl] = facts.partitions.as_slice() else { panic!("three partitions") };
    assert!(main.is_default && !short.is_default);
    assert_eq!((main.max_time, main.default_time, main.max_nodes), (TimeLimit::Unlimited, TimeLimit::Unset, None));
    let largest = LargestNode {
        cpus: 32,
        cpus_per_socket: 16,
        threads_per_core: 2,
        memory_mb: 64_000,
        sockets: 2,
        gpus: 2,
        gpu_types: BTreeMap::from([("a100".to_owned(), 2)]),
    };
    assert_eq!(main.largest, largest);
    assert_eq!((short.default_time, short.max_time), (TimeLimit::Seconds(600), TimeLimit::Seconds(7_200)));
    assert_eq!((short.over_time_limit, short.max_memory), (TimeLimit::Seconds(300), Memory::PerCpu(2_000)));
    assert_eq!(facts.default_memory_in(short), Memory::Unlimited);
    assert_eq!((excl.exclusive, excl.max_nodes, excl.largest.cpus), (true, Some(2), 8));
    assert_eq!((facts.granule(main), facts.granule(excl)), (2, 8));
    assert_eq!(facts.default_memory_in(excl), Memory::PerNode(1_000));
}

#[test]
fn given_a_partition_without_a_value_then_the_error_names_both() {
    let error = ClusterFacts::parse(CONFIG, &PARTITIONS.replace(" MaxTime=UNLIMITED", ""), NODES).unwrap_err();
    assert!(error.to_string().starts_with("scontrol prints no usable MaxTime for main"), "{error}");
    let error = ClusterFacts::parse(&CONFIG.replace("SlurmUser", "Slurmuser"), PARTITIONS, NODES).unwrap_err();
    assert!(error.to_string().contains("SlurmUser for the cluster"), "{error}");
}

/// 26.05.5's lines, of partitions made by `OverSubscribe=EXCLUSIVE`, `ExclusiveUser=YES` and neither.
const PARTITIONS_26_05: &str = "PartitionName=excl AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL \
    Default=NO QoS=N/A DefaultTime=NONE DisableRootJobs=NO Exclusive=NODE GraceTime=0 Hidden=NO MaxNodes=UNLIMITED \
    MaxTime=UNLIMITED MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED Nodes=n[1-2] \
    PriorityJobFactor=1 PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF \
    State=UP TotalCPUs=16 TotalNodes=2 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED \
    MaxMemPerNode=UNLIMITED TRES=cpu=16,mem=500G,node=2,billing=16\n\
    PartitionName=xuser AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=NO QoS=N/A \
    DefaultTime=NONE DisableRootJobs=NO Exclusive=USER GraceTime=0 Hidden=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED \
    MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED Nodes=n[1-2] PriorityJobFactor=1 \
    PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=16 \
    TotalNodes=2 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED \
    TRES=cpu=16,mem=500G,node=2,billing=16\n\
    PartitionName=main AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A \
    DefaultTime=00:10:00 DisableRootJobs=NO Exclusive=NO GraceTime=0 Hidden=NO MaxNodes=UNLIMITED MaxTime=7-00:00:00 \
    MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED Nodes=n[1-2] PriorityJobFactor=1 \
    PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=16 \
    TotalNodes=2 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerCPU=100 MaxMemPerNode=UNLIMITED \
    TRES=cpu=16,mem=500G,node=2,billing=16\n";

#[test]
fn given_partitions_as_26_05_prints_them_then_those_of_whole_nodes_are_known() {
    // n2 has just been registered, n1 not yet.
    let nodes = "NodeName=n1 CoresPerSocket=1  CPUAlloc=0 CPUEfctv=8 CPUTot=8 CPULoad=0.00 Gres=(null) \
        NodeAddr=127.0.0.1 NodeHostName=hpc Port=17001  RealMemory=256000 AllocMem=0 FreeMem=N/A Sockets=8 Boards=1 \
        State=UNKNOWN ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A Partitions=main,excl,xuser  \
        BootTime=None SuspendTime=INFINITE CfgTRES=cpu=8,mem=250G,billing=8 AllocTRES= CurrentWatts=0 AveWatts=0\n\
        NodeName=n2 Arch=x86_64 CoresPerSocket=1  CPUAlloc=0 CPUEfctv=8 CPUTot=8 CPULoad=0.98 Gres=(null) \
        Port=17002 Version=26.05.5 OS=Linux 6.18.44 #1 SMP PREEMPT_DYNAMIC @0  RealMemory=256000 Sockets=8 Boards=1 \
        State=IDLE ThreadsPerCore=1 Partitions=main,excl,xuser  CfgTRES=cpu=8,mem=250G,billing=8 AllocTRES=\n";
    let facts = ClusterFacts::parse(CONFIG, PARTITIONS_26_05, nodes).unwrap();
    let exclusive: Vec<(&str, bool)> = facts.partitions.iter().map(|p| (p.name.as_str(), p.exclusive)).collect();
    assert_eq!(exclusive, [("excl", true), ("xuser", false), ("main", false)]);
    assert!(facts.partitions.iter().all(|partition| partition.largest.cpus == 8));
    let older = PARTITIONS.replace("PartitionName=main", "PartitionName=main ExclusiveUser=NO ExclusiveTopo=YES");
    assert!(ClusterFacts::parse(CONFIG, &older, NODES).unwrap().partitions[0].exclusive);
}
