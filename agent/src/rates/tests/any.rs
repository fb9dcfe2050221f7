//! What holds for any card and any month.

use proptest::prelude::*;

use super::*;

/// The text of some card with one or two versions.
fn any_card() -> impl Strategy<Value = String> {
    let pick = |words: &'static [&'static str]| prop::sample::select(words);
    let head = (pick(&["half-even", "half-up", "up", "down"]), pick(&["none", "all", "non-cpu"]), 0_u8..4);
    (head, any_version(1), prop::option::of(any_version(2)), 1_u8..28).prop_map(
        |((rounding, suspended, decimals), first, second, day)| {
            let second = second.map_or(String::new(), |text| {
                format!("[[version]]\nname = \"2\"\nfrom = 2026-06-{day:02}T09:15:00\ncurrency = \"EUR\"\n{text}")
            });
            format!(
                "rounding = \"{rounding}\"\nsuspended = \"{suspended}\"\n[[currency]]\ncode = \"EUR\"\n\
                 decimals = {decimals}\n[[currency]]\ncode = \"SU\"\ndecimals = 3\n[[version]]\nname = \"1\"\n\
                 from = 2010-01-01\ncurrency = \"EUR\"\n{first}{second}"
            )
        },
    )
}

fn any_version(number: u8) -> impl Strategy<Value = String> {
    let rates = (any_rate(), any_rate(), any_rate(), any_rate(), 1_u32..600, 1_u32..600);
    let pick = |words: &'static [&'static str]| prop::sample::select(words);
    let settings = (
        pick(&["", "combine = \"max\"\n", "combine = [\"cpu\", \"memory\"]\n"]),
        pick(&[
            "",
            "whole-nodes = \"several\"\nnode = { cpu = 16, memory = \"64GB\" }\n",
            "whole-nodes = \"always\"\n",
        ]),
        pick(&["", "minimum = \"0.7\"\n", "minimum-seconds = 900\n", "granularity-seconds = 60\n"]),
        pick(&["", "refund = { NODE_FAIL = \"100\", PREEMPTED = \"33.3\" }\n"]),
        pick(&[
            "",
            "by-size = [{ up-to = 4, factor = \"1.25\" }, { up-to = 8, factor = \"1.1\" }, { factor = \"0.9\" }]\n",
        ]),
    );
    let rules = prop::collection::vec(
        (
            pick(&[
                "during = \"night\"",
                "during = \"weekend\"",
                "partition = \"gpu\"",
                "qos = \"high\"",
                "account = [\"a0\", \"a2\"]",
                "cost-center = \"k1\"",
                "feature = \"fat\"",
                "partition = \"gpu\"\nqos = \"high\"",
                "during = [\"night\", \"weekend\"]\npartition = \"main\"",
            ]),
            pick(&[
                "factor = \"1.5\"",
                "factor = \"0\"",
                "discount = \"12.5\"",
                "rates.cpu-hour = \"0.077\"",
                "rates.gpu-hour = \"3.1\"",
                "factor = \"0.333333\"\ndiscount = \"33\"",
            ]),
        ),
        0..5,
    );
    let pools = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        pick(&["America/New_York", "Australia/Lord_Howe", "Asia/Beirut"]),
    );
    (rates, settings, rules, pools).prop_map(move |(rates, settings, rules, (allowance, units, hours, zone))| {
        let (cpu, memory, gpu, typed, after, later) = rates;
        let (combine, whole, least, refund, sizes) = settings;
        let mut text = format!(
            "{combine}{whole}{least}{refund}{sizes}[version.rates]\n\
             cpu-hour = {{ rate = \"{cpu}\", by-volume = [{{ after = {after}, rate = \"0.003\" }}, \
             {{ after = {}, rate = \"0.001\" }}] }}\n\
             memory-gb-hour = {{ rate = \"{memory}\", included = {{ cpu = \"1GB\" }}, per = \"380GB/47\" }}\n\
             gpu-hour = \"{gpu}\"\na100-gpu-hour = {{ rate = \"{typed}\", currency = \"SU\" }}\n\
             storage.work-tb-hour = \"0.013\"\n\
             [[version.window]]\nname = \"night\"\nopen = \"daily 22:00-06:30\"\n\
             [[version.window]]\nname = \"weekend\"\nopen = [\"sat-sun 00:00-24:00\"]\ntime-zone = \"{zone}\"\n",
            after + later
        );
        let mut seen: Vec<&str> = Vec::new();
        for (condition, setting) in rules {
            // Two rules with the same conditions are refused.
            if !seen.contains(&condition) {
                text.push_str(&format!("[[version.rule]]\n{condition}\n{setting}\n"));
                seen.push(condition);
            }
        }
        if allowance {
            text.push_str("[[version.allowance]]\ntres = \"cpu\"\nhours = \"77.5\"\n");
        }
        if units {
            text.push_str(&format!(
                "[[version.reserved]]\nname = \"u{number}\"\naccount = \"a1\"\ntres = \"cpu\"\nunits = 9\nprice = \"12.345\"\n"
            ));
        }
        if hours {
            text.push_str("[[version.reserved]]\nname = \"h\"\naccount = \"a0\"\ntres = \"memory\"\nhours = 500\nprice = 7\n");
        }
        text
    })
}

