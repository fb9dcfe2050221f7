//! Turns the arguments into a command, in sacctmgr's grammar.
//!
//! `VERB ENTITY [where] KEY=VALUE[,…] … [set KEY=VALUE …] [format=FIELD%WIDTH,…]`: keywords in any case and as any
//! unique prefix, options anywhere. What sacctmgr lets pass and then misreads is refused here: a word that stands
//! for several keywords, a change without condition, a number with a letter behind it.

use std::path::PathBuf;

use super::entity::{Entity, Place, Report, Schema, command};
use super::format::{self, Layout};
use super::keyword::{self, Mismatch};
use super::offline::Check;
use super::options::{self, Options};
use crate::wire::request::{Change, Explained, Query, Request, RequestError};
use crate::wire::values::{ValueError, Values};

/// A command line that makes no sense; exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// An argument has a control character.
    #[error("an argument has the control character {0}")]
    Control(String),
    /// There is no such option.
    #[error("unknown option {0}")]
    UnknownOption(String),
    /// The value of an option.
    #[error("{option} {expected}")]
    OptionValue {
        /// The option.
        option: String,
        /// What is expected.
        expected: String,
    },
    /// There is no command.
    #[error("a command is missing; commands: {}", VERBS_LISTED)]
    NoVerb,
    /// A word is none of the keywords that may stand there.
    #[error("unknown {what} `{word}`; valid: {valid}")]
    Unknown {
        /// What kind of keyword is expected.
        what: &'static str,
        /// The word.
        word: String,
        /// The keywords.
        valid: String,
    },
    /// A word begins several keywords.
    #[error("{what} `{word}` may mean {candidates}; write more of it")]
    Ambiguous {
        /// What kind of keyword it is.
        what: &'static str,
        /// The word.
        word: String,
        /// The keywords it begins.
        candidates: String,
    },
    /// Something must follow.
    #[error("{command} needs {what}: {valid}")]
    Missing {
        /// The command so far.
        command: String,
        /// What must follow.
        what: &'static str,
        /// What it may be.
        valid: String,
    },
    /// A word without `=` that cannot stand there.
    #[error("`{word}` means nothing in {command}")]
    StrayWord {
        /// The word.
        word: String,
        /// The command.
        command: String,
    },
    /// The width of a field.
    #[error("`{0}` is not FIELD%WIDTH; the width is 1 to 1000, or -1 to -1000 for flush left")]
    Width(String),
    /// A command that fits no entity's declaration.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A change was asked for where nobody can answer the question.
    #[error("{0} would change things and there is no terminal to ask; add -i to change without asking")]
    NoTerminal(String),
}

impl From<ValueError> for UsageError {
    fn from(error: ValueError) -> Self {
        Self::Request(error.into())
    }
}

/// A command and its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// What the options say.
    pub options: Options,
    /// What is to be done.
    pub command: Command,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Print help, about the verb and entity that were named.
    Help(Option<Verb>, Option<Entity>),
    /// Print the version.
    Version,
    /// Check something on this machine, without the daemon.
    Check(Check, Vec<PathBuf>),
    /// Say what the fields of a report are, those of the layout if it names any.
    Define(Report, Layout),
    /// Price a month by another card, and lay out what it comes to so.
    Price(Query, Layout),
    /// Hand a dump to the daemon, and lay out what came of it so.
    Import(Query, Layout),
    /// Ask the daemon, and lay out its answer so.
    Ask(Request, Layout),
}

/// The verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word it stands for; VERBS describes them")]
pub enum Verb {
    Show,
    Add,
    Modify,
    Delete,
    Balance,
    Report,
    Explain,
    Import,
    Price,
    Verify,
    Sync,
    Status,
    Check,
    Version,
    Help,
}

