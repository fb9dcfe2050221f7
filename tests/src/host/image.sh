#!/bin/bash
# Makes the root directory of one host: the machine's own root below, a tmpfs above, and nothing personal in between.
#
# image.sh DIR NAME ADDRESS, run inside the guardian's namespaces before the host boots.
set -eu
dir=$1 name=$2 address=$3
mkdir -p "$dir/upper" "$dir/work" "$dir/root"

hide() { # a character device 0/0 in the upper layer makes the lower file or directory vanish
    [ -e "/$1" ] || [ -L "/$1" ] || return 0
    mkdir -p "$dir/upper/$(dirname "$1")"
    mknod "$dir/upper/$1" c 0 0
}

# Only the system itself is taken over: no build tree, no homes, no site data.
for entry in /* /.[!.]*; do
    entry=${entry#/}
    case $entry in
    bin | sbin | lib | lib32 | lib64 | libx32 | usr | etc | var | dev | proc | sys | run) ;;
    *) hide "$entry" ;;
    esac
done
for entry in /var/*; do
    case $entry in
    /var/lib | /var/run | /var/lock) ;;
    *) hide "${entry#/}" ;;
    esac
done
for entry in var/lib/mysql var/lib/slurm var/lib/docker var/lib/containerd var/lib/bursar var/lib/bursar-node \
    var/lib/systemd var/lib/apt etc/slurm etc/bursar etc/munge etc/machine-id etc/hostname etc/hosts etc/resolv.conf \
    etc/fstab etc/init.d etc/systemd/system etc/systemd/network etc/localtime usr/lib/bursar usr/sbin/bursard \
    usr/sbin/bursar-node usr/bin/bursar usr/lib/x86_64-linux-gnu/security/pam_bursar.so etc/environment \
    usr/sbin/policy-rc.d; do
    hide "$entry"
done
for entry in /etc/rc?.d /etc/ssh/ssh_host_* /etc/sudoers.d /etc/cron.* /etc/profile.d /etc/*- /usr/lib/systemd/system/bursar*; do
    [ -e "$entry" ] && hide "${entry#/}"
done

# metacopy and index are left to the kernel's defaults; the lower layer is never written.
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
install -d -m 755 home srv mnt media opt boot var/cache var/spool var/backups var/mail var/opt var/log var/local etc/systemd/system \
    etc/systemd/network var/lib/systemd etc/profile.d etc/ssh etc/slurm
install -d -m 700 root
install -d -m 1777 tmp var/tmp
install -m 664 -g utmp /dev/null var/log/wtmp
install -m 660 -g utmp /dev/null var/log/btmp
if getent passwd munge >/dev/null; then install -d -m 700 -o munge -g munge etc/munge var/log/munge; fi
if getent passwd slurm >/dev/null; then install -d -m 755 -o slurm -g slurm var/lib/slurm var/lib/slurm/slurmctld var/log/slurm; fi
if getent passwd mysql >/dev/null; then
    install -d -m 755 -o mysql -g mysql var/lib/mysql
    install -d -m 755 -o mysql -g adm var/log/mysql
fi

# The machine's people and passwords stay outside: system accounts only, and no password that works.
system='$3 < 1000 || ($3 >= 60000 && $3 < 65536)' # what Debian's policy gives to packages
awk -F: "$system" /etc/passwd >etc/passwd.new
awk -F: "$system" /etc/group | awk -F: -v OFS=: '{ $4 = ""; print }' >etc/group.new
awk -F: -v OFS=: '{ print $1, "*", 19000, 0, 99999, 7, "", "", "" }' etc/passwd.new >etc/shadow.new
awk -F: -v OFS=: '{ print $1, "*", "", "" }' etc/group.new >etc/gshadow.new
for file in passwd group shadow gshadow; do
    chown --reference="/etc/$file" "etc/$file.new"
    chmod --reference="/etc/$file" "etc/$file.new"
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
