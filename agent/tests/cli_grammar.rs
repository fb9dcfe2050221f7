//! The grammar: what each command line becomes, and what is refused with which words.

use bursar_agent::cli::entity::{Entity, Report};
use bursar_agent::cli::grammar::{Command, Invocation, UsageError, Verb, parse};
use bursar_agent::cli::offline::Check;
use bursar_agent::cli::options::Style;
use bursar_agent::wire::{Change, Request};

/// Splits like a shell without quotes; `_` in a word stands for a blank.
fn line(text: &str) -> Result<Invocation, UsageError> {
    let words: Vec<String> =
        text.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace('_', " ")).collect();
    parse(&words)
}

fn request(text: &str) -> Request {
    match line(text) {
        Ok(Invocation { command: Command::Ask(request, _), .. }) => request,
        other => panic!("{text}: {other:?}"),
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(&request(text)).expect("a request is JSON")
}

#[test]
fn given_any_spelling_of_a_command_then_it_is_the_same_request() {
    for (short, long) in [
        ("SHOW User", "show user"),
        ("list person", "show user"),
        ("sh us ana,ben", "show user where user=ana,ben"),
        ("show users name=ana user=ben", "show user user=ana,ben"),
        ("show user WHERE State=act", "show user state=active"),
        ("show job 17", "show run job=17"),
        ("cre gra us=ana ro=comp acc=physics", "add grant user=ana role=compute-user account=physics"),
        ("remove grant 12", "delete grant where id=12"),
        ("mod limit user=ana SET CpuHoursPerDay=100", "modify limit where user=ana set cpu-hours-per-day=100"),
        ("bal ana", "balance user=ana"),
        ("rep us start=today tree", "report usage start=today tree"),
        ("rep cost account=physics", "report cost-centres account=physics"),
        ("report untagged", "report cost-centres"),
        ("rep wai by=prio,mon", "report waits by=priority,month"),
        ("rep peak by=part", "report peaks by=partition"),
        ("ex j us=ana cpus=4", "explain job user=ana cpus=4"),
        ("sy --dry", "sync --dry-run"),
    ] {
        assert_eq!(request(short), request(long), "{short} | {long}");
    }
}

#[test]
fn given_a_command_then_its_request_says_all_of_it() {
    insta::assert_snapshot!(
        json("show grant where user=ana,ben state=active format=id,role%-20,until"),
        @r#"{"show":{"entity":"grant","query":{"where":[["user",["ana","ben"]],["state",["active"]]],"fields":["id","role","until"],"flags":[]}}}"#
    );
    insta::assert_snapshot!(
        json("add grant user=ana role=observer until=now+30days reason=thesis,_until_May"),
        @r#"{"change":{"change":{"verb":"add","entity":"grant","set":[["user",["ana"]],["role",["observer"]],["until",["now+30days"]],["reason",["thesis, until May"]]]},"dry_run":false}}"#
    );
    insta::assert_snapshot!(
        json("modify account physics set description= parent=science"),
        @r#"{"change":{"change":{"verb":"modify","entity":"account","where":[["account",["physics"]]],"set":[["description",[]],["parent",["science"]]]},"dry_run":false}}"#
    );
    insta::assert_snapshot!(
        json("delete limit where default=guest limit=cpu-hours-per-d reason=too_low"),
        @r#"{"change":{"change":{"verb":"delete","entity":"limit","where":[["default",["guest"]],["limit",["cpu-hours-per-day"]]],"set":[["reason",["too low"]]]},"dry_run":false}}"#
    );
    insta::assert_snapshot!(
        json("report completion by=qos start=today format=runs"),
        @r#"{"report":{"kind":"completion","query":{"where":[["by",["qos"]],["start",["today"]]],"fields":["runs"],"flags":[]}}}"#
    );
    insta::assert_snapshot!(
        json("sync --accept-drop"),
        @r#"{"sync":{"dry_run":false,"accept_drop":true,"fields":["action","object","detail"]}}"#
    );
}

#[test]
fn given_options_anywhere_then_they_mean_the_same() {
    for text in ["-nP show user", "show -n user -P", "show user --NoHeader --parsable2", "-n show user -P"] {
        let options = line(text).expect(text).options;
        assert!(options.no_header, "{text}");
        assert_eq!(options.style, Style::Parsable { trailing: false }, "{text}");
    }
    for text in ["report usage -tHours", "report usage -t hours", "report usage --time-format=h", "-tH report usage"] {
        assert_eq!(line(text).expect(text).options.unit.show(5_400), "1.50", "{text}");
    }
    let words = line("check config -- -odd-name").expect("a file behind --").command;
    assert_eq!(words, Command::Check(Check::Config, vec!["-odd-name".into()]));
}

#[test]
fn given_a_command_that_needs_no_daemon_then_it_is_known_as_such() {
    for (text, command) in [
        ("help", Command::Help(None, None)),
        ("-h", Command::Help(None, None)),
        ("show -h", Command::Help(Some(Verb::Show), None)),
        ("show grant nonsense=1 -h", Command::Help(Some(Verb::Show), Some(Entity::Grant))),
        ("help modify limit", Command::Help(Some(Verb::Modify), Some(Entity::Limit))),
        ("help report usage", Command::Help(Some(Verb::Report), None)),
        ("report waits --explain", Command::Define(Report::Waits, vec![])),
        ("version", Command::Version),
        ("show -V", Command::Version),
        ("check plugin", Command::Check(Check::Plugin, vec![])),
        ("check start", Command::Check(Check::Start, vec![])),
        ("check slurm", Command::Check(Check::Slurm, vec![])),
    ] {
        assert_eq!(line(text).expect(text).command, command, "{text}");
    }
}

#[test]
fn given_a_line_that_makes_no_sense_then_it_is_refused_with_what_would() {
    let mut told = String::new();
    for text in [
        "",
        "frobnicate",
        "s",
        "re usage",
        "show",
        "show flower",
        "show a",
        "show user colour=red",
        "show grant g=x",
        "show user format=user,size",
        "show user format=user%0",
        "show user format=user%3x",
        "show user format=",
        "show user state=gone",
        "show user user=",
        "show user user=a,,b",
        "show user set",
        "show limit ana",
        "show run start=garbage",
        "explain job user=ana user=ben",
        "explain job cpus=3x",
        "add user name=ana",
        "add grant user=ana",
        "add grant where user=ana",
        "add account",
        "modify grant set until=never",
        "modify grant id=1",
        "modify grant id=1 set user=ben",
        "modify limit user=ana set running-jobs=3x",
        "modify limit user=ana set running-jobs=3 5",
        "delete grant",
        "delete run job=1",
        "report money",
        "explain",
        "status now",
        "version 2",
        "--frob show user",
        "-x show user",
        "-t bogus report usage",
        "show user --explain",
        "report co",
        "report peaks by=day",
        "show user -t",
        "--json=yes show user",
        "--p show user",
        "--dry-run show user",
    ] {
        let error = line(text).expect_err(text);
        told.push_str(&format!("{text}\n    {error}\n"));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn given_an_argument_with_a_control_character_then_nothing_of_it_is_used() {
    for argument in ["user=ana\u{1b}[2J", "user=ana\nben", "user=\u{85}", "\0"] {
        let arguments = ["show".to_owned(), "user".to_owned(), argument.to_owned()];
        let error = parse(&arguments).expect_err("a control character").to_string();
        assert!(error.starts_with("an argument has the control character \\u{"), "{error}");
    }
}

#[test]
fn given_a_request_that_no_command_line_makes_then_the_check_refuses_it() {
    for (text, why) in [
        (
            r#"{"show":{"entity":"user","query":{"where":[["nosuch",["x"]]],"fields":["user"]}}}"#,
            "`nosuch` is not a key",
        ),
        (
            r#"{"show":{"entity":"user","query":{"where":[["user",["a\u001b[2J"]]],"fields":["user"]}}}"#,
            "control character",
        ),
        (r#"{"show":{"entity":"user","query":{"where":[],"fields":["size"]}}}"#, "`size` is not a field"),
        (r#"{"show":{"entity":"user","query":{"fields":["user"],"flags":["tree"]}}}"#, "`tree` is not a word"),
        (
            r#"{"show":{"entity":"user","query":{"where":[["user",["a"]],["user",["b"]]],"fields":["user"]}}}"#,
            "given twice",
        ),
        (r#"{"change":{"change":{"verb":"delete","entity":"grant","where":[]},"dry_run":false}}"#, "needs a condition"),
        (
            r#"{"change":{"change":{"verb":"delete","entity":"audit","where":[["actor",["me"]]]},"dry_run":false}}"#,
            "does not apply",
        ),
        (
            r#"{"change":{"change":{"verb":"add","entity":"grant","set":[["until",["soon"]],["role",["observer"]]]},"dry_run":false}}"#,
            "is not a time",
        ),
    ] {
        let request: Request = serde_json::from_str(text).expect(text);
        let error = request.checked().expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn given_a_checked_request_then_checking_it_again_changes_nothing() {
    for text in [
        "show grant user=ana,ben state=act,rev",
        "modify limit user=ana set cpu-hours-per-day=1:30 reason=a,b",
        "modify account physics set description=",
        "add grant group=pi role=cluster until=uts1773943200",
        "report usage start=2026-03-01 end=now tree format=user",
        "report corrections start=2026-03-01 account=physics",
    ] {
        let once = request(text);
        assert_eq!(once.clone().checked(), Ok(once), "{text}");
    }
}

#[test]
fn given_only_a_change_then_it_is_a_request_that_asks_first() {
    for (text, asks) in [("show user", false), ("sync", false), ("delete grant 1", true), ("status", false)] {
        assert_eq!(request(text).asks_first(), asks, "{text}");
    }
    let Request::Change { change: Change::Modify { filter, set, .. }, .. } =
        request("modify limit user=ana,ben set running-jobs=-1 cpu-hours-per-week=1:30")
    else {
        panic!("a modify");
    };
    assert_eq!(filter.list("user"), ["ana", "ben"]);
    assert_eq!(set.job_limit("running-jobs"), Some(bursar_agent::cli::amount::LimitValue::Cleared));
    assert_eq!(set.cpu_limit("cpu-hours-per-week"), Some(bursar_agent::cli::amount::LimitValue::AtMost(5_400)));
    assert!(!set.has("queued-jobs"));
}
