//! Ends the sessions of people who lost their access: their connections outlive their keys otherwise.

use std::path::Path;
use std::process::Command;

use bursar_policy::id::{Uid, UserName};
use thiserror::Error;

/// Why sessions were not ended.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The program could not be started.
    #[error("cannot run loginctl; install systemd's logind or end the sessions of {name} by hand")]
    NotRun {
        /// The first person whose sessions go on.
        name: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// logind refused.
    #[error("loginctl did not end the sessions of {name} ({said}); end them by hand")]
    Refused {
        /// The person.
        name: String,
        /// Its own words.
        said: String,
    },
}

/// Ends all sessions of those `people` that logind knows as logged in, through `loginctl terminate-user`; how many
/// people were logged in. Without a running systemd nobody is.
pub fn end_sessions(people: &[(UserName, Uid)]) -> Result<usize, SessionError> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Ok(0);
    }
    let mut ended = 0;
    let mut trouble = None;
    // logind keeps one file for everybody who is logged in, so nobody else costs a process.
    for (name, _) in people.iter().filter(|(_, uid)| Path::new("/run/systemd/users").join(uid.to_string()).exists()) {
        let output = Command::new("loginctl").arg("terminate-user").arg(name.as_str()).output();
        match output {
            Ok(output) if output.status.success() => ended += 1,
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                trouble = trouble.or(Some(SessionError::Refused { name: name.to_string(), said }));
            }
            Err(source) => return Err(SessionError::NotRun { name: name.to_string(), source }),
        }
    }
    trouble.map_or(Ok(ended), Err)
}