/// Each verb with its spellings, what follows it, and one sentence for the help.
pub(super) const VERBS: [(Verb, &[&str], &str, &str); 15] = [
    (Verb::Show, &["show", "list"], "ENTITY [where] KEY=VALUE… [format=FIELD%WIDTH,…]", "Show what there is"),
    (Verb::Add, &["add", "create"], "ENTITY KEY=VALUE…", "Make something new"),
    (Verb::Modify, &["modify"], "ENTITY [where] KEY=VALUE… set KEY=VALUE…", "Change what is selected"),
    (Verb::Delete, &["delete", "remove"], "ENTITY [where] KEY=VALUE…", "End what is selected"),
    (Verb::Balance, &["balance"], "[user=NAME] [account=NAME]", "What was used and is left, and until when"),
    (
        Verb::Report,
        &["report"],
        "usage|cost-centres|charges|focus|waits|completion|peaks|corrections [start=TIME] [end=TIME] [KEY=VALUE…]",
        "What was used by whom, and how runs fared",
    ),
    (Verb::Explain, &["explain"], "job|login KEY=VALUE…", "What a job or a login would be told, and why"),
    (Verb::Import, &["import"], "usage FILE [KEY=VALUE…]", "Take usage from elsewhere or from before into the ledger"),
    (
        Verb::Price,
        &["price"],
        "--dry-run FILE [period=MONTH] [KEY=VALUE…]",
        "What a month comes to by another rate card",
    ),
    (Verb::Verify, &["verify"], "[start=TIME] [end=TIME] [all]", "Whether the ledger and slurmdbd's own sums agree"),
    (Verb::Sync, &["sync"], "[--dry-run] [--accept-drop]", "Read the sources and bring everything in line, now"),
    (Verb::Status, &["status"], "", "How bursar is"),
    (Verb::Check, &["check"], "config|plugin|start|slurm [FILE…]", "Check a configuration or a built plugin, offline"),
    (Verb::Version, &["version"], "", "The version"),
    (Verb::Help, &["help"], "[VERB [ENTITY]]", "This help, or more about a verb"),
];

const VERBS_LISTED: &str =
    "show, add, modify, delete, balance, report, explain, import, price, verify, sync, status, check, version, help";

impl Verb {
    /// The first spelling.
    pub fn word(self) -> &'static str {
        VERBS.iter().find(|(verb, ..)| *verb == self).and_then(|(_, words, ..)| words.first()).copied().unwrap_or("")
    }
}

/// Parses the arguments after the program's name.
pub fn parse(arguments: &[String]) -> Result<Invocation, UsageError> {
    let (options, words) = options::separate(arguments)?;
    let command = if options.version { Command::Version } else { command(&options, &words)? };
    Ok(Invocation { options, command })
}

fn command(options: &Options, words: &[String]) -> Result<Command, UsageError> {
    let Some((first, rest)) = words.split_first() else {
        return if options.help { Ok(Command::Help(None, None)) } else { Err(UsageError::NoVerb) };
    };
    let verb = verb(first)?;
    if options.help {
        // Whatever else is wrong with the line, its author asks for help.
        return Ok(Command::Help(Some(verb), rest.first().and_then(|word| entity(word).ok())));
    }
    let dry_run = options.dry_run && verb != Verb::Price;
    if verb != Verb::Sync && (dry_run || options.accept_drop) {
        let option = if dry_run { "--dry-run" } else { "--accept-drop" };
        return Err(UsageError::OptionValue { option: option.to_owned(), expected: "goes with sync only".to_owned() });
    }
    if verb != Verb::Report && options.explain {
        let expected = "goes with report only".to_owned();
        return Err(UsageError::OptionValue { option: "--explain".to_owned(), expected });
    }
    match verb {
        Verb::Show => {
            let (entity, rest) = entity_of("show", rest)?;
            let (query, layout) = query(entity.schema(), &format!("show {}", entity.schema().name), rest)?;
            ask(Request::Show { entity, query }, layout)
        }
        Verb::Add | Verb::Modify | Verb::Delete => change(verb, rest),
        Verb::Balance => {
            let (query, layout) = query(&command::BALANCE, "balance", rest)?;
            ask(Request::Balance { query }, layout)
        }
        Verb::Report => {
            let known = Report::ALL.iter().flat_map(|kind| {
                let schema = kind.schema();
                std::iter::once(schema.name).chain(schema.aliases.iter().copied()).map(move |word| (word, *kind))
            });
            let (kind, rest) = one_of("report", "report", rest, &known.collect::<Vec<_>>())?;
            let (query, layout) = query(kind.schema(), &kind.command(), rest)?;
            if options.explain {
                return Ok(Command::Define(kind, layout));
            }
            ask(Request::Report { kind, query }, layout)
        }
        Verb::Explain => {
            let known = [("job", Explained::Job), ("login", Explained::Login)];
            let (what, rest) = one_of("explain", "word", rest, &known)?;
            let (schema, command) = what.schema();
            let (query, layout) = query(schema, command, rest)?;
            ask(Request::Explain { what, query }, layout)
        }
        Verb::Import => {
            let (_, rest) = one_of("import", "word", rest, &[("usage", ())])?;
            let (query, layout) = query(&command::IMPORT_USAGE, "import usage", rest)?;
            Ok(Command::Import(query, layout))
        }
        Verb::Price => {
            // Whoever forgets the option learns that nothing is changed without it either.
            let (query, layout) = query(&command::PRICE, "price", rest)?;
            Ok(Command::Price(query, layout))
        }
        Verb::Verify => {
            let (query, layout) = query(&command::VERIFY, "verify", rest)?;
            ask(Request::Verify { query }, layout)
        }
        Verb::Sync => {
            let (query, layout) = query(&command::SYNC, "sync", rest)?;
            let (dry_run, accept_drop) = (options.dry_run, options.accept_drop);
            ask(Request::Sync { dry_run, accept_drop, fields: query.fields }, layout)
        }
        Verb::Status => {
            let (query, layout) = query(&command::STATUS, "status", rest)?;
            ask(Request::Status { query }, layout)
        }
        Verb::Check => {
            let known = [
                ("config", Check::Config),
                ("plugin", Check::Plugin),
                ("start", Check::Start),
                ("slurm", Check::Slurm),
            ];
            let (what, files) = one_of("check", "word", rest, &known)?;
            Ok(Command::Check(what, files.iter().map(PathBuf::from).collect()))
        }
        Verb::Version => nothing_more("version", rest).map(|()| Command::Version),
        Verb::Help => help(rest),
    }
}