fn any_rate() -> impl Strategy<Value = String> {
    (0_u32..3, 0_u64..1_000_000_000).prop_map(|(whole, rest)| format!("{whole}.{rest:09}"))
}

/// Some run around June 2026.
fn any_run() -> impl Strategy<Value = Consumption> {
    let who = (0_u32..4, 0_u32..3, 0_u32..2);
    let pick = |words: &'static [&'static str]| prop::sample::select(words);
    let place = (
        pick(&["main", "gpu"]),
        pick(&["normal", "high"]),
        pick(&["COMPLETED", "NODE_FAIL", "PREEMPTED", "RUNNING"]),
        any::<bool>(),
    );
    let time = (-900_000_i64..2_600_000, 0_u64..900_000, prop_oneof![Just(0), 0_u64..500_000]);
    let held = (1_u64..3, 0_u64..33, 0_u64..90_000, 0_u64..5, 0_u64..3);
    (0_u32..200, who, place, time, held).prop_map(
        |(jobid, (user, account, cost_center), (partition, qos, state, fat), (start, length, suspended), held)| {
            let (nodes, cpus, mib, gpus, typed) = held;
            let mut run =
                run(0).cpus(cpus).with("mem", mib).with("gres/gpu", gpus.max(typed)).with("gres/gpu:a100", typed);
            run.start = Timestamp(june().start.0 + start);
            run.end = run.start.plus(length);
            run.suspended_s = suspended;
            run.key = RunKey { jobid, submitted_at: run.start, ..run.key };
            (run.user, run.uid) = (format!("u{user}").into(), Some(70_000 + user));
            (run.account, run.cost_center) = (format!("a{account}").into(), format!("k{cost_center}").into());
            if fat {
                run.features.push("fat".into());
            }
            run.partition(partition).qos(qos).ended(state).on(nodes)
        },
    )
}

fn any_storage() -> impl Strategy<Value = StorageUse> {
    let samples = prop::collection::btree_map(0_i64..2_592_000, 0_u64..50_000_000_000_000, 0..12);
    (0_u32..3, samples, 0_u64..2_700_000).prop_map(|(account, samples, as_of)| StorageUse {
        account: format!("a{account}"),
        cost_center: "k0".into(),
        user: "u0".into(),
        uid: Some(70_000),
        place: "work".into(),
        samples: samples.into_iter().map(|(at, bytes)| (Timestamp(june().start.0 + at), bytes)).collect(),
        as_of: june().start.plus(as_of),
    })
}

