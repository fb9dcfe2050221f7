//! Carries out one command line: parse, ask first if it changes something, call the daemon, print, exit code.
//!
//! Data goes to stdout, everything else to stderr. A reader that has seen enough and closed the pipe is a success,
//! or `bursar show run | head` would fail.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use super::ExitStatus;
use super::confirm::Questioned;
use super::format::Layout;
use super::grammar::{self, Command, Invocation, UsageError};
use super::import::{self, ImportError};
use super::options::{Options, Style};
use super::price::{self, PriceError};
use super::table::printable;
use super::{define, help, offline, table};
use crate::wire::{self, Change, Deadlines, Request, Response};

/// The ends that a command is connected to.
pub struct Ends<'a> {
    /// Where data goes.
    pub out: &'a mut dyn Write,
    /// Where everything else goes.
    pub err: &'a mut dyn Write,
    /// Who is asked before a change.
    pub questioned: &'a dyn Questioned,
}

/// Why a command stopped early.
enum Stop {
    Usage(UsageError),
    Client(wire::ClientError),
    Import(ImportError),
    Price(PriceError),
    Output(io::Error),
}

impl From<PriceError> for Stop {
    fn from(error: PriceError) -> Self {
        Self::Price(error)
    }
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Carries out the command that `arguments`, without the program's name, spell.
pub fn run(arguments: &[String], ends: &mut Ends<'_>) -> ExitStatus {
    let outcome = grammar::parse(arguments).map_err(Stop::Usage).and_then(|invocation| carry_out(&invocation, ends));
    let outcome = outcome.and_then(|status| ends.out.flush().map(|()| status).map_err(Stop::Output));
    match outcome {
        Ok(status) => status,
        Err(Stop::Usage(error)) => {
            complain(ends.err, &chain(&error), Some("`bursar help` lists the commands, `bursar help VERB` more"));
            ExitStatus::Usage
        }
        Err(Stop::Import(error)) => {
            complain(ends.err, &chain(&error), None);
            ExitStatus::Usage
        }
        Err(Stop::Price(error)) => {
            complain(ends.err, &chain(&error), None);
            ExitStatus::Usage
        }
        Err(Stop::Client(error)) => {
            complain(ends.err, &chain(&error), Some(error.hint()));
            ExitStatus::Unavailable
        }
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitStatus::Done,
        Err(Stop::Output(error)) => {
            complain(ends.err, &format!("cannot write to stdout: {error}"), None);
            ExitStatus::Unavailable
        }
    }
}

fn carry_out(invocation: &Invocation, ends: &mut Ends<'_>) -> Result<ExitStatus, Stop> {
    let options = &invocation.options;
    match &invocation.command {
        Command::Help(verb, entity) => {
            ends.out.write_all(help::text(*verb, *entity).as_bytes())?;
            Ok(ExitStatus::Done)
        }
        Command::Version => {
            writeln!(ends.out, "bursar {}", env!("CARGO_PKG_VERSION"))?;
            Ok(ExitStatus::Done)
        }
        Command::Check(what, files) => Ok(offline::check(*what, files, &options.config, ends.out, ends.err)),
        Command::Define(report, layout) => {
            define::write(*report, layout, options, ends.out)?;
            Ok(ExitStatus::Done)
        }
        Command::Price(query, layout) => {
            let response = ask(&options.socket, &price::request(query)?)?;
            print(&response, layout, options, ends)
        }
        Command::Import(query, layout) => {
            let response = import::import(query, |request| ask(&options.socket, request), ends.err)?;
            print(&response, layout, options, ends)
        }
        Command::Ask(Request::Change { change, .. }, layout) if !options.immediate => {
            change_after_question(change, layout, options, ends)
        }
        Command::Ask(request, layout) => {
            let response = ask(&options.socket, request)?;
            print(&response, layout, options, ends)
        }
    }
}

fn change_after_question(
    change: &Change,
    layout: &Layout,
    options: &Options,
    ends: &mut Ends<'_>,
) -> Result<ExitStatus, Stop> {
    if !ends.questioned.is_present() {
        let command = format!("{} {}", change.verb(), change.entity().schema().name);
        return Err(Stop::Usage(UsageError::NoTerminal(command)));
    }
    let request = |dry_run| Request::Change { change: change.clone(), dry_run };
    let told = ask(&options.socket, &request(true))?;
    let Response::Done { changed: 1.., lines: told } = told else {
        return print(&told, layout, options, ends);
    };
    for line in &told {
        note(ends.err, line);
    }
    if !ends.questioned.agrees(ends.err) {
        note(ends.err, "changes discarded");
        return Ok(ExitStatus::Refused);
    }
    let mut response = ask(&options.socket, &request(false))?;
    if let Response::Done { lines, .. } = &mut response
        && *lines == told
        && options.style != Style::Json
    {
        // The person has just read them.
        lines.clear();
    }
    print(&response, layout, options, ends)
}

fn ask(socket: &Path, request: &Request) -> Result<Response, Stop> {
    wire::call(socket, request, Deadlines::of(request)).map_err(Stop::Client)
}

fn print(response: &Response, layout: &Layout, options: &Options, ends: &mut Ends<'_>) -> Result<ExitStatus, Stop> {
    match response {
        Response::Table { table, notes } => {
            table::write(table, layout, options, ends.out)?;
            // The rows first, also where both ends are one terminal.
            ends.out.flush()?;
            notes.iter().for_each(|line| note(ends.err, line));
            Ok(ExitStatus::Done)
        }
        Response::Judged { table, notes, refusal } => {
            table::write(table, layout, options, ends.out)?;
            ends.out.flush()?;
            notes.iter().chain(refusal).for_each(|line| note(ends.err, line));
            Ok(if refusal.is_some() { ExitStatus::Refused } else { ExitStatus::Done })
        }
        Response::Done { changed, lines } => {
            if options.style == Style::Json {
                writeln!(ends.out, "{}", serde_json::json!({ "changed": changed, "lines": lines }))?;
            } else {
                for line in lines {
                    writeln!(ends.out, "{}", printable(line, false))?;
                }
                if *changed == 0 {
                    note(ends.err, "nothing to change");
                }
            }
            Ok(ExitStatus::Done)
        }
        // Of use only to whoever sends the parts.
        Response::Imported(_) => Ok(ExitStatus::Done),
        Response::Refused { code, message, hint } => {
            let code = code.as_deref().filter(|code| !message.contains(code));
            let message = code.map_or_else(|| message.clone(), |code| format!("{message} ({code})"));
            complain(ends.err, &message, hint.as_deref());
            Ok(ExitStatus::Refused)
        }
        Response::Usage { message } => {
            complain(ends.err, message, None);
            Ok(ExitStatus::Usage)
        }
        Response::Unavailable { message } => {
            complain(ends.err, message, None);
            Ok(ExitStatus::Unavailable)
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

// When stderr is closed nobody is left to complain to, so these drop the results of writing.

fn complain(err: &mut dyn Write, message: &str, hint: Option<&str>) {
    let _ = writeln!(err, "error: {}", printable(message, false));
    if let Some(hint) = hint {
        let _ = writeln!(err, "hint: {}", printable(hint, false));
    }
}

fn note(err: &mut dyn Write, line: &str) {
    let _ = writeln!(err, "{}", printable(line, false));
}
