//! Runs of a period: each once, whatever its start and end have in common with others', and only such as are over.

use bursar_policy::Period;

use super::runs::{keep, run};
use super::*;
use crate::store::past::Chosen;
use crate::store::runs::Run;

async fn ends(store: &Store, chosen: Chosen) -> Vec<(i64, i64)> {
    let mut all = Vec::new();
    store.past_runs(chosen, |_| true, |run| all.push((run.stint.start.0, run.stint.end.0))).await.unwrap();
    all
}

#[tokio::test]
async fn given_runs_at_the_edges_of_a_period_then_those_that_began_or_ended_in_it_are_handed_over() {
    let (_dir, store) = new_store().await;
    let resized = Run { submitted_at: Timestamp(150), ..run(7, Some(20), Some(160), 1) };
    let runs = [
        run(1, Some(99), Some(100), 1),
        run(2, Some(100), Some(100), 1),
        run(3, Some(100), Some(200), 1),
        run(4, Some(199), Some(300), 1),
        run(5, Some(150), None, 1),
        run(6, None, Some(150), 1),
        resized,
    ];
    keep(&store, &runs, None, NOW).await.unwrap();
    let period = Period { start: Timestamp(100), end: Timestamp(200) };
    assert_eq!(ends(&store, Chosen::Began(period)).await, [(100, 100), (150, 160), (100, 200), (199, 300)]);
    assert_eq!(ends(&store, Chosen::Ended(period)).await, [(99, 100), (100, 100), (150, 160)]);
    let mut none = 0;
    store.past_runs(Chosen::Began(period), |cluster| cluster != "c", |_| none += 1).await.unwrap();
    assert_eq!(none, 0, "another cluster's");
}

#[tokio::test]
async fn given_more_runs_than_are_read_at_a_time_then_each_is_handed_over_once() {
    let (_dir, store) = new_store().await;
    // Many share their start and their end.
    let runs: Vec<Run> = (1..=21_000).map(|id| run(id, Some(100), Some(200 + i64::from(id % 3)), 1)).collect();
    keep(&store, &runs, None, NOW).await.unwrap();
    let all = ends(&store, Chosen::Ended(Period { start: Timestamp(0), end: Timestamp(1_000) })).await;
    assert_eq!(all.len(), 21_000);
    assert!([200, 201, 202].iter().all(|end| all.iter().filter(|run| run.1 == *end).count() == 7_000));
}
