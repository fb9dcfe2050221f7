//! Logins through a real sshd are decided on by the snapshot on the host, whatever becomes of bursard or the file.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bursar_tests::{Citizen, Cluster, Governed, Login, NODE_SNAPSHOT, Output, Result, directory};

const POLICY: &str = "\
time-zone = \"Europe/Berlin\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[[account]]
name = \"physics\"
description = \"Physics\"
cost-center = \"CC-2\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-audit\"
role = \"observer\"
scope = \"cluster\"
";

/// PAM's own copy.
const HOST_SNAPSHOT: &str = "/var/lib/bursar-node/node.snap";

const PEOPLE: &[(&str, &str)] = &[
    ("ana", "g-physics"),
    ("ben", "g-physics"),
    ("eva", "g-audit"),
    ("tom", "g-temp"),
    ("dora", "g-physics"),
    ("nora", "g-none"),
    ("zoe", "g-physics"),
];

#[derive(Debug)]
struct Town {
    governed: Governed,
    people: Vec<(Citizen, Login)>,
    /// Lena has an account of the host's own.
    lena: Login,
}

impl Town {
    fn up() -> Result<Self> {
        // Keys are made for a host, and the host wants the keys: so first the host, then the people.
        let citizens: Vec<Citizen> = PEOPLE.iter().map(|(name, group)| Citizen::new(name, group)).collect();
        let governed = Governed::up(Cluster::builder(), POLICY, &directory(&citizens), "zoe")?;
        let host = governed.cluster().host();
        let mut people = Vec::new();
        for mut citizen in citizens {
            let login = host.new_login(&citizen.name)?;
            citizen.keys.push(login.public().to_owned());
            people.push((citizen, login));
        }
        governed.cluster().add_user("lena")?.ok()?;
        let lena = host.new_login("lena")?;
        host.write_file_as("lena:lena", "/home/lena/.ssh/authorized_keys", lena.public().as_bytes(), 0o600)?;
        let root = host.new_login("root")?;
        host.write_file("/root/.ssh/authorized_keys", root.public(), 0o600)?;
        let town = Self { governed, people, lena };
        town.governed.write_directory(&directory(&town.citizens()))?;
        town.governed.wait_for("zoe's key on the host", 30, || town.logs_in("zoe"))?;
        Ok(town)
    }

    fn citizens(&self) -> Vec<Citizen> {
        self.people.iter().map(|(citizen, _)| citizen.clone()).collect()
    }

    fn ssh(&self, name: &str, command: &[&str]) -> Result<Output> {
        let login = match name {
            "lena" => self.lena.clone(),
            "root" => self.governed.cluster().host().new_login("root")?,
            _ => self.people.iter().find(|(citizen, _)| citizen.name == name).unwrap().1.clone(),
        };
        self.governed.cluster().host().ssh(&login, name, command)
    }

    fn logs_in(&self, name: &str) -> Result<std::result::Result<(), String>> {
        let output = self.ssh(name, &["id", "-un"])?;
        Ok(if output.stdout == format!("{name}\n") { Ok(()) } else { Err(output.stderr) })
    }

    fn assert_in(&self, name: &str) -> Result<()> {
        let output = self.ssh(name, &["id", "-un"])?;
        assert_eq!((output.status, output.stdout.as_str()), (0, format!("{name}\n").as_str()), "{}", output.stderr);
        Ok(())
    }

    /// Refused with this sentence, and what was to be run did not run.
    fn assert_out(&self, name: &str, sentence: &str) -> Result<()> {
        let output = self.ssh(name, &["sh", "-c", "echo ran; touch /tmp/ran"])?;
        assert_eq!((output.status, output.stdout.as_str()), (255, ""), "{name}: {}", output.stderr);
        assert!(output.stderr.contains(sentence), "{name}: {}", output.stderr);
        assert!(!self.governed.cluster().host().run(&["test", "-e", "/tmp/ran"])?.success());
        Ok(())
    }

    fn sh(&self, text: &str) -> Result<String> {
        self.governed.cluster().host().sh(text)?.ok()
    }
}

