//! `show queue`: what a queue is, and to whom it is open.

use bursar_agent::wire::Cell;

use super::world::*;

#[tokio::test]
async fn given_queues_then_their_jobs_are_counted_and_those_open_to_somebody_are_told_apart() {
    let world = World::with(
        |_| Vec::new(),
        |now| vec![live(now, 2, BEN, "chemistry", Some(900)), live(now, 4, ANA, "physics", None)],
    )
    .await;
    let all = world.table(ROOT, "show queue").await;
    assert_eq!(all.rows.len(), 2);
    assert_eq!(cell(&all, "queue", "high", "charge-factor"), &Cell::from("2"));
    assert_eq!(cell(&all, "queue", "high", "running"), &Cell::Count(0));
    assert_eq!(cell(&all, "queue", "normal", "running"), &Cell::Count(1));
    assert_eq!(cell(&all, "queue", "normal", "waiting"), &Cell::Count(1));
    for (line, queues) in [
        ("show queue user=ana", 2),
        ("show queue account=chemistry", 1),
        ("show queue user=ana account=chemistry", 0),
        ("show queue default=no", 1),
        ("show queue high", 1),
    ] {
        assert_eq!(world.table(ROOT, line).await.rows.len(), queues, "{line}");
    }
    assert_eq!(world.table(ANA, "show queue").await.rows.len(), 2);
    assert_eq!(world.table(ANA, "show queue user=ana").await.rows.len(), 2);
    let refused = world.ask(ANA, parse("show queue user=ben")).await;
    assert!(!matches!(refused, bursar_agent::wire::Response::Table { .. }), "{refused:?}");
}