/// How much was held of what under which rules, whatever paid for it.
fn held(bill: &Bill) -> BTreeMap<Charged, i128> {
    let mut sums = BTreeMap::new();
    for line in &bill.lines {
        let kind = match &line.of.kind {
            Kind::Usage | Kind::Storage | Kind::Allowance | Kind::ReservedUse(_) => Kind::Usage,
            kind @ (Kind::Minimum | Kind::Reservation) => kind.clone(),
            Kind::Idle | Kind::Refund(_) => continue,
        };
        let of = Charged { kind, rate: UnitRate(0), ..line.of.clone() };
        *sums.entry(of).or_default() += line.quantity;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn given_any_card_and_month_then_sums_agree_and_neither_order_nor_cuts_change_anything(
        text in any_card(),
        runs in prop::collection::vec(any_run(), 0..16),
        stored in prop::collection::vec(any_storage(), 0..3),
        order in any::<u64>(),
        cuts in prop::collection::btree_set(1_u64..2_591_999, 0..6),
    ) {
        let card = card(&text);
        let whole = bill(&card, june(), &runs, &stored).unwrap();

        // Everything is a sum of the same rounded lines.
        let totals = whole.totals();
        for (currency, total) in &totals {
            let lines = whole.lines.iter().filter(|line| line.of.currency == *currency);
            prop_assert_eq!(lines.map(|line| i128::from(line.amount)).sum::<i128>(), *total);
            let sum = |sums: BTreeMap<(String, String), i128>| -> i128 {
                sums.iter().filter(|((code, _), _)| code == currency).map(|(_, amount)| *amount).sum()
            };
            prop_assert_eq!(sum(whole.sums(|of| of.user.clone())), *total);
            prop_assert_eq!(sum(whole.sums(|of| of.account.clone())), *total);
            prop_assert_eq!(sum(whole.sums(|of| of.cost_center.clone())), *total);
        }
        for line in &whole.lines {
            let back = matches!(line.of.kind, Kind::Refund(_));
            prop_assert!(if back { line.amount <= 0 } else { line.amount >= 0 }, "{:?}", line);
            prop_assert!(back || line.amount <= line.list_amount, "{:?}", line);
        }

        // Neither the order of what comes in nor that something comes twice.
        let mut shuffled: Vec<Consumption> = runs.iter().chain(runs.iter().take(2)).cloned().collect();
        shuffled.sort_by_key(|run| (u64::from(run.key.jobid) + 7).wrapping_mul(order | 1).rotate_left(17));
        let mut turned = stored.clone();
        turned.reverse();
        prop_assert_eq!(&bill(&card, june(), &shuffled, &turned).unwrap(), &whole);

        // Nor where time is cut.
        let edges: Vec<Timestamp> = std::iter::once(june().start)
            .chain(cuts.iter().map(|cut| june().start.plus(*cut)))
            .chain([june().end])
            .collect();
        let mut parts: BTreeMap<Charged, i128> = BTreeMap::new();
        let mut unmeasured = 0;
        for edge in edges.windows(2) {
            let part = bill(&card, Period { start: edge[0], end: edge[1] }, &runs, &stored).unwrap();
            unmeasured += part.unmeasured.iter().map(|one| one.seconds).sum::<u64>();
            for (of, quantity) in held(&part) {
                *parts.entry(of).or_default() += quantity;
            }
        }
        prop_assert_eq!(parts, held(&whole));
        prop_assert_eq!(unmeasured, whole.unmeasured.iter().map(|one| one.seconds).sum::<u64>());

        // And what was issued and its corrections are what would be issued now.
        let issued = bill(&card, june(), runs.get(1..).unwrap_or_default(), &[]).unwrap();
        let later = corrections(&issued.lines, &whole.lines, june());
        let sum = |lines: &[Line]| lines.iter().map(|line| i128::from(line.amount)).sum::<i128>();
        prop_assert_eq!(sum(&issued.lines) + sum(&later), sum(&whole.lines));
    }

    #[test]
    fn given_any_run_then_it_is_cut_into_pieces_that_are_it_and_say_what_holds(
        text in any_card(), run in any_run(), instants in prop::collection::vec(0_u64..2_592_000, 1..20),
    ) {
        let card = card(&text);
        let timeline = card.timeline(june()).unwrap();
        let pieces = timeline.split(&run);
        let length: u64 = pieces.iter().map(|piece| piece.time.length()).sum();
        prop_assert_eq!(length, june().overlap(run.start, run.end));
        prop_assert!(pieces.windows(2).all(|pair| pair[0].time.end == pair[1].time.start));
        for instant in instants.into_iter().map(|after| june().start.plus(after)) {
            let Some(piece) = pieces.iter().find(|piece| piece.time.contains(instant)) else {
                prop_assert!(instant < run.start || run.end <= instant);
                continue;
            };
            let position = card.versions.iter().rposition(|version| version.from <= instant);
            prop_assert_eq!(piece.version, position);
            for (at, window) in card.versions[position.unwrap()].windows.iter().enumerate() {
                prop_assert_eq!(piece.open >> at & 1 == 1, window.schedule.is_open(instant).unwrap());
            }
        }
    }
}
