//! The options, declared once, and their separation from the words; they may stand anywhere.

use std::path::PathBuf;

use super::amount::Unit;
use super::grammar::UsageError;
use super::keyword::{self, Mismatch};

/// Where the daemon listens unless `--socket` says otherwise.
pub const SOCKET: &str = "/run/bursar/bursard.sock";
/// The configuration that `check config` and `check slurm` read unless `--config` says otherwise.
pub const CONFIG: &str = "/etc/bursar/bursar.toml";

/// How data is written to stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// Columns of a fixed width.
    #[default]
    Columns,
    /// Separated by `|`.
    Parsable {
        /// Whether the last field is followed by one too.
        trailing: bool,
    },
    /// Separated by commas as RFC 4180 says, for spreadsheets.
    Csv,
    /// A JSON array of objects.
    Json,
}

/// What the options say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Without the header.
    pub no_header: bool,
    /// How data is written.
    pub style: Style,
    /// Without the question.
    pub immediate: bool,
    /// The unit of CPU time.
    pub unit: Unit,
    /// The configuration file for `check config` and `check slurm`.
    pub config: PathBuf,
    /// The daemon's socket.
    pub socket: PathBuf,
    /// Help was asked for.
    pub help: bool,
    /// The version was asked for.
    pub version: bool,
    /// `sync`: only tell.
    pub dry_run: bool,
    /// `sync`: let a stopped drop of people through.
    pub accept_drop: bool,
    /// `report`: say what the fields are.
    pub explain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            no_header: false,
            style: Style::Columns,
            immediate: false,
            unit: Unit::Clock,
            config: PathBuf::from(CONFIG),
            socket: PathBuf::from(SOCKET),
            help: false,
            version: false,
            dry_run: false,
            accept_drop: false,
            explain: false,
        }
    }
}

/// What an option does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// It switches something on.
    Switch(fn(&mut Options)),
    /// It takes a value; what is expected when the value is not understood.
    Value(fn(&mut Options, &str) -> Result<(), String>),
}

/// The declaration of an option.
pub(super) struct Declared {
    /// The one-letter form.
    pub(super) short: Option<char>,
    /// The long form, without the hyphens.
    pub(super) long: &'static str,
    /// What follows it, for the help.
    pub(super) value: &'static str,
    /// One phrase for the help.
    pub(super) about: &'static str,
    /// What it does.
    pub(super) effect: Effect,
}

/// All options, in the order of the help.
pub(super) static OPTIONS: [Declared; 14] = [
    switch(Some('n'), "noheader", "no header", |o| o.no_header = true),
    switch(Some('p'), "parsable", "fields separated by `|`, with one at the end", |o| {
        o.style = Style::Parsable { trailing: true };
    }),
    switch(Some('P'), "parsable2", "fields separated by `|`, without one at the end", |o| {
        o.style = Style::Parsable { trailing: false };
    }),
    switch(None, "csv", "fields separated by commas, texts with a comma or quote in quotes", |o| o.style = Style::Csv),
    switch(None, "json", "a JSON array; times in UTC, CPU time in seconds, never cut", |o| o.style = Style::Json),
    Declared {
        short: Some('t'),
        long: "time-format",
        value: "Seconds|Minutes|Hours",
        about: "unit of CPU time; without it h:mm:ss",
        effect: Effect::Value(|o, text| {
            o.unit = keyword::resolve(text, Unit::NAMES).map_err(|_| "takes Seconds, Minutes or Hours".to_owned())?;
            Ok(())
        }),
    },
    switch(Some('i'), "immediate", "change without asking", |o| o.immediate = true),
    switch(None, "dry-run", "sync, price: only tell what would be done", |o| o.dry_run = true),
    switch(None, "accept-drop", "sync: let a drop of people through that stopped an earlier pass", |o| {
        o.accept_drop = true;
    }),
    switch(None, "explain", "report: say what each field is instead of its values", |o| o.explain = true),
    Declared {
        short: None,
        long: "config",
        value: "FILE",
        about: "configuration for `check config` and `check slurm`; without it /etc/bursar/bursar.toml",
        effect: Effect::Value(|o, text| {
            o.config = PathBuf::from(text);
            Ok(())
        }),
    },
    Declared {
        short: None,
        long: "socket",
        value: "FILE",
        about: "the daemon's socket; without it /run/bursar/bursard.sock",
        effect: Effect::Value(|o, text| {
            o.socket = PathBuf::from(text);
            Ok(())
        }),
    },
    switch(Some('h'), "help", "help, also for the verb and entity before it", |o| o.help = true),
    switch(Some('V'), "version", "the version", |o| o.version = true),
];