/// One cluster for the whole file, and one test at a time on it.
fn town() -> (&'static Town, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static TOWN: OnceLock<Result<Town>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (TOWN.get_or_init(Town::up).as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

#[test]
fn given_a_grant_and_a_key_then_the_login_works_and_its_record_arrives_with_the_keys_fingerprint() -> Result<()> {
    let (town, _alone) = town();
    town.assert_in("ana")?;
    town.assert_in("eva")?;
    // Another's key opens nothing.
    let ben = &town.people.iter().find(|(citizen, _)| citizen.name == "ben").unwrap().1;
    let stranger = town.governed.cluster().host().ssh(ben, "ana", &["true"])?;
    assert_eq!(stranger.status, 255, "{}", stranger.stderr);

    let key = town.people[0].1.key().with_extension("pub");
    let text = std::process::Command::new("ssh-keygen").arg("-lf").arg(&key).output().unwrap().stdout;
    let fingerprint = String::from_utf8(text).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let query = "select decision, service, method, key_fingerprint, uid = (select uid from subject where name = 'ana') \
                 from login where user_name = 'ana' order by decision";
    town.governed.wait_for("the record of ana's login", 10, || {
        let rows = town.governed.store(query)?;
        // sshd tells the account phase no more than the name; how somebody proved it comes with the session.
        let allowed = ["allowed", "sshd", "", "", "1"].map(str::to_owned).to_vec();
        let opened = ["opened", "sshd", "publickey", fingerprint.as_str(), "1"].map(str::to_owned).to_vec();
        Ok(if rows.contains(&allowed) && rows.contains(&opened) { Ok(()) } else { Err(format!("{rows:?}")) })
    })
}

#[test]
fn given_a_grant_that_ended_then_the_login_is_refused_with_the_date_and_nothing_runs() -> Result<()> {
    let (town, _alone) = town();
    let until = town.sh("date --utc --date='+8 seconds' +%FT%TZ")?;
    let mapping =
        format!("\n[[mapping]]\ngroup = \"g-temp\"\nrole = \"compute-user\"\naccount = \"physics\"\nuntil = {until}");
    town.governed.write_policy(&format!("{POLICY}{mapping}"))?;
    town.governed.wait_for("tom's account", 20, || town.logs_in("tom"))?;
    let soon = town.ssh("tom", &["true"])?;
    assert!(!soon.success() || soon.stderr.contains("Access ends 20"), "{}", soon.stderr);
    town.governed.wait_for("the end of tom's grant", 20, || {
        let output = town.ssh("tom", &["true"])?;
        Ok(if output.success() { Err("still in".into()) } else { Ok(()) })
    })?;
    let year = town.sh("date +%Y-")?;
    town.assert_out("tom", &format!("Access denied: your access ended {}", year.trim()))?;
    town.assert_out("tom", "BSR-112: Ask the HPC team.")?;
    // And so it stays once the host has followed.
    town.governed.wait_for("the host to follow", 20, || {
        let shadow = town.sh("getent shadow tom")?;
        let expires = shadow.trim().split(':').nth(7).unwrap_or_default().to_owned();
        Ok(if expires.is_empty() { Err(shadow) } else { Ok(()) })
    })?;
    town.assert_out("tom", "BSR-112: Ask the HPC team.")?;
    let refusals = "select count(*) from login where user_name = 'tom' and decision = 'refused' and code = 'BSR-112'";
    town.governed.wait_for("the refusals in the store", 10, || {
        let rows = town.governed.store(refusals)?;
        Ok(if rows[0][0].parse::<u32>().unwrap() >= 3 { Ok(()) } else { Err(format!("{rows:?}")) })
    })
}

#[test]
fn given_a_person_disabled_at_the_source_then_the_key_is_withdrawn_and_the_login_refused() -> Result<()> {
    let (town, _alone) = town();
    town.assert_in("dora")?;
    let mut citizens = town.citizens();
    citizens.iter_mut().filter(|citizen| citizen.name == "dora").for_each(|citizen| citizen.enabled = false);
    town.governed.write_directory(&directory(&citizens))?;
    let keys = "/var/lib/bursar-node/keys/dora";
    town.governed.wait_for("the key to be withdrawn", 20, || {
        let output = town.governed.cluster().host().run(&["test", "-s", keys])?;
        Ok(if output.success() { Err(format!("{keys} is there")) } else { Ok(()) })
    })?;
    town.assert_out("dora", "Permission denied (publickey")?;
    // Even with a key of her own making she is refused, now by PAM.
    let login = town.people.iter().find(|(citizen, _)| citizen.name == "dora").unwrap().1.public();
    town.governed.cluster().host().write_file_as(
        "dora:dora",
        "/home/dora/.ssh/authorized_keys",
        login.as_bytes(),
        0o600,
    )?;
    town.assert_out("dora", "BSR-114: Ask the HPC team.")?;
    assert!(town.governed.cluster().host().run(&["test", "-d", "/home/dora"])?.success());
    town.governed.write_directory(&directory(&town.citizens()))?;
    town.governed.wait_for("dora to be enabled again", 20, || town.logs_in("dora"))
}

#[test]
fn given_root_and_the_hosts_own_people_then_bursar_is_not_in_their_way() -> Result<()> {
    let (town, _alone) = town();
    town.assert_in("lena")?;
    town.assert_in("root")?;
    assert_eq!(town.sh("su - lena -c 'id -un'")?, "lena\n");
    assert_eq!(town.sh("su - ana -c 'id -un'")?, "ana\n");
    // Without any grant there is no account on the host at all.
    town.assert_out("nora", "Permission denied (publickey")
}

/// Nobody of bursar's comes in, everybody else does, and sshd is the same process as before.
fn assert_only_locals(town: &Town, sshd: &str) -> Result<()> {
    town.assert_out("ana", "Access service unavailable")?;
    town.assert_out("eva", "BSR-100: Ask the HPC team.")?;
    town.assert_in("lena")?;
    town.assert_in("root")?;
    assert_eq!(town.sh("systemctl show --property=MainPID ssh")?, sshd);
    Ok(())
}

#[test]
fn given_no_bursard_and_then_no_usable_snapshot_then_only_the_hosts_own_people_come_in() -> Result<()> {
    let (town, _alone) = town();
    town.sh("systemctl stop bursard bursar-node.path bursar-node.service")?;
    let sshd = town.sh("systemctl show --property=MainPID ssh")?;
    town.assert_in("ana")?;
    town.assert_in("eva")?;
    town.sh(&format!("cp -p {HOST_SNAPSHOT} /root/good"))?;
    for damage in [
        "rm SNAP",
        "head -c 300 /root/good >SNAP",
        "head -c 5000 /dev/urandom >SNAP",
        ": >SNAP",
        "cp -p /root/good SNAP; chown nobody SNAP",
        "cp -p /root/good SNAP; chown bursar SNAP",
        "cp -p /root/good SNAP; chown root SNAP; chmod 666 SNAP",
        "rm SNAP; mkdir SNAP",
        "rmdir SNAP; mkfifo SNAP",
    ] {
        println!("{damage}");
        town.sh(&damage.replace("SNAP", HOST_SNAPSHOT))?;
        assert_only_locals(town, &sshd)?;
    }
    let log = town.sh("journalctl -t sshd --no-pager -o cat | grep -c 'node.snap'")?;
    assert!(log.trim().parse::<u32>().unwrap() >= 18, "{log}");
    town.sh(&format!("rm -r {HOST_SNAPSHOT}; cp -p /root/good {HOST_SNAPSHOT}"))?;
    town.assert_in("ana")?;
    town.sh("systemctl start bursar-node.path bursard")?;
    town.governed.wait_for("zoe to log in", 30, || town.logs_in("zoe"))
}

#[test]
fn given_an_older_generation_then_bursar_node_refuses_it() -> Result<()> {
    let (town, _alone) = town();
    let generation = || Ok::<_, bursar_tests::Error>(town.governed.snapshot(HOST_SNAPSHOT)?.generation());
    town.sh(&format!("cp -p {NODE_SNAPSHOT} /root/older"))?;
    let older = generation()?;
    let mut citizens = town.citizens();
    citizens.push(Citizen::new("late", "g-physics"));
    town.governed.write_directory(&directory(&citizens))?;
    town.governed.wait_for("the account of late", 20, || {
        let output = town.governed.cluster().host().run(&["getent", "passwd", "late"])?;
        Ok(if output.success() { Ok(()) } else { Err("not there".into()) })
    })?;
    let newer = generation()?;
    assert!(newer > older);
    town.sh("systemctl stop bursard; systemctl reset-failed bursar-node.service || true")?;
    town.sh(&format!("cp -p /root/older {NODE_SNAPSHOT}.x && mv {NODE_SNAPSHOT}.x {NODE_SNAPSHOT}"))?;
    let words = format!("the published snapshot has generation {older}, this host has {newer}");
    town.governed.wait_for("bursar-node to refuse", 15, || {
        let log = town.governed.log()?;
        Ok(if log.contains(&words) { Ok(()) } else { Err("not yet".into()) })
    })?;
    assert_eq!(generation()?, newer);
    assert!(town.sh("getent passwd late")?.contains(":/home/late:"));
    town.sh("systemctl start bursard")?;
    town.governed.write_directory(&directory(&town.citizens()))?;
    town.governed.wait_for("bursar-node to go on", 30, || {
        let now = generation()?;
        Ok(if now > newer { Ok(()) } else { Err(format!("generation {now}")) })
    })
}