fn ask(request: Request, layout: Layout) -> Result<Command, UsageError> {
    Ok(Command::Ask(request.checked()?, layout))
}

fn help(words: &[String]) -> Result<Command, UsageError> {
    match words {
        [] => Ok(Command::Help(None, None)),
        [first] => Ok(Command::Help(Some(verb(first)?), None)),
        [first, second, rest @ ..] => {
            nothing_more("help", rest)?;
            let verb = verb(first)?;
            let takes_entity = matches!(verb, Verb::Show | Verb::Add | Verb::Modify | Verb::Delete);
            Ok(Command::Help(Some(verb), if takes_entity { Some(entity(second)?) } else { None }))
        }
    }
}

fn change(verb: Verb, words: &[String]) -> Result<Command, UsageError> {
    let (entity, words) = entity_of(verb.word(), words)?;
    let schema = entity.schema();
    let name = format!("{} {}", verb.word(), schema.name);
    let first = if verb == Verb::Add { Place::Add } else { Place::Where };
    change_of(verb, entity, Values::default(), Values::default()).applies().map_err(UsageError::Request)?;
    let mut pairs = Pairs { schema, command: name, place: first, filter: Values::default(), set: Values::default() };
    for word in words {
        pairs.take(word, verb)?;
    }
    let change = change_of(verb, entity, pairs.filter, pairs.set);
    ask(Request::Change { change, dry_run: false }, Layout::default())
}

fn change_of(verb: Verb, entity: Entity, filter: Values, set: Values) -> Change {
    match verb {
        Verb::Add => Change::Add { entity, set },
        Verb::Modify => Change::Modify { entity, filter, set },
        _ => Change::Delete { entity, filter, set },
    }
}

/// The pairs of a change as they are read.
struct Pairs {
    schema: &'static Schema,
    command: String,
    place: Place,
    filter: Values,
    set: Values,
}

impl Pairs {
    fn take(&mut self, word: &str, verb: Verb) -> Result<(), UsageError> {
        let stray = || UsageError::StrayWord { word: word.to_owned(), command: self.command.clone() };
        let (key, text) = match word.split_once('=') {
            Some(pair) => pair,
            None if verb == Verb::Modify && keyword::is(word, "set") => {
                self.place = Place::Set;
                return Ok(());
            }
            None if self.place != Place::Add && keyword::is(word, "where") => {
                self.place = Place::Where;
                return Ok(());
            }
            None if keyword::is(word, "set") || keyword::is(word, "where") || self.place == Place::Set => {
                return Err(stray());
            }
            None => {
                let bare = self.schema.bare.and_then(|bare| self.schema.key(bare));
                (bare.filter(|key| key.stands_at(self.place)).ok_or_else(stray)?.name, word)
            }
        };
        // What delete takes besides its conditions needs no word before it, but has to be written out.
        let says_more = |key: &str| self.schema.keys_at(Place::Delete).any(|known| keyword::is(key, known.name));
        if verb == Verb::Delete && says_more(key) {
            return pair(self.schema, Place::Delete, &self.command, key, text, &mut self.set);
        }
        let command = if self.place == Place::Set { format!("{} set", self.command) } else { self.command.clone() };
        let values = if self.place == Place::Where { &mut self.filter } else { &mut self.set };
        pair(self.schema, self.place, &command, key, text, values)
    }
}

