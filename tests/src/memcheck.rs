//! slurmctld under valgrind, and what valgrind has to say of one library in it.

use std::fmt;
use std::time::Duration;

use crate::{Cluster, Error, Result};

/// Where valgrind writes; `%p` is the process.
const REPORTS: &str = "/var/log/slurm/valgrind.%p.xml";

/// How long a slurmctld under valgrind may take to answer, and to come to its end with all memory looked through.
const PATIENCE: Duration = Duration::from_secs(180);

/// Reads all of slurmctld's memory accesses, and at its end looks for what nobody refers to any more. slurmctld goes on
/// under its own name, by which it starts its helper; that one runs by itself.
fn unit() -> String {
    format!(
        "[Service]\nTimeoutStopSec={}\nExecStart=\nExecStart=/usr/bin/valgrind --tool=memcheck --leak-check=full \
         --show-leak-kinds=definite --error-exitcode=0 --num-callers=50 --keep-debuginfo=yes --vgdb=no \
         --child-silent-after-fork=yes --xml=yes --xml-file={} /usr/sbin/slurmctld -D -s\n",
        PATIENCE.as_secs(),
        REPORTS.replace('%', "%%")
    )
}

impl Cluster {
    /// Starts slurmctld again, under valgrind.
    pub fn restart_under_valgrind(&self) -> Result<()> {
        self.host().write_file("/etc/systemd/system/slurmctld.service.d/valgrind.conf", unit(), 0o644)?;
        self.host().run(&["systemctl", "daemon-reload"])?.ok()?;
        self.host().run(&["systemctl", "restart", "slurmctld"])?.ok()?;
        self.host().wait_for("slurmctld under valgrind", PATIENCE, || {
            let ping = self.host().run(&["scontrol", "ping"]).map_err(|error| error.to_string())?;
            if ping.stdout.contains(" is UP") { Ok(()) } else { Err(ping.stdout) }
        })?;
        self.wait_until_ready()
    }

    /// Ends the slurmctld that [`Self::restart_under_valgrind`] has started, and answers valgrind's report.
    pub fn end_under_valgrind(&self) -> Result<Report> {
        let shown = self.host().run(&["systemctl", "show", "--value", "--property=MainPID", "slurmctld"])?.ok()?;
        let path = REPORTS.replace("%p", shown.trim());
        self.host().run(&["systemctl", "stop", "slurmctld"])?.ok()?;
        let text = self.host().read_file(&path)?;
        if text.trim_end().ends_with("</valgrindoutput>") {
            Ok(Report(text))
        } else {
            Err(Error::Machine(format!(
                "{path} has no end: slurmctld was killed before valgrind had looked through it"
            )))
        }
    }
}

/// What valgrind wrote of one life of a program.
#[derive(Debug, Clone)]
pub struct Report(String);

/// Something that valgrind found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Valgrind's word for it.
    pub kind: String,
    /// Bytes and blocks lost, of a leak; other errors have none.
    pub leaked: Option<(u64, u64)>,
    /// Functions, the innermost first, with the library or program that each is in.
    pub stack: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some((bytes, blocks)) = self.leaked {
            write!(f, " of {bytes} bytes in {blocks} blocks")?;
        }
        self.stack.iter().try_for_each(|frame| write!(f, "\n    {frame}"))
    }
}

impl Report {
    /// Everything that was found.
    pub fn findings(&self) -> Vec<Finding> {
        self.0.split("<error>").skip(1).filter_map(|text| text.split("</error>").next()).map(finding).collect()
    }

    /// What was found with `library` anywhere in its stack.
    pub fn findings_in(&self, library: &str) -> Vec<Finding> {
        self.findings().into_iter().filter(|found| found.stack.iter().any(|frame| frame.contains(library))).collect()
    }
}

fn finding(text: &str) -> Finding {
    let number = |tag| all(text, tag).next().and_then(|number| number.parse().ok());
    let frame = |frame: &str| {
        let part = |tag| all(frame, tag).next().unwrap_or("?").to_owned();
        let text = format!("{} ({}:{}, {})", part("fn"), part("file"), part("line"), part("obj"));
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    Finding {
        kind: all(text, "kind").next().unwrap_or_default().to_owned(),
        leaked: number("leakedbytes").zip(number("leakedblocks")),
        stack: all(text, "frame").map(frame).collect(),
    }
}

/// The texts of all elements called `tag`.
fn all<'t>(text: &'t str, tag: &str) -> impl Iterator<Item = &'t str> + use<'t> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inside, after) = after.split_once(&close)?;
        rest = after;
        Some(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_valgrinds_report_then_errors_and_leaks_are_told_by_library() {
        let frame =
            |name: &str, library: &str| format!("<frame><ip>0x1</ip><obj>{library}</obj><fn>{name}</fn></frame>");
        let text = format!(
            "<error><kind>InvalidRead</kind><stack>{}{}</stack></error>\n<error><kind>Leak_DefinitelyLost</kind>\
             <xwhat><leakedbytes>48</leakedbytes><leakedblocks>2</leakedblocks></xwhat><stack>{}</stack></error>",
            frame("strlen", "/lib/libc.so"),
            frame("judge&lt;T&gt;", "/lib/ours.so"),
            frame("xmalloc", "/lib/theirs.so"),
        );
        let report = Report(text);
        let kinds = |found: Vec<Finding>| found.into_iter().map(|one| (one.kind, one.leaked)).collect::<Vec<_>>();
        assert_eq!(kinds(report.findings_in("ours.so")), [("InvalidRead".to_owned(), None)]);
        assert_eq!(kinds(report.findings_in("theirs.so")), [("Leak_DefinitelyLost".to_owned(), Some((48, 2)))]);
        assert_eq!(
            report.findings()[0].to_string(),
            "InvalidRead\n    strlen (?:?, /lib/libc.so)\n    judge<T> (?:?, /lib/ours.so)"
        );
    }
}
