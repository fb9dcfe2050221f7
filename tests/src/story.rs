//! Tells a story on a real cluster: words, commands and what they really answered.

use std::fmt;
use std::io::{self, Write};

use crate::error::io_error;
use crate::{Cluster, Host, Login, Output, Result};

/// Prints the steps of a demonstration as they happen.
pub struct Story<W: Write> {
    out: W,
    colour: bool,
}

impl<W: Write> fmt::Debug for Story<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("colour", &self.colour).finish_non_exhaustive()
    }
}

impl Story<io::Stdout> {
    /// A story on standard output, with colours when a person is watching.
    pub fn on_stdout() -> Self {
        use io::IsTerminal as _;
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out: io::stdout(), colour }
    }
}

impl<W: Write> Story<W> {
    /// A story written into `out`, without colours.
    pub fn new(out: W) -> Self {
        Self { out, colour: false }
    }

    fn print(&mut self, text: fmt::Arguments<'_>) -> Result<()> {
        self.out.write_fmt(text).and_then(|()| self.out.flush()).map_err(io_error(|| "print the story".into()))
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub fn chapter(&mut self, title: &str) -> Result<()> {
        let title = self.styled("1", &format!("== {title}"));
        self.print(format_args!("\n{title}\n"))
    }

    /// A sentence or two for the reader.
    pub fn narrate(&mut self, text: &str) -> Result<()> {
        self.print(format_args!("\n{text}\n"))
    }

    /// Runs a command as root on `host` and shows it with all it answered.
    pub fn show(&mut self, host: &Host, args: &[&str]) -> Result<Output> {
        self.prompt(&format!("root@{}#", host.name()), &crate::output::line(args))?;
        let output = host.run(args)?;
        self.answer(output)
    }

    /// Runs a command as `user` on `host` and shows it with all it answered.
    pub fn show_as(&mut self, host: &Host, user: &str, args: &[&str]) -> Result<Output> {
        self.prompt(&format!("{user}@{}$", host.name()), &crate::output::line(args))?;
        let output = host.run_as(user, args)?;
        self.answer(output)
    }

    /// Logs in through ssh, runs a command, and shows what the person sees.
    pub fn show_ssh(&mut self, host: &Host, login: &Login, user: &str, args: &[&str]) -> Result<Output> {
        self.prompt("outside$", &format!("ssh {user}@{} {}", host.name(), crate::output::line(args)))?;
        let output = host.ssh(login, user, args)?;
        self.answer(output)
    }

    /// How to try the cluster by hand, and how to end it.
    pub fn finish(&mut self, cluster: &Cluster) -> Result<()> {
        self.chapter("Try it by hand")?;
        let address = cluster.host().address();
        self.print(format_args!(
            "
The cluster goes on running in namespaces of its own (host hpc, {address}); the machine itself is unchanged.
`make demo` and `make test` end it before they start their own.

    make demo-shell                              a root shell on hpc
    make demo-shell CMD='sinfo'                  one command on hpc
    make demo-shell CMD='su - PERSON -c squeue'  one command as a person
    make demo-stop                               end it; nothing is left but the build folder
"
        ))
    }

    fn prompt(&mut self, prompt: &str, command: &str) -> Result<()> {
        let command = self.styled("1;36", command);
        self.print(format_args!("\n{prompt} {command}\n"))
    }

    fn answer(&mut self, output: Output) -> Result<Output> {
        for text in [&output.stdout, &output.stderr] {
            let text = text.trim_end();
            if !text.is_empty() {
                self.print(format_args!("{text}\n"))?;
            }
        }
        if !output.success() {
            self.print(format_args!("(exit status {})\n", output.status))?;
        }
        Ok(output)
    }
}
