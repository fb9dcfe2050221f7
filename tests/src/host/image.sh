#!/bin/bash
# Makes the root directory of one host: the machine's own root or another below, a tmpfs above, nothing personal between.
#
# image.sh DIR NAME ADDRESS LOWER, run inside the guardian's namespaces before the host boots.
set -eu
dir=$1 name=$2 address=$3 lower=${4%/}
mkdir -p "$dir/upper" "$dir/work" "$dir/root"

hide() { # a character device 0/0 in the upper layer makes the lower file or directory vanish
    [ -e "$lower/$1" ] || [ -L "$lower/$1" ] || return 0
    mkdir -p "$dir/upper/$(dirname "$1")"
    mknod "$dir/upper/$1" c 0 0
}

# Only the system itself is taken over: no build tree, no homes, no site data.
for entry in "$lower"/* "$lower"/.[!.]*; do
    entry=${entry#"$lower"/}
    case $entry in
    bin | sbin | lib | lib32 | lib64 | libx32 | usr | etc | var | dev | proc | sys | run) ;;
    *) hide "$entry" ;;
    esac
done
for entry in "$lower"/var/*; do
    entry=${entry#"$lower"/}
    case $entry in
    var/lib | var/run | var/lock) ;;
    *) hide "$entry" ;;
    esac
done
for entry in var/lib/mysql var/lib/slurm var/lib/docker var/lib/containerd var/lib/bursar var/lib/bursar-node \
    var/lib/systemd var/lib/apt etc/slurm etc/bursar etc/munge etc/machine-id etc/hostname etc/hosts etc/resolv.conf \
    etc/fstab etc/init.d etc/systemd/system etc/systemd/network etc/localtime usr/lib/bursar usr/sbin/bursard \
    usr/sbin/bursar-node usr/bin/bursar usr/lib/x86_64-linux-gnu/security/pam_bursar.so etc/environment \
    usr/sbin/policy-rc.d; do
    hide "$entry"
done
for entry in etc/rc?.d etc/ssh/ssh_host_* etc/sudoers.d etc/cron.* etc/profile.d etc/*- usr/lib/systemd/system/bursar*; do
    for found in "$lower"/$entry; do
        hide "${found#"$lower"/}"
    done
done

# metacopy and index are left to the kernel's defaults; the lower layer is never written.
mount -t overlay overlay -o "lowerdir=$lower/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
install -d -m 755 home srv mnt media opt boot var/cache var/spool var/backups var/mail var/opt var/log var/local etc/systemd/system \
    etc/systemd/network var/lib/systemd etc/profile.d etc/ssh etc/slurm
install -d -m 700 root
install -d -m 1777 tmp var/tmp
touch var/log/wtmp var/log/btmp
owned() { # MODE OWNER GROUP DIR...: by the names of the host, if it has the owner
    grep -q "^$2:" etc/passwd || return 0
    local mode=$1 owner=$2 group=$3
    shift 3
    chroot . install -d -m "$mode" -o "$owner" -g "$group" "${@/#//}"
}
chroot . chgrp utmp /var/log/wtmp /var/log/btmp
chmod 664 var/log/wtmp
chmod 660 var/log/btmp
owned 700 munge munge etc/munge var/log/munge
owned 755 slurm slurm var/lib/slurm var/lib/slurm/slurmctld var/log/slurm
owned 755 mysql mysql var/lib/mysql
owned 755 mysql adm var/log/mysql

# The machine's people and passwords stay outside: system accounts only, and no password that works.
system='$3 < 1000 || ($3 >= 60000 && $3 < 65536)' # what Debian's policy gives to packages
awk -F: "$system" etc/passwd >etc/passwd.new
awk -F: "$system" etc/group | awk -F: -v OFS=: '{ $4 = ""; print }' >etc/group.new
awk -F: -v OFS=: '{ print $1, "*", 19000, 0, 99999, 7, "", "", "" }' etc/passwd.new >etc/shadow.new
awk -F: -v OFS=: '{ print $1, "*", "", "" }' etc/group.new >etc/gshadow.new
for file in passwd group shadow gshadow; do
    chown --reference="etc/$file" "etc/$file.new"
    chmod --reference="etc/$file" "etc/$file.new"
    mv "etc/$file.new" "etc/$file"
done
: >etc/subuid
: >etc/subgid

: >etc/machine-id
: >etc/fstab
echo "$name" >etc/hostname
printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" >etc/hosts
ln -s /usr/share/zoneinfo/Etc/UTC etc/localtime
echo 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' >etc/environment
ssh-keygen -q -t ed25519 -N '' -f etc/ssh/ssh_host_ed25519_key

# Boot only what a host of a cluster needs.
ln -s /lib/systemd/system/multi-user.target etc/systemd/system/default.target
for unit in getty.target systemd-timesyncd.service systemd-update-utmp-runlevel.service \
    systemd-tmpfiles-clean.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer man-db.timer logrotate.timer systemd-pstore.service remote-fs.target \
    dev-hugepages.mount sys-fs-fuse-connections.mount systemd-firstboot.service; do
    ln -s /dev/null "etc/systemd/system/$unit"
done

ip netns add "$name"
ip link add "v-$name" type veth peer name host0 netns "$name"
ip link set "v-$name" master br0 up
ip -n "$name" address add "$address/24" dev host0
ip -n "$name" link set lo up
ip -n "$name" link set host0 up

# For commands before the boot; boot takes them away again.
mount --bind /dev "$dir/root/dev"
mount -t proc proc "$dir/root/proc"
