#!/bin/bash
# programs: lrad lractl
# Which drives there are, by which nodes; and nodes that are numbered anew under lrad's feet.
. /share/host.sh
. /share/lrad.sh

ok "two drives of the kernel's target" lab drives DRV0001 DRV0002
ok "three initiators see them" lab iscsi ctl hosta hostb
lab ua
N1=$(lab dev ctl DRV0001) N2=$(lab dev ctl DRV0002)

program lrad --discover --json >$work/found.json 2>$work/said || cat $work/said
found() { jq -cr "$1" $work/found.json; }
is "discovery finds both drives, by their serial numbers" '["DRV0001","DRV0002"]' "$(found '[.drives[].serial]')"
is "each once, with the nodes of all three initiators" '[3,3]' "$(found '[.drives[].paths | length]')"
is "the nodes are those that lsscsi shows" "$(lab map | awk -F'\t' '$3 == "DRV0001" {print $4}' | sort)" \
  "$(found '.drives[0].paths[].path' | sort)"
is "it knows the drive's names" "$(sg_vpd -p di_lu -q "$N1" | sed -n 's/^ *0x//p' | head -n 1)" \
  "$(found '.drives[0].logical_unit_names[]' | sed -n 's/^naa //p')"
is "nothing did not answer" '[]' "$(found .problems)"
found '.configuration.drives[] | . + {"poll_ms": 200}' >$work/pasted
says "the configuration to paste names drives by serial number alone" '"interface":\{"type":"sg"\}' "$(cat $work/pasted)"

# Watched as printed, but one of them with a node to begin with: the other drive's.
configure "$(head -n 1 $work/pasted | jq -c ".interface.device = \"$N2\"")"
start_lrad
eventually "a node that leads to another drive is no way; the drive is found by its serial number" online 20 \
  field '.[0].operational_state' drive list
is "no alarm for that" '[]' "$(field . alarm list)"
A=$(lab dev hosta DRV0001)
ok "hosta registers" sg_persist -n -o -G -S 0xaa "$A"
ok "hosta reserves" sg_persist -n -o -R -K 0xaa -T 3 "$A"
eventually "and the reservation is seen" reserved 10 field '.[0].reservation.state' drive list

found_by_shell() { field "$1" drive discover; }
is "the shell tells which drive is configured" '[true,false]' "$(found_by_shell '[.drives[].configured]')"

# Every node of DRV0001 goes; under its first one comes DRV0002.
device_of() { readlink -f /sys/class/scsi_generic/"${1##*/}"/device; }
scan() { echo "0 0 $2" >/sys/class/scsi_host/"$1"/scan; }
ctl=$(basename "$(device_of "$N1")") ctl=host${ctl%%:*}
doomed=$(lab map | awk -F'\t' '$3 == "DRV0001" {print $4}')
# The node it is watched through last: it shall not be found elsewhere meanwhile.
for node in $(grep -vx "$N1" <<<"$doomed") $N2 $N1; do echo 1 >"$(device_of "$node")"/delete; done
eventually "a drive whose nodes are gone is unreachable" unreachable 30 field '.[0].operational_state' drive list
eventually "with the alarm for that" drive_unreachable 5 field '.[0].kind' alarm list
scan "$ctl" 1
for ((i = 0; i < 50; i++)); do N=$(lab dev ctl DRV0002) && [ -n "$N" ] && break; sleep 0.1; done
says "another drive has come under one of the nodes it had" "^$N\$" "$doomed"
lrad drive poll DRV0001 >/dev/null 2>&1
eventually "it is refused, with an alarm of its own" drive_path_changed 20 field '.[].kind' alarm list
text=$(field '.[].text' alarm list)
says "that names drive, path and serial number, and the next step" \
  "drive DRV0001: $N leads to drive DRV0002 now and is not used; .lractl drive discover." "$text"
is "the drive is unreachable" unreachable "$(field '.[0].operational_state' drive list)"
is "the shell says that it was not found" '["DRV0001"]' "$(found_by_shell .not_found)"

scan "$ctl" 0
for ((i = 0; i < 50; i++)); do N1=$(lab dev ctl DRV0001) && [ -n "$N1" ] && break; sleep 0.1; done
lrad drive poll DRV0001 >/dev/null 2>&1
eventually "the drive comes back under another node and is found there" online 20 field '.[0].operational_state' drive list
is "the alarm is over" '[]' "$(field . alarm list)"
is "its reservation is what it was" reserved "$(field '.[0].reservation.state' drive list)"
is "the shell tells where it is now" "$N1" "$(found_by_shell '.drives[] | select(.serial == "DRV0001") | .found_again_at')"
says "so does the log" "drive DRV0001 is found again at $N1" "$(cat $work/lrad.log)"
lrad drive discover

stop_lrad
lab down
finish
