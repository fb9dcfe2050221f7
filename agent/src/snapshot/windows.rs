//! The windows of `policy.toml` as the plugin judges by them: openings laid out, accounts at their positions.

use bursar_policy::Timestamp;
use bursar_policy::snapshot::{Account, Governs, Opening, Window};
use jiff::tz::TimeZone;

use crate::accounting::calendar::OutsideCalendar;
use crate::config;

/// The openings of one window; as good for a while as they were when they were laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidOut {
    openings: Vec<Opening>,
    known_until: Timestamp,
}

/// The openings of every window from `now` on.
pub fn lay_out(windows: &[config::Window], now: Timestamp) -> Result<Vec<LaidOut>, OutsideCalendar> {
    let one = |window: &config::Window| {
        let schedule = &window.schedule;
        let found = schedule.openings(now)?;
        let openings = found.list.into_iter().map(|period| Opening {
            period,
            opens: text(&schedule.zone, period.start),
            closes: text(&schedule.zone, period.end),
        });
        Ok(LaidOut { openings: openings.collect(), known_until: found.known_until })
    };
    windows.iter().map(one).collect()
}

/// The windows with what [`lay_out`] gave for them; accounts that are gone are nobody's.
pub fn of(windows: &[config::Window], laid_out: &[LaidOut], accounts: &[Account]) -> Vec<Window> {
    let windows = windows.iter().zip(laid_out).map(|(window, LaidOut { openings, known_until })| Window {
        name: window.name.clone(),
        governs: governs(&window.governs, accounts),
        rule: window.rule,
        moves: window.move_pending,
        openings: openings.clone(),
        known_until: *known_until,
    });
    windows.collect()
}

fn governs(governs: &config::Governs, accounts: &[Account]) -> Vec<Governs> {
    let position = |name: &bursar_policy::AccountName| {
        let at = accounts.iter().position(|account| account.name == name.as_str())?;
        u32::try_from(at).ok().map(Governs::Account)
    };
    match governs {
        config::Governs::Partitions(names) => names.iter().cloned().map(Governs::Partition).collect(),
        config::Governs::Queues(names) => names.iter().cloned().map(Governs::Queue).collect(),
        config::Governs::Roles(roles) => roles.iter().copied().map(Governs::Role).collect(),
        config::Governs::Accounts(names) => names.iter().filter_map(position).collect(),
    }
}

/// An instant in a window's zone, for people; empty for one that never comes.
fn text(zone: &TimeZone, at: Timestamp) -> String {
    if at == Timestamp::NEVER {
        return String::new();
    }
    jiff::Timestamp::from_second(at.0).map_or_else(
        |_| at.to_string(),
        |instant| instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use bursar_policy::AccountName;
    use bursar_policy::window::{Outside, Rule};

    use super::*;
    use crate::window::Schedule;

    #[test]
    fn given_windows_then_their_openings_are_told_in_their_own_zone_and_accounts_are_positions() {
        let schedule = Schedule {
            zone: TimeZone::get("America/New_York").unwrap(),
            week: vec!["mon-fri 08:00-18:00".parse().unwrap()],
            holidays: BTreeSet::new(),
            special_days: BTreeMap::new(),
        };
        let account = |name: &str| AccountName::new(name).unwrap();
        let office = config::Window {
            name: "office".into(),
            governs: config::Governs::Accounts(vec![account("physics"), account("gone"), account("science")]),
            schedule,
            rule: Rule { outside: Outside::Wait, ends_inside: true },
            move_pending: true,
            drain: false,
            power_down: false,
        };
        // A Sunday.
        let laid_out = lay_out(std::slice::from_ref(&office), Timestamp(1_795_334_400)).unwrap();
        let accounts = [Account::new("science", None), Account::new("physics", Some(0))];
        let windows = of(&[office], &laid_out, &accounts);
        assert_eq!(windows[0].governs, [Governs::Account(1), Governs::Account(0)]);
        assert_eq!(windows[0].openings[0].opens, "2026-11-23 08:00 EST");
        assert_eq!(windows[0].openings[0].closes, "2026-11-23 18:00 EST");
        assert!(windows[0].openings.len() >= 13 * 5);
    }
}
