//! Every declared field of every entity and verb is answered by somebody's data.

use bursar_agent::accounting::flight::LiveJob;
use bursar_agent::cli::entity::{Entity, Report, Schema, command};
use bursar_agent::wire::{Cell, Explained, Request, Response, Table};

use super::world::*;

/// Fields that nothing fills yet: what would is not there, and says so.
const EMPTY: [(&str, &str); 2] = [
    // No account has a group of its own yet.
    ("account", "gid"),
    // Alarms are shown while they are open; the log has those that cleared.
    ("alarm", "cleared-at"),
];

fn check(schema: &Schema, response: Response) {
    let table: Table = match response {
        Response::Table { table, .. } | Response::Judged { table, .. } => table,
        other => panic!("{}: {other:?}", schema.name),
    };
    assert_eq!(table.columns.len(), schema.fields.len(), "{}: columns", schema.name);
    for (at, field) in schema.fields.iter().enumerate() {
        let filled = table.rows.iter().any(|row| row[at] != Cell::Absent);
        let excepted = EMPTY.contains(&(schema.name, field.name));
        assert_eq!(filled, !excepted, "{} {}: {:?}", schema.name, field.name, table.rows);
    }
}

#[tokio::test]
async fn given_every_declared_field_then_some_row_has_a_value_in_it() {
    let world = World::with(
        |now| vec![run(now, 1, "ana", "physics", -900, Some(-300)), run(now, 2, "ben", "chemistry", -900, None)],
        |now| {
            let waits = LiveJob { begin_at: at(now, -5), ..live(now, 4, ANA, "physics", None) };
            vec![live(now, 2, BEN, "chemistry", Some(900)), waits]
        },
    )
    .await;
    let emergency = "add grant user=ana account=chemistry role=compute-user emergency=yes until=now+1hour reason=x";
    world.run(ROOT, emergency).await;
    for (file, seconds) in [("first.txt", -800), ("second.txt", -700)] {
        keep_file(&world.site.store, file, &[run(world.now, 9, "ana", "physics", -900, Some(seconds))], world.now)
            .await;
    }
    world.site.report("sources", Err("source directory is not there".to_owned()));
    for entity in Entity::ALL {
        let schema = entity.schema();
        let mut line = format!("show {}", schema.name);
        match entity {
            Entity::Grant => line.push_str(" state=active,future,expired,revoked"),
            Entity::Run => line.push_str(" start=now-7days"),
            _ => {}
        }
        let Request::Show { entity, mut query } = parse(&line) else { panic!("{line}") };
        query.fields = schema.fields.iter().map(|field| field.name.to_owned()).collect();
        check(schema, world.ask(ROOT, Request::Show { entity, query }).await);
    }
    let all = |schema: &Schema| query(&schema.fields.iter().map(|field| field.name).collect::<Vec<_>>());
    for (line, schema) in [
        ("balance user=ana account=physics", &command::BALANCE),
        ("report usage start=now-7days by=day,cluster,account,user,cost-centre,partition,qos", Report::Usage.schema()),
        ("report cost-centres start=now-7days", Report::CostCentres.schema()),
        ("report waits start=now-7days by=day,cluster,account,user,partition,qos,priority", Report::Waits.schema()),
        (
            "report completion start=now-7days by=day,cluster,account,user,partition,qos,priority",
            Report::Completion.schema(),
        ),
        ("report peaks start=now-7days by=cluster,account,user,partition,qos", Report::Peaks.schema()),
        ("report corrections start=now-7days end=now+1day", Report::Corrections.schema()),
        ("explain job user=ana tasks=9", &command::EXPLAIN_JOB),
        ("status", &command::STATUS),
    ] {
        let mut request = parse(line);
        match &mut request {
            Request::Balance { query }
            | Request::Report { query, .. }
            | Request::Explain { query, .. }
            | Request::Status { query } => query.fields = all(schema).fields,
            other => panic!("{other:?}"),
        }
        check(schema, world.ask(ROOT, request).await);
    }
    // A login is judged as a whole: one rule, and no numbers.
    let Request::Explain { query: mut asked, .. } = parse("explain login user=dora") else { panic!("no explain") };
    asked.fields = all(&command::EXPLAIN_LOGIN).fields;
    let table = match world.ask(ROOT, Request::Explain { what: Explained::Login, query: asked }).await {
        Response::Judged { table, refusal: Some(_), .. } => table,
        other => panic!("{other:?}"),
    };
    for field in ["rule", "outcome", "code", "detail"] {
        assert_ne!(cell(&table, "rule", "verdict", field), &Cell::Absent, "{field}");
    }
}
