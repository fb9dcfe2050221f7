//! Asks before a change, in sacctmgr's words; silence means no.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;

/// The time to decide.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever can be asked.
pub trait Questioned {
    /// Whether somebody is there to answer.
    fn is_present(&self) -> bool;
    /// Whether they say yes in time; the question goes to `err`.
    fn agrees(&self, err: &mut dyn Write) -> bool;
}

/// The person at the terminal on stdin.
#[derive(Debug, Clone, Copy)]
pub struct Terminal;

impl Questioned for Terminal {
    fn is_present(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn agrees(&self, err: &mut dyn Write) -> bool {
        let question = "Would you like to commit changes? (You have 30 seconds to decide)\n(N/y): ";
        if err.write_all(question.as_bytes()).and_then(|()| err.flush()).is_err() {
            return false;
        }
        // Reading a terminal cannot be bounded, so another thread reads; it ends with the process.
        let (answered, answer) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line).is_ok() {
                // The asker may have given up: nobody is left to be told.
                let _ = answered.send(line);
            }
        });
        match answer.recv_timeout(PATIENCE) {
            Ok(line) => is_yes(&line),
            Err(_) => {
                // The cursor still stands behind the question.
                let _ = writeln!(err);
                false
            }
        }
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_answer_then_only_a_yes_is_a_yes() {
        for yes in ["y\n", "Y\n", " yes \n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yx\n", "yes please\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
