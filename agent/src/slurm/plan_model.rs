//! A small model of sacctmgr for tests of plans: it refuses what sacctmgr refuses, and calls that are not exact.

use bursar_policy::AccountName;

use super::action::Action;
use super::found::{FoundAccess, FoundCluster, FoundUser};
use super::native::Resource;
use super::qos::{FoundQos, PreemptMode, QosSettings, made_description};
use super::queue_action::QueueAction;

/// Does to `state` what sacctmgr would do, and panics where it would refuse or where a call is not exact.
pub(super) fn model(state: &mut FoundCluster, action: &Action) {
    match action {
        Action::Load { accounts, associations } => {
            for new in accounts {
                let parent = new.parent.as_ref().map_or("root", AccountName::as_str).to_owned();
                assert!(state.has_account(&parent), "{parent} is not there yet");
                assert!(!state.has_account(new.name.as_str()), "{} is there already", new.name);
                let entry = state.accounts.entry(new.name.to_string()).or_default();
                entry.parent = Some(parent);
                entry.description = new.description.as_str().to_ascii_lowercase();
                entry.organization = new.organization.as_str().to_ascii_lowercase();
            }
            for new in associations {
                assert!(state.has_account(new.account.as_str()), "{} is not there yet", new.account);
                let key = (new.user.to_string(), new.account.to_string());
                assert!(new.qos.iter().chain(&new.default_qos).all(|qos| state.qos.contains_key(qos.as_str())));
                let list = new.qos.iter().map(ToString::to_string).collect();
                let access = FoundAccess { list, default: new.default_qos.as_ref().map(ToString::to_string) };
                state.access.extend((access != FoundAccess::default()).then(|| (key.clone(), access)));
                assert!(state.associations.insert(key, new.limits).is_none(), "{} is there already", new.user);
                match &new.creates_user {
                    Some((default, admin)) => {
                        let default_account = Some(default.to_string());
                        state.users.insert(new.user.to_string(), FoundUser { default_account, admin: *admin });
                    }
                    None => assert!(state.users.contains_key(new.user.as_str())),
                }
            }
        }
        Action::DescribeAccount { account, description, organization } => {
            let entry = state.accounts.get_mut(account.as_str()).unwrap();
            entry.description = description.as_str().to_ascii_lowercase();
            entry.organization = organization.as_str().to_ascii_lowercase();
        }
        Action::MoveAccount { account, parent } => {
            let parent = parent.as_ref().map_or("root", AccountName::as_str).to_owned();
            assert!(state.has_account(&parent));
            state.accounts.get_mut(account.as_str()).unwrap().parent = Some(parent);
        }
        Action::SetDefault { account, users } => {
            for user in users {
                let key = (user.to_string(), account.to_string());
                assert!(state.associations.contains_key(&key), "{user} is not associated with {account}");
                state.users.get_mut(user.as_str()).unwrap().default_account = Some(account.to_string());
            }
        }
        Action::SetLimits { users, accounts, limits } => {
            for user in users {
                for account in accounts {
                    if let Some(entry) = state.associations.get_mut(&(user.to_string(), account.to_string())) {
                        *entry = *limits;
                    }
                }
            }
        }
        Action::SetAdmin { level, users } => {
            for user in users {
                state.users.get_mut(user.as_str()).unwrap().admin = *level;
            }
        }
        Action::Queue(action) => queue_model(state, action),
    }
}

fn queue_model(state: &mut FoundCluster, action: &QueueAction) {
    match action {
        QueueAction::AddQos(name) => {
            let qos = FoundQos { description: made_description(name), settings: QosSettings::default() };
            assert!(state.qos.insert(name.to_string(), qos).is_none(), "{name} is there already");
        }
        QueueAction::SetQos { qos, words, description } => {
            let all: Vec<String> = state.qos.keys().cloned().collect();
            let entry = state.qos.get_mut(qos).unwrap();
            words.iter().for_each(|word| set_qos(&mut entry.settings, word, &all));
            entry.description = description.clone().unwrap_or_else(|| entry.description.clone());
        }
        QueueAction::DropQos(name) => {
            assert!(state.access.values().all(|access| !access.list.contains(name)), "{name} is in use");
            assert!(state.qos.remove(name).is_some());
            state.qos.values_mut().for_each(|qos| qos.settings.preempts.retain(|other| other != name));
        }
        QueueAction::SetAccess { users, accounts, list, default } => {
            assert!(list.iter().chain(default).all(|name| state.qos.contains_key(name)), "{list:?}");
            assert!(default.as_ref().is_none_or(|name| list.is_empty() || list.contains(name)));
            for key in keys(state, users, accounts) {
                let access = FoundAccess { list: list.iter().cloned().collect(), default: default.clone() };
                state.access.remove(&key);
                if access != FoundAccess::default() {
                    state.access.insert(key, access);
                }
            }
        }
        QueueAction::SetNative { users, accounts, limits } => {
            let places: Vec<_> = match users.as_slice() {
                [] => accounts.iter().map(|account| (String::new(), account.to_string())).collect(),
                users => keys(state, users, accounts),
            };
            for key in places {
                let has = state.limits.entry(key.clone()).or_default();
                for (kind, value) in limits {
                    has.remove(kind);
                    has.extend(value.map(|value| (kind.clone(), value)));
                }
                if has.is_empty() {
                    state.limits.remove(&key);
                }
            }
        }
        QueueAction::AddWckeys { users, wckeys } => {
            for user in users {
                assert!(state.users.contains_key(user.as_str()), "{user} would be made");
                state.wckeys.entry(user.to_string()).or_default().extend(wckeys.iter().cloned());
            }
        }
    }
}

/// The associations there are of these people in these accounts.
fn keys<U: ToString, A: ToString>(state: &FoundCluster, users: &[U], accounts: &[A]) -> Vec<(String, String)> {
    let pairs = users.iter().flat_map(|user| accounts.iter().map(|account| (user.to_string(), account.to_string())));
    pairs.filter(|key| state.associations.contains_key(key)).collect()
}

fn set_qos(settings: &mut QosSettings, word: &str, all: &[String]) {
    let (key, value) = word.split_once('=').unwrap();
    let number = || (value != "-1").then(|| value.parse().unwrap());
    let small = || number().map(|number: u64| u32::try_from(number).unwrap());
    match key {
        "priority" => settings.priority = small().unwrap(),
        "preempt" => {
            settings.preempts = value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            assert!(settings.preempts.iter().all(|name| all.contains(name)), "{value} is not there yet");
        }
        "preemptmode" => {
            let modes = [PreemptMode::Cluster, PreemptMode::Requeue, PreemptMode::Cancel];
            settings.preempt_mode = *modes.iter().find(|mode| mode.word() == value).unwrap();
        }
        "gracetime" => settings.grace_seconds = small().unwrap(),
        "usagefactor" => settings.usage_per_mille = value.replace('.', "").parse().unwrap(),
        "maxjobsperuser" => settings.max_jobs = small(),
        "maxsubmitjobsperuser" => settings.max_submit = small(),
        "maxwall" => settings.max_minutes = number(),
        "maxtresperuser" => {
            for (name, value) in value.split(',').map(|part| part.split_once('=').unwrap()) {
                let resource = Resource::parse(name).unwrap();
                settings.per_person.remove(&resource);
                settings.per_person.extend((value != "-1").then(|| (resource, value.parse().unwrap())));
            }
        }
        key => panic!("sacctmgr knows no {key}"),
    }
}