/// The question that the words of `show` and the like make, and the layout their `format=` asks for.
fn query(schema: &'static Schema, command: &str, words: &[String]) -> Result<(Query, Layout), UsageError> {
    let mut query = Query::default();
    let mut layout = Layout::default();
    for word in words {
        match word.split_once('=') {
            Some((key, text)) if keyword::is(key, "format") => layout.extend(format::parse(text, schema, command)?),
            Some((key, text)) => pair(schema, Place::Where, command, key, text, &mut query.filter)?,
            None if keyword::is(word, "where") => {}
            None => match (schema.flags.iter().find(|flag| keyword::is(word, flag.name)), schema.bare) {
                (Some(flag), _) => {
                    if !query.has_flag(flag.name) {
                        query.flags.push(flag.name.to_owned());
                    }
                }
                (None, Some(bare)) if !keyword::is(word, "set") => {
                    pair(schema, Place::Where, command, bare, word, &mut query.filter)?;
                }
                _ => return Err(UsageError::StrayWord { word: word.clone(), command: command.to_owned() }),
            },
        }
    }
    query.fields =
        if layout.is_empty() { schema.default_fields() } else { layout.iter().map(|of| of.field.clone()).collect() };
    Ok((query, layout))
}

fn pair(
    schema: &'static Schema,
    place: Place,
    command: &str,
    key: &str,
    text: &str,
    values: &mut Values,
) -> Result<(), UsageError> {
    let spellings = schema.keys_at(place).enumerate().flat_map(|(index, declared)| {
        std::iter::once(declared.name).chain(declared.aliases.iter().copied()).map(move |spelling| (spelling, index))
    });
    let index = keyword::resolve(key, spellings).map_err(|mismatch| match mismatch {
        Mismatch::Unknown => ValueError::unknown(key, schema, place, command).into(),
        Mismatch::Ambiguous(several) => {
            UsageError::Ambiguous { what: "key", word: key.to_owned(), candidates: several.join(", ") }
        }
    })?;
    match schema.keys_at(place).nth(index) {
        Some(declared) => Ok(values.insert(declared.name, declared.kind, text)?),
        None => Err(ValueError::unknown(key, schema, place, command).into()),
    }
}

fn verb(word: &str) -> Result<Verb, UsageError> {
    let spellings = VERBS.iter().flat_map(|(verb, words, ..)| words.iter().map(|spelling| (*spelling, *verb)));
    keyword::resolve(word, spellings).map_err(|mismatch| misspelt("command", word, mismatch, VERBS_LISTED.to_owned()))
}

fn entity(word: &str) -> Result<Entity, UsageError> {
    let spellings = Entity::ALL.into_iter().flat_map(|entity| {
        let schema = entity.schema();
        std::iter::once(schema.name).chain(schema.aliases.iter().copied()).map(move |spelling| (spelling, entity))
    });
    keyword::resolve(word, spellings).map_err(|mismatch| misspelt("entity", word, mismatch, entities()))
}

fn entities() -> String {
    Entity::ALL.map(|entity| entity.schema().name).join(", ")
}

fn entity_of<'a>(command: &str, words: &'a [String]) -> Result<(Entity, &'a [String]), UsageError> {
    let (first, rest) = words.split_first().ok_or_else(|| UsageError::Missing {
        command: command.to_owned(),
        what: "an entity",
        valid: entities(),
    })?;
    Ok((entity(first)?, rest))
}

fn one_of<'a, T: Copy + PartialEq>(
    command: &str,
    what: &'static str,
    words: &'a [String],
    known: &[(&'static str, T)],
) -> Result<(T, &'a [String]), UsageError> {
    // Of several spellings the first.
    let mut spelt: Vec<(&str, T)> = known.to_vec();
    spelt.dedup_by_key(|(_, meaning)| *meaning);
    let valid = spelt.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let Some((first, rest)) = words.split_first() else {
        return Err(UsageError::Missing { command: command.to_owned(), what: "a word", valid });
    };
    let meaning = keyword::resolve(first, known.iter().copied());
    Ok((meaning.map_err(|mismatch| misspelt(what, first, mismatch, valid))?, rest))
}

fn misspelt(what: &'static str, word: &str, mismatch: Mismatch, valid: String) -> UsageError {
    let word = word.to_owned();
    match mismatch {
        Mismatch::Unknown => UsageError::Unknown { what, word, valid },
        Mismatch::Ambiguous(several) => UsageError::Ambiguous { what, word, candidates: several.join(", ") },
    }
}

fn nothing_more(command: &str, words: &[String]) -> Result<(), UsageError> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(UsageError::StrayWord { word: word.clone(), command: command.to_owned() }),
    }
}
