//! Properties of planning over arbitrary hosts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bursar_agent::posix::facts::{Facts, HomeFound};
use bursar_agent::posix::ledger::Ledger;
use bursar_agent::posix::parse::Lines;
use bursar_agent::posix::plan::{Found, Plan, plan};
use bursar_agent::posix::{Desired, DesiredGroup, DesiredPerson, PersonState};
use bursar_policy::id::{Gid, Uid, UserName};
use bursar_policy::time::Timestamp;
use proptest::prelude::*;

use crate::host::KEY;

const NAMES: [&str; 6] = ["ana", "bo", "cy", "di", "phys", "chem"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 65_536..65_542u32, 1 => Just(1_000u32), 1 => Just(100_000u32)]
}

fn person() -> impl Strategy<Value = DesiredPerson> {
    let state = prop_oneof![
        Just(PersonState::Active { until: None }),
        (0..3_000_000_000i64).prop_map(|at| PersonState::Active { until: Some(Timestamp(at)) }),
        Just(PersonState::Suspended),
        Just(PersonState::Removed),
    ];
    let home = prop_oneof![4 => name().prop_map(|name| format!("/home/{name}")), 1 => Just("/etc".to_owned())];
    let shell = prop::sample::select(vec!["/bin/bash", "/bin/zsh", "bash"]);
    (name(), id(), state, home, shell, any::<bool>(), any::<String>()).prop_map(
        |(name, id, state, home, shell, key, gecos)| DesiredPerson {
            uid: Uid::new(id).unwrap(),
            gid: Gid::new(id).unwrap(),
            name: UserName::new(name).unwrap(),
            gecos,
            home: PathBuf::from(home),
            shell: PathBuf::from(shell),
            state,
            keys: key.then(|| KEY.to_owned()).into_iter().collect(),
        },
    )
}

fn shared_group() -> impl Strategy<Value = DesiredGroup> {
    (name(), id(), prop::collection::vec(name(), 0..4)).prop_map(|(name, gid, members)| DesiredGroup {
        gid: Gid::new(gid).unwrap(),
        name: UserName::new(name).unwrap(),
        members: members.into_iter().map(|member| UserName::new(member).unwrap()).collect(),
    })
}

fn desired() -> impl Strategy<Value = Desired> {
    (prop::collection::vec(person(), 0..6), prop::collection::vec(shared_group(), 0..3))
        .prop_map(|(people, groups)| Desired { people, groups, managed: 65_536..=99_999 })
}

/// Lines of others, sound and unsound, that compete for the same names and numbers.
fn foreign(fields: usize) -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        3 => (name(), id()).prop_map(move |(name, id)| format!("{name}:x:{id}{}", ":".repeat(fields - 3)).into_bytes()),
        1 => (name(), prop::sample::select(vec!["+", "-", " ", "#", "x"])).prop_map(|(name, sign)| format!("{sign}{name}::").into_bytes()),
        1 => prop::collection::vec(prop_oneof![any::<u8>(), Just(b':')], 0..12),
        1 => Just(b"+::::::".to_vec()),
    ];
    (prop::collection::vec(line, 0..4), any::<bool>()).prop_map(|(lines, newline)| {
        let mut bytes = lines.join(&b'\n');
        bytes.extend(newline.then_some(b'\n'));
        bytes
    })
}

fn found() -> impl Strategy<Value = Found> {
    (foreign(7), foreign(4), foreign(9), prop::option::of(foreign(4))).prop_map(|(passwd, group, shadow, gshadow)| {
        Found {
            passwd: Lines::parse(&passwd),
            group: Lines::parse(&group),
            shadow: Lines::parse(&shadow),
            gshadow: gshadow.map(|bytes| Lines::parse(&bytes)),
        }
    })
}

struct World {
    found: Found,
    ledger: Ledger,
    facts: Facts,
}

impl World {
    fn plan(&self, desired: &Desired) -> Plan {
        plan(desired, &self.found, &self.ledger, &self.facts, &[PathBuf::from("/home")])
    }

    fn apply(&mut self, plan: &Plan) {
        let reread = |lines: &Lines, edits| Lines::parse(&lines.with(edits).render());
        self.found = Found {
            passwd: reread(&self.found.passwd, &plan.passwd),
            group: reread(&self.found.group, &plan.group),
            shadow: reread(&self.found.shadow, &plan.shadow),
            gshadow: self.found.gshadow.as_ref().map(|lines| reread(lines, &plan.gshadow)),
        };
        self.ledger = plan.ledger.clone().unwrap_or_else(|| self.ledger.clone());
        for home in &plan.homes {
            self.facts.homes.insert(home.home.clone(), HomeFound::Directory(home.id));
        }
        for name in &plan.keys_removed {
            self.facts.keys.remove(name);
        }
        self.facts.keys.extend(plan.keys_written.iter().map(|(name, text)| (name.into(), Some(text.clone()))));
    }
}

fn kept(lines: &Lines) -> Vec<Vec<u8>> {
    lines.iter().filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn given_any_host_and_any_wishes_then_planning_twice_changes_nothing_and_strangers_keep_every_line(
        found in found(), wishes in prop::collection::vec(desired(), 1..4)
    ) {
        let absent = NAMES.map(|name| (PathBuf::from(format!("/home/{name}")), HomeFound::Absent));
        let facts = Facts {
            today: 20_530,
            homes: absent.into_iter().collect(),
            shells: [PathBuf::from("/bin/bash")].into(),
            ..Facts::default()
        };
        let mut world = World { found: found.clone(), ledger: Ledger::default(), facts };
        for wish in &wishes {
            let first = world.plan(wish);
            world.apply(&first);
            let second = world.plan(wish);
            prop_assert!(second.is_empty(), "{second:?}");
            let refused = |plan: &Plan| -> Vec<_> {
                plan.refusals.iter().map(|refusal| (refusal.name.clone(), refusal.id)).collect()
            };
            prop_assert_eq!(refused(&second), refused(&first));
            // Nobody has a key file without a line of the very uid that bursar owns.
            for name in world.facts.keys.keys() {
                let name = name.to_str().unwrap();
                let id = world.ledger.id_of(bursar_agent::posix::ledger::Kind::User, name);
                let start = format!("{name}:x:{id}:", id = id.unwrap());
                let lines = world.found.passwd.iter().filter(|line| line.starts_with(format!("{name}:").as_bytes()));
                let lines: Vec<_> = lines.collect();
                prop_assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with(start.as_bytes())));
            }
        }
        let after = |lines: &Lines| kept(lines).into_iter().fold(BTreeMap::<_, usize>::new(), |mut counts, line| {
            *counts.entry(line).or_default() += 1;
            counts
        });
        let pairs = [
            (&found.passwd, &world.found.passwd),
            (&found.group, &world.found.group),
            (&found.shadow, &world.found.shadow),
        ];
        for (before, now) in pairs {
            let now = after(now);
            for (line, count) in after(before) {
                let left = now.get(&line).copied().unwrap_or_default();
                prop_assert!(left >= count, "{} was lost", String::from_utf8_lossy(&line));
            }
        }
    }
}
