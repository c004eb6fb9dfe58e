#!/usr/bin/env bash
# The first process of a machine in namespaces of its own (mount, network, processes): it starts what standard input
# says, a line `NAME COMMAND` each, and ends with standard input; everything in the machine ends with it.
# What services write to the system's directories goes to DIRECTORY, and no setting of the system around is changed.
set -euo pipefail
directory=${1:?usage: machine.sh DIRECTORY LINK ADDRESS GATEWAY} link=$2 address=$3 gateway=$4
mount --make-rprivate /
for place in var/lib var/log; do
  mkdir -p "$directory/layers/$place" "$directory/work/$place"
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=$directory/layers/$place,workdir=$directory/work/$place" "/$place"
done
mount -t tmpfs tmpfs /run
# A kubelet sets these for the whole system: here it finds files instead.
mkdir -p "$directory/settings" "$directory/logs" "$directory/ended"
for setting in vm/overcommit_memory kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  file="$directory/settings/${setting//\//.}"
  cat "/proc/sys/$setting" >"$file"
  mount --bind "$file" "/proc/sys/$setting"
done
echo created
# The link is moved in from outside.
read -r _
ip link set lo up
ip address add "$address/30" dev "$link"
ip link set "$link" up
ip route add default via "$gateway"
echo 1 >/proc/sys/net/ipv4/ip_forward
echo ready
while IFS= read -r line; do
  name=${line%% *} command=${line#* }
  {
    status=0
    bash -c "exec $command" </dev/null >>"$directory/logs/$name.log" 2>&1 || status=$?
    echo "$status" >"$directory/ended/$name"
  } &
done