const fn switch(short: Option<char>, long: &'static str, about: &'static str, effect: fn(&mut Options)) -> Declared {
    Declared { short, long, value: "", about, effect: Effect::Switch(effect) }
}

/// Separates the options from the words of the command; after `--` everything is a word.
pub(super) fn separate(arguments: &[String]) -> Result<(Options, Vec<String>), UsageError> {
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if let Some(control) = argument.chars().find(|c| c.is_control()) {
            return Err(UsageError::Control(control.escape_unicode().to_string()));
        }
        if argument == "--" {
            words.extend(rest.by_ref().cloned());
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            apply(find_long(name)?, argument, value, &mut rest, &mut options)?;
        } else if let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut letters = letters.chars();
            while let Some(letter) = letters.next() {
                let declared = OPTIONS
                    .iter()
                    .find(|option| option.short == Some(letter))
                    .ok_or_else(|| UsageError::UnknownOption(format!("-{letter}")))?;
                let attached = match declared.effect {
                    // As in sreport, the value may be attached: -tHours.
                    Effect::Value(_) => Some(letters.by_ref().collect::<String>()).filter(|text| !text.is_empty()),
                    Effect::Switch(_) => None,
                };
                apply(declared, &format!("-{letter}"), attached, &mut rest, &mut options)?;
            }
        } else {
            words.push(argument.clone());
        }
    }
    Ok((options, words))
}

fn find_long(name: &str) -> Result<&'static Declared, UsageError> {
    let named = OPTIONS.iter().enumerate().map(|(index, option)| (option.long, index));
    match keyword::resolve(name, named) {
        Ok(index) => OPTIONS.get(index).ok_or_else(|| UsageError::UnknownOption(format!("--{name}"))),
        Err(Mismatch::Unknown) => Err(UsageError::UnknownOption(format!("--{name}"))),
        Err(Mismatch::Ambiguous(several)) => Err(UsageError::Ambiguous {
            what: "option",
            word: format!("--{name}"),
            candidates: several.iter().map(|option| format!("--{option}")).collect::<Vec<_>>().join(", "),
        }),
    }
}

fn apply<'a>(
    declared: &Declared,
    typed: &str,
    attached: Option<String>,
    rest: &mut impl Iterator<Item = &'a String>,
    options: &mut Options,
) -> Result<(), UsageError> {
    let option = || typed.split('=').next().unwrap_or(typed).to_owned();
    match (declared.effect, attached) {
        (Effect::Switch(switch), None) => {
            switch(options);
            Ok(())
        }
        (Effect::Switch(_), Some(_)) => {
            Err(UsageError::OptionValue { option: option(), expected: "takes no value".to_owned() })
        }
        (Effect::Value(set), attached) => {
            let text = attached.or_else(|| rest.next().cloned()).filter(|text| !text.is_empty());
            match text {
                Some(text) => {
                    set(options, &text).map_err(|expected| UsageError::OptionValue { option: option(), expected })
                }
                None => {
                    Err(UsageError::OptionValue { option: option(), expected: format!("needs {}", declared.value) })
                }
            }
        }
    }
}
