use std::cell::RefCell;

use bursar_policy::reason::{Counted, Within};
use bursar_policy::{AccountName, PeriodKind};

use super::*;
use crate::ffi::sample::Sample;

const NOW: Timestamp = Timestamp(1_800_000_000);
const SLURM: u32 = 64_030;

/// Answers what it was told to and remembers what it was asked.
struct Scripted {
    answer: Answer,
    asked: RefCell<Vec<String>>,
}

impl Bench for Scripted {
    fn submit(&self, request: &Request<'_>, _: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        self.asked.borrow_mut().push(format!("submit of {}", request.uid));
        log(Severity::Warning, "judged");
        self.answer.clone()
    }

    fn modify(&self, edit: &Edit<'_>, editor: u32, _: Timestamp, _: &mut dyn FnMut(Severity, &str)) -> Answer {
        self.asked.borrow_mut().push(format!("update of {} by {editor}", edit.job));
        self.answer.clone()
    }
}

fn plugin(answer: Answer) -> Plugin<Scripted> {
    // Tests that share a thread share its log.
    drop(log::tests::taken());
    let bench = Scripted { answer, asked: RefCell::default() };
    Plugin { bench: Some(bench), contact: "Ask hpc@example.org.".into(), slurm_uid: SLURM }
}

fn asked(plugin: &Plugin<Scripted>) -> Vec<String> {
    plugin.bench.as_ref().unwrap().asked.take()
}

fn refusal(code: Code) -> Answer {
    Answer::Refuse { code, text: "no".into() }
}

#[test]
fn given_root_or_slurm_user_as_owner_then_the_job_enters_unjudged_and_the_log_says_so() {
    let plugin = plugin(refusal(Code::NoGrant));
    for uid in [0, SLURM] {
        assert_eq!(plugin.submit(&Sample::sbatch(uid).desc(), NOW), Outcome::ADMITTED);
        let lines = log::tests::taken();
        assert!(
            matches!(&lines[..], [(false, line)] if line.contains(&format!("uid {uid} is not judged"))),
            "{lines:?}"
        );
    }
    assert!(asked(&plugin).is_empty());
}

#[test]
fn given_no_node_conf_then_all_but_the_excepted_are_refused() {
    drop(log::tests::taken());
    let fault = NodeConf::parse(std::path::Path::new("node.conf"), "nonsense").map(|_| NodeConf::default());
    let plugin = Plugin::new(fault, SLURM, NOW);
    let lines = log::tests::taken();
    assert!(matches!(&lines[..], [(true, line)] if line.contains("node.conf:1: ")), "{lines:?}");
    assert_eq!(plugin.submit(&Sample::sbatch(0).desc(), NOW).rc, 0);
    let outcome = plugin.submit(&Sample::sbatch(70_001).desc(), NOW);
    assert_eq!(outcome.rc, 2002);
    assert!(outcome.text.unwrap().contains("BSR-100"));
    let hold = Sample::untouched().with(|raw| raw.priority = 0).text(|raw| &mut raw.job_id_str, "7");
    assert_eq!(plugin.modify(&hold.desc(), 70_001, NOW).rc, 0);
    let longer = hold.with(|raw| raw.time_limit = 600);
    assert_eq!(plugin.modify(&longer.desc(), 70_001, NOW).rc, 2002);
}

#[test]
fn given_every_code_then_slurms_number_fits_it_and_never_makes_the_client_try_again() {
    for code in Code::ALL {
        let outcome = plugin(refusal(code)).submit(&Sample::sbatch(70_001).desc(), NOW);
        assert_eq!(outcome.text.as_deref(), Some("no"));
        assert!(![0, -1, 11, 2007, 2016, 2059].contains(&outcome.rc), "{code}: {}", outcome.rc);
    }
    for (code, expected) in [
        (Code::Unavailable, 2002),
        (Code::GrantExpired, 2002),
        (Code::AccountNotGranted, 2045),
        (Code::NoTimeLimit, 8000),
        (Code::Consumed(Counted::Money, Within::Grant), 2050),
        (Code::QueueNotGranted, 2066),
        (Code::CostCenterMissing, 2057),
        (Code::WindowClosed, 2002),
        (Code::WindowTooShort, 2051),
    ] {
        assert_eq!(plugin(refusal(code)).submit(&Sample::sbatch(70_001).desc(), NOW).rc, expected, "{code}");
    }
}

