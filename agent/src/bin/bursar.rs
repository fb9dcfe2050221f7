//! `bursar`: the command line, for administrators and for everybody.
#![forbid(unsafe_code)]

use std::io::{self, BufWriter};
use std::process::ExitCode;

use bursar_agent::cli::confirm::Terminal;
use bursar_agent::cli::run::{Ends, run};

fn main() -> ExitCode {
    // A byte that is no UTF-8 becomes a character that no name has, and is refused like any other unknown word.
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut ends = Ends { out: &mut out, err: &mut io::stderr(), questioned: &Terminal };
    run(&arguments, &mut ends).into()
}
