//! What 10,000 people cost. Times are printed, not judged: the machine is shared, and ext4 is several times slower at
//! making 50,000 files where as many were deleted within the last seconds.

use std::time::Instant;

use crate::host::{ACTIVE, Host, desired, group};

#[test]
fn given_10000_people_then_the_first_pass_writes_all_and_the_second_nothing() {
    let mut host = Host::new();
    // What a Debian host really copies.
    host.root.skel = "/etc/skel".into();
    let names: Vec<String> = (0..10_000).map(|n| format!("p{n:05}")).collect();
    let people = (65_536..).zip(&names).map(|(id, name)| host.person(name, id, ACTIVE)).collect();
    let groups = (90_000..)
        .zip(names.chunks(50))
        .map(|(gid, chunk)| group(&format!("g{gid}"), gid, &chunk.iter().map(String::as_str).collect::<Vec<_>>()));
    let wanted = desired(people, groups.collect());

    let start = Instant::now();
    let first = host.run(&wanted).unwrap();
    println!("first pass: {:?}", start.elapsed());
    assert_eq!((first.refusals.len(), first.homes_made, first.keys_written), (0, 10_000, 10_000));

    let before = host.everything();
    let start = Instant::now();
    let second = host.run(&wanted).unwrap();
    println!("pass without changes: {:?}", start.elapsed());
    assert!(second.wrote_nothing(), "{second:?}");
    assert_eq!(before, host.everything());
}