#[test]
fn given_an_account_in_the_verdict_then_it_is_written_only_where_none_was_named() {
    let plugin = plugin(Answer::Admit {
        account: Some(AccountName::new("physics").unwrap()),
        qos: Some("normal".into()),
        cost_center: Some("cc-1".into()),
        begin_at: None,
        text: Some("this job may cost 1.00 EUR".into()),
    });
    let written = |account: Option<&str>, qos: Option<&str>, cost_center: Option<&str>| {
        let [account, qos, cost_center] = [account, qos, cost_center].map(|text| text.map(str::to_owned));
        Written { account, qos, cost_center, begin_at: None }
    };
    let all = written(Some("physics"), Some("normal"), Some("cc-1"));
    let bare = plugin.submit(&Sample::sbatch(70_001).desc(), NOW);
    assert_eq!((bare.rc, bare.text.as_deref()), (0, Some("this job may cost 1.00 EUR")));
    assert_eq!(bare.written, all);
    let empty = Sample::sbatch(70_001).text(|raw| &mut raw.account, "").text(|raw| &mut raw.qos, "");
    assert_eq!(plugin.submit(&empty.desc(), NOW).written, all);
    let named = Sample::sbatch(70_001).text(|raw| &mut raw.account, "Physics").text(|raw| &mut raw.wckey, "x");
    assert_eq!(plugin.submit(&named.desc(), NOW).written, written(None, Some("normal"), None));
}

#[test]
fn given_a_begin_in_the_verdict_then_it_is_written_into_jobs_and_updates_whatever_they_say() {
    let opening = Timestamp(NOW.0 + 3_600);
    let Answer::Admit { account, qos, cost_center, .. } = Answer::ADMITTED else { panic!("a refusal") };
    let text = Some("later".to_owned());
    let plugin = plugin(Answer::Admit { account, qos, cost_center, begin_at: Some(opening), text });
    let outcome = plugin.submit(&Sample::sbatch(70_001).with(|raw| raw.begin_time = NOW.0).desc(), NOW);
    assert_eq!((outcome.rc, outcome.text.as_deref()), (0, Some("later")));
    assert_eq!(outcome.written.begin_at, Some(opening.0));
    let release = Sample::untouched().with(|raw| raw.priority = 0xffff_ffff).text(|raw| &mut raw.job_id_str, "7");
    let outcome = plugin.modify(&release.desc(), 70_001, NOW);
    assert_eq!((outcome.rc, outcome.text.as_deref()), (0, Some("later")));
    assert_eq!(outcome.written, Written { begin_at: Some(opening.0), ..Written::default() });
}

#[test]
fn given_a_request_that_cannot_be_read_then_it_is_refused_with_code_and_contact() {
    let plugin = plugin(Answer::ADMITTED);
    let sample = Sample::sbatch(70_001).text(|raw| &mut raw.account, *b"\xff");
    let outcome = plugin.submit(&sample.desc(), NOW);
    assert_ne!(outcome.rc, 0);
    assert_eq!(
        outcome.text.as_deref(),
        Some("the account of the request is not valid UTF-8\nBSR-170: Ask hpc@example.org.")
    );
    assert!(asked(&plugin).is_empty());
}

#[test]
fn given_an_update_then_the_sender_decides_and_not_what_the_description_claims() {
    let plugin = plugin(refusal(Code::Consumed(Counted::Cpu, Within::Period(PeriodKind::Day))));
    let longer =
        Sample::untouched().with(|raw| (raw.time_limit, raw.user_id) = (600, 0)).text(|raw| &mut raw.job_id_str, "7");
    assert_eq!(plugin.modify(&longer.desc(), 70_001, NOW).rc, 2050);
    assert_eq!(asked(&plugin), ["update of 7 by 70001"]);
    assert_eq!(plugin.modify(&longer.desc(), 0, NOW).rc, 0);
    assert_eq!(plugin.modify(&longer.desc(), SLURM, NOW).rc, 0);
    assert!(asked(&plugin).is_empty());
    let lines = log::tests::taken();
    assert!(lines.len() == 2 && lines[0].1.contains("update of job 7 by uid 0"), "{lines:?}");
}
