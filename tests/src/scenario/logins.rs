//! Logins to a cluster's host, whose sshd and PAM are as old or new as its Slurm.

use super::people;
use crate::{Governed, Result, directory};

/// Somebody with a grant and a key logs in, and no more once the directory has them disabled.
///
/// Each is tried once, after the host has followed: from 9.8 on sshd shuts out for a while whoever fails again and again.
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
    let wait_for = |what: &str, test: &str| {
        site.wait_for(what, 30, || {
            let seen = host.sh(test)?;
            Ok(if seen.success() { Ok(()) } else { Err(seen.stdout) })
        })
    };
    change(true)?;
    wait_for("lora's key", "test -s /var/lib/bursar-node/keys/lora && ! getent shadow lora | cut -d: -f8 | grep .")?;
    assert_eq!(host.ssh(&login, "lora", &["id", "-un"])?.ok()?, "lora\n");
    change(false)?;
    wait_for("lora's end on the host", "getent shadow lora | cut -d: -f8 | grep .")?;
    let refused = host.ssh(&login, "lora", &["id", "-un"])?;
    assert_eq!((refused.status, refused.stdout.as_str()), (255, ""), "{}", refused.stderr);
    site.write_directory(&directory(&people()))
}
