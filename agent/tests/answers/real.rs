//! How the runs of a real dump fared, against figures that were counted from its lines without any of this code: each
//! percentile from a sorted list, each peak from an array of all seconds.

use super::imports::{FIELDS, Served, phillips};

#[tokio::test(flavor = "multi_thread")]
async fn given_a_real_dump_then_waits_outcomes_and_peaks_are_those_of_a_count_by_other_means() {
    let served = Served::new().await;
    let log = phillips().join("sacct.log").display().to_string();
    let import = ["-nP", "import", "usage", &log, FIELDS, "time-zone=UTC", "format=rows"];
    assert_eq!(served.told(&import).await, "4285\n");
    let report = |what: &'static str, more: &'static [&'static str]| {
        let period = ["cluster=phillips", "start=2016-12-22", "end=2017-01-02", "time-zone=UTC"];
        [&["-nP", "-tSeconds", "report", what][..], &period, more].concat()
    };
    let waits = served.told(&report("waits", &["by=partition"])).await;
    assert_eq!(
        waits,
        "black|3999|15546|33962|34231|37329|15546|33962|34231|37329|0|\n\
         crumpet|34|0|1|2|2|0|1|2|2|0|\n\
         focaccia|13|1|919|1140|1140|1|919|1140|1140|0|\n"
    );
    // However time is cut, each run is counted once.
    let by_day = served.told(&report("waits", &["by=day", "format=runs,wait-max"])).await;
    let days: Vec<(u64, u64)> = by_day
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(runs, longest)| (runs.parse().expect("a count"), longest.parse().expect("seconds")))
        .collect();
    let longest = days.iter().map(|(_, longest)| *longest).max();
    assert_eq!((days.iter().map(|(runs, _)| runs).sum::<u64>(), longest), (4_046, Some(37_329)));
    let completion = served.told(&report("completion", &[])).await;
    assert_eq!(
        completion,
        "phillips|completed|2324|57.43|3290584|7.76\n\
         phillips|failed|1717|42.43|459718|1.08\n\
         phillips|timeout|1|0.02|27649664|65.26\n\
         phillips|cancelled|4|0.09|10964792|25.88\n"
    );
    let peaks = served.told(&report("peaks", &[])).await;
    assert_eq!(
        peaks,
        "phillips|cpus|340|2016-12-31T06:25:53|50|83.92\n\
         phillips|nodes|42|2016-12-31T06:25:53|50|9.99\n\
         phillips|gpus|2|2016-12-22T08:15:13|912426|2.00\n\
         phillips|memory-gb|584.96|2016-12-31T06:25:53|50|115.97\n"
    );
}
