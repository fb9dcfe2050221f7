//! Whose limits there are in a simulation, on what, and how they are drawn.

use bursar_agent::store::{Amount, GpuType, Limit, LimitKind, LimitTarget, Origin, Over, SubjectId, Thing};
use bursar_policy::{GrantId, PeriodKind};

use super::random::Random;
use super::site::{ACCOUNTS, FIRST_UID, KINDS, PEOPLE, account, line};
use super::things::{GPU_TYPES, THINGS};

/// Who may have limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// A person, over all accounts.
    Person(usize),
    /// An account and all below it.
    Account(usize),
    /// A person in an account and below it.
    Seat(usize, usize),
    /// A person under the grant of this number.
    Grant(u64),
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Whose.
    pub(crate) owner: Owner,
    /// On which thing.
    pub(crate) thing: usize,
    /// In which period; `None` is over the life of a grant.
    pub(crate) kind: Option<PeriodKind>,
    /// How much of it times seconds; of money, millionths times seconds of an hour.
    pub(crate) most: u64,
}

/// How much an owner may have of each thing in a day for each hour of CPUs: small numbers against what jobs ask for.
const SHARES: [u64; THINGS] = [3_600, 1_100, 2_400 * 10_240, 2_400, 3_600 * 400_000, 700, 500];

/// Draws the limits of all owners; `granted` are the accounts that each person has grants for, in the order of grants.
pub(crate) fn draw(random: &mut Random, granted: &[Vec<usize>]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for person in 0..PEOPLE {
        periods(random, &mut rules, Owner::Person(person), 22, [50, 30]);
    }
    for (at, (name, _)) in ACCOUNTS.into_iter().enumerate() {
        let hours = match name {
            "uni" => 200,
            "science" | "arts" => 100,
            _ => 55,
        };
        periods(random, &mut rules, Owner::Account(at), hours, [50, 30]);
    }
    // A limit of each person in an account is the same for all of them, unless one has their own.
    for (at, hours) in [(1, 18), (6, 14)] {
        let mut each = Vec::new();
        periods(random, &mut each, Owner::Account(at), hours, [30, 22]);
        for person in 0..PEOPLE {
            rules.extend(each.iter().map(|rule| Rule { owner: Owner::Seat(person, at), ..*rule }));
        }
    }
    let mut grant = 0;
    for (person, accounts) in granted.iter().enumerate() {
        for at in accounts {
            grant += 1;
            if random.chance(20) && !matches!(at, 1 | 6) {
                periods(random, &mut rules, Owner::Seat(person, *at), 16, [40, 15]);
            }
            // Where two grants cover one account, work counts under both and is asked of the one that lets it in.
            let covers = |above: usize, below: usize| line(below).any(|one| one == above);
            let alone = accounts.iter().all(|other| other == at || !(covers(*other, *at) || covers(*at, *other)));
            if alone && random.chance(40) {
                let thing = random.between(0, THINGS as u64 - 1) as usize;
                let most = SHARES[thing] * random.between(100, 400);
                rules.push(Rule { owner: Owner::Grant(grant), thing, kind: None, most });
            }
        }
    }
    rules
}

/// Limits of one owner: on CPUs and on each other thing with so many percent of chance.
fn periods(random: &mut Random, rules: &mut Vec<Rule>, owner: Owner, hours: u64, chances: [u64; 2]) {
    for thing in 0..THINGS {
        if !random.chance(chances[usize::from(thing > 0)]) {
            continue;
        }
        let day = SHARES[thing] * random.between(hours * 5, hours * 15) / 10;
        let week = day * random.between(25, 70) / 10;
        let month = week * random.between(15, 45) / 10;
        let quarter = month * random.between(10, 30) / 10;
        for (kind, most) in KINDS.into_iter().zip([day, week, month, quarter]) {
            if random.chance(if thing == 0 { 80 } else { 50 }) {
                rules.push(Rule { owner, thing, kind: Some(kind), most });
            }
        }
    }
}

impl Owner {
    /// Their name.
    pub(crate) fn name(self) -> String {
        let uid = |person| FIRST_UID as usize + person;
        match self {
            Self::Person(person) => format!("person {}", uid(person)),
            Self::Account(at) => format!("account {}", ACCOUNTS[at].0),
            Self::Seat(person, at) => format!("person {} in account {}", uid(person), ACCOUNTS[at].0),
            Self::Grant(id) => format!("grant {id}"),
        }
    }

    /// Their place in the store. The limits of everybody in an account are told once, by the first person.
    fn target(self, each: bool) -> LimitTarget {
        let subject = |person: usize| SubjectId(person as i64 + 1);
        match self {
            Self::Person(person) => LimitTarget::Person(subject(person)),
            Self::Account(at) => LimitTarget::Account(account(at)),
            Self::Seat(_, at) if each => LimitTarget::EachIn(account(at)),
            Self::Seat(person, at) => LimitTarget::PersonIn(subject(person), account(at)),
            Self::Grant(id) => LimitTarget::Grant(GrantId(id)),
        }
    }
}

/// The limits as the store has them.
pub(crate) fn stored(rules: &[Rule]) -> Vec<Limit> {
    let mut all = Vec::new();
    for rule in rules {
        let each = matches!(rule.owner, Owner::Seat(_, 1 | 6));
        if each && !matches!(rule.owner, Owner::Seat(0, _)) {
            continue;
        }
        let of = |at: usize| Thing::Gpu(GpuType::new(GPU_TYPES[at]));
        let thing = [Thing::Cpu, Thing::Gpu(None), Thing::Memory, Thing::Node, Thing::Money, of(0), of(1)][rule.thing];
        let kind = LimitKind::Consumed(thing, rule.kind.map_or(Over::Grant, Over::Period));
        let amount = Amount::AtMost(rule.most);
        all.push(Limit { target: rule.owner.target(each), kind, amount, origin: Origin::Manual });
    }
    all
}
