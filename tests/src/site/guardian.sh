#!/bin/bash
# The first process of one run: everything the run creates lives in its namespaces and ends with it.
#
# Started as `unshare --mount --net --pid --fork --kill-child --mount-proc bash guardian.sh DIR`. Standard input is a pipe
# held by the run; when the run ends, however it ends, the pipe closes and this script takes everything down. Standard
# output is the lock that the run holds, so the lock is free exactly when nothing of the run is left.
set -u
dir=$1
exec 3<&0 9>>"$dir/lock"
flock --nonblock 9 || { echo "another guardian holds $dir/lock" >&2; exit 1; }

cleanup() {
    kill -KILL -1 2>/dev/null
    local tries=200 left group
    while [ "$tries" -gt 0 ]; do
        left=0
        while read -r group; do
            [ -d "$group" ] || continue
            find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
            [ -d "$group" ] && left=1
        done < <(cat "$dir/cgroups" 2>/dev/null)
        [ "$left" = 0 ] && break
        tries=$((tries - 1))
        sleep 0.05
    done
    umount --lazy "$dir/mnt" 2>/dev/null
    rm -rf --one-file-system "$dir"
    exit 0
}
trap cleanup TERM
trap '' INT HUP

# A private /run: systemd-nspawn and ip keep their state there, and none of it may reach the machine.
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 bursar-run /run
mkdir -p /run/netns /run/lock
mount -t tmpfs -o mode=755 bursar-hosts "$dir/mnt"
ip link set lo up
ip link add br0 type bridge
ip address add 10.77.0.1/24 dev br0
ip link set br0 up
set +e

echo ready >"$dir/ready"
cat <&3 >/dev/null &
wait $!
if [ -e "$dir/keep" ]; then
    # The owner asked for the hosts to outlive it: wait for `make demo-stop`.
    sleep infinity &
    wait $!
fi
cleanup
