//! The check on Slurm's own plugin, as installed, and on made-up configurations.

use super::*;

fn bursar(version: u32) -> ElfFacts {
    ElfFacts {
        plugin_type: Some("job_submit/bursar".into()),
        plugin_version: Some(version),
        defined: EXPORTS.iter().map(|name| (*name).to_owned()).collect(),
        ..ElfFacts::default()
    }
}

#[test]
fn given_another_micro_version_then_the_finding_is_fatal_and_names_both() {
    let slurmctld = SlurmVersion::parse("slurm-wlm 22.05.8\n").unwrap();
    assert_eq!(slurmctld, SlurmVersion(0x16_05_08));
    assert_eq!(judge_symbols(&bursar(0x16_05_08), slurmctld), []);
    let findings = judge_symbols(&bursar(0x16_05_09), slurmctld);
    assert!(findings[0].is_fatal());
    assert!(findings[0].to_string().starts_with("the plugin is built for Slurm 22.05.9 and slurmctld is 22.05.8"));
    assert_eq!(SlurmVersion::parse("slurm 25.11.0-rc1"), Some(SlurmVersion(0x19_0b_00)));
    assert_eq!(SlurmVersion::parse("slurm"), None);
    let mut partial = bursar(0x16_05_08);
    partial.defined.remove("job_modify");
    assert_eq!(judge_symbols(&partial, slurmctld), [Finding::MissingSymbol("job_modify")]);
}

#[test]
fn given_a_slurm_conf_then_directory_name_and_order_are_judged() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let plugin = dir.path().join(PLUGIN_FILE);
    std::fs::write(&plugin, "").unwrap();
    let here = dir.path().display();
    let conf = format!(
        "# PluginDir=/x\nplugindir={here}:/usr/lib/slurm # ours first\nJobSubmitPlugins=lua,job_submit/bursar\n"
    );
    assert_eq!(judge_conf(&conf, &plugin), []);
    assert_eq!(
        judge_conf(&conf.replace("lua,job_submit/bursar", "bursar,lua"), &plugin),
        [Finding::NotLast { after: vec!["lua".into()] }]
    );
    assert_eq!(
        judge_conf("ClusterName=x\n", &plugin),
        [Finding::NotInPluginDir { dirs: vec![] }, Finding::NotConfigured { plugins: vec![] }]
    );
    let first = other.path().join(PLUGIN_FILE);
    std::fs::write(&first, "").unwrap();
    let shadowed = conf.replace(&format!("plugindir={here}"), &format!("PluginDir={}:{here}", other.path().display()));
    assert_eq!(judge_conf(&shadowed, &plugin), [Finding::Shadowed { by: first }]);
}

#[tokio::test]
async fn given_a_slurm_conf_without_bursar_then_no_plugin_keeps_slurmctld_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let slurm_conf = dir.path().join("slurm.conf");
    let paths = PluginPaths { plugin: "/nowhere.so".into(), slurm_conf, ..PluginPaths::default() };
    std::fs::write(&paths.slurm_conf, "JobSubmitPlugins=lua\n").unwrap();
    let findings = check_start(&paths).await.unwrap();
    assert_eq!(findings, [Finding::NotConfigured { plugins: vec!["lua".into()] }]);
    assert!(findings[0].is_fatal() && !findings[0].ends_slurmctld());
    std::fs::write(&paths.slurm_conf, "JobSubmitPlugins=lua,bursar\n").unwrap();
    assert!(matches!(check_start(&paths).await, Err(CheckError::Elf(_))));
}

#[tokio::test]
async fn given_slurms_own_plugin_then_it_links_with_slurmctld_and_is_told_apart_from_bursars() {
    let own = Path::new("/usr/lib/x86_64-linux-gnu/slurm-wlm/job_submit_throttle.so");
    let dir = tempfile::tempdir().unwrap();
    let slurm_conf = dir.path().join("slurm.conf");
    std::fs::write(&slurm_conf, "PluginDir=/nowhere\n").unwrap();
    let paths = PluginPaths { plugin: own.to_owned(), slurm_conf, ..PluginPaths::default() };
    let findings = check(&paths).await.unwrap();
    assert_eq!(findings[0], Finding::NotThePlugin { plugin_type: Some("job_submit/throttle".into()) });
    assert!(findings.iter().all(Finding::is_fatal), "{findings:?}");
    assert!(!findings.iter().any(|finding| matches!(finding, Finding::UndefinedSymbol(_))), "{findings:?}");
    let version = slurmctld_version(&paths.slurmctld).await.unwrap();
    assert_eq!(ElfFacts::read(own).unwrap().plugin_version.map(SlurmVersion), Some(version));

    let mut wanting = ElfFacts::read(own).unwrap();
    wanting.undefined.insert("slurm_no_such_function".into());
    wanting.needed.push("libnosuch.so.1".into());
    assert_eq!(
        judge_links(&wanting, &paths).unwrap(),
        [Finding::LibraryMissing("libnosuch.so.1".into()), Finding::UndefinedSymbol("slurm_no_such_function".into())]
    );
}
