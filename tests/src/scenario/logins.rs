//! Logins to a cluster's host, whose sshd and PAM are as old or new as its Slurm.

use super::people;
use crate::{Governed, Result, directory};

/// Somebody with a grant and a key logs in, and is refused with the reason once the directory has them disabled.
pub fn a_person_logs_in_until_they_are_disabled(site: &Governed) -> Result<()> {
    let host = site.cluster().host();
    let login = host.new_login("lora")?;
    let change = |enabled: bool| {
        let mut people = people();
        for person in people.iter_mut().filter(|person| person.name == "lora") {
            person.keys = vec![login.public().to_owned()];
            person.enabled = enabled;
        }
        site.write_directory(&directory(&people))
    };
    change(true)?;
    site.wait_for("lora to be let in", 30, || {
        let output = host.ssh(&login, "lora", &["id", "-un"])?;
        Ok(if output.stdout == "lora\n" { Ok(()) } else { Err(output.stderr) })
    })?;
    change(false)?;
    site.wait_for("lora to be told why not", 30, || {
        let output = host.ssh(&login, "lora", &["id", "-un"])?;
        let told = output.status == 255 && output.stderr.contains("BSR-114: Ask the HPC team.");
        Ok(if told { Ok(()) } else { Err(format!("{}{}", output.stdout, output.stderr)) })
    })?;
    site.write_directory(&directory(&people()))
}
