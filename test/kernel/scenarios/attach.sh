#!/bin/bash
# Discovery, login, and what the kernel makes of the library: st, ch and sg nodes.
. /share/host.sh "$@"
host=hosta

# A discovery answer names the address the library was reached at, 127.0.0.1 through the forwarder; so it is asked there.
socat TCP-LISTEN:"$port",bind=127.0.0.1,reuseaddr,fork TCP:"$portal" & relay=$!
for ((i = 0; i < 50; i++)); do grep -qi "0100007F:$(printf %04X "$port")" /proc/net/tcp && break; sleep 0.1; done
modprobe -a iscsi_tcp sg st ch
lab initiator
found=$(iscsiadm -m discovery -t sendtargets -p 127.0.0.1:"$port" 2>&1)
is "discovery names two drives and the changer" "$prefix:changer $prefix:drive-VT00000001 $prefix:drive-VT00000002" \
  "$(awk '{print $2}' <<<"$found" | sort | tr '\n' ' ' | sed 's/ $//')"
ok "what was discovered can be logged in to" iscsiadm -m node -T "$prefix:drive-VT00000002" -p 127.0.0.1:"$port" --login
ok "and logged out of" iscsiadm -m node -T "$prefix:drive-VT00000002" -p 127.0.0.1:"$port" --logout
kill $relay

log_in $host drive-VT00000001 drive-VT00000002 changer
lsscsi -g
devices=$(lsscsi -g)
says "st has the first drive" 'tape +LRA +VIRTUAL-LTO8 .*/dev/st0 +/dev/sg0' "$devices"
says "st has the second drive" 'tape +LRA +VIRTUAL-LTO8 .*/dev/st1 +/dev/sg1' "$devices"
says "ch has the changer" 'mediumx +LRA +VIRTUAL-LIB .*/dev/sch0 +/dev/sg2' "$devices"
is "three sessions" 3 "$(lab map | wc -l)"
is "the serial numbers are told to sysfs" "VT00000001 VT00000002 VTL0000001" "$(lab map | cut -f3 | sort | tr '\n' ' ' | sed 's/ $//')"
is "the library sees three sessions of this host" 3 \
  "$(library lractl --json session list | jq '[.[] | select(tostring | contains("iqn.2026-01.lab.vm:hosta"))] | length')"
ok "logout of everything" lab logout $host
ok "nothing is left" test -z "$(lsscsi)"
finish
