#!/bin/bash
# programs: dsad lractl
# Drives, nodes and ports that come and go while dsad runs. It would look again by itself only after an hour: what it knows
# within seconds it knows from the kernel's events.
. /share/host.sh
. /share/lrad.sh

dsad() { program lractl --socket $work/dsad.sock --timeout 30 "$@"; }
dsad_field() { local filter=$1; shift; dsad --json "$@" 2>/dev/null | jq -cr "$filter" 2>/dev/null; }
nodes_of() { dsad_field ".drives[] | select(.serial == \"$1\") | .tape_nodes | length" host show; }
known() { dsad_field '[.drives[].serial] | join(" ")' host show; }
ports() { dsad_field '[.ports[].port] | join(" ")' host show; }
start_dsad() {
  mkdir -p $work/keys
  echo "passphrase only for this guest" >$work/keys/user.key; chmod 600 $work/keys/user.key
  cat >$work/dsad.json <<END
{"agent": {"name": "this", "state_dir": "$work/dsad-state", "discovery_interval_ms": 3600000},
 "control": {"socket": "$work/dsad.sock"},
 "controllers": [{"name": "ctl", "address": "udp:127.0.0.1:16200", "user": "this"}],
 "drives": "discover", "ports": "discover", "application": {"observe_only": true},
 "snmp": {"listen": "udp:127.0.0.1:16201", "users": [{"name": "this", "auth": {"protocol": "SHA-256", "key_file": "keys/user.key"},
          "priv": {"protocol": "AES-128", "key_file": "keys/user.key"}}]}}
END
  LD_LIBRARY_PATH=$programs/lib $programs/dsad --config $work/dsad.json >>$work/lrad.log 2>&1 &
  dsad_pid=$!
  for ((i = 0; i < 200; i++)); do
    dsad --json status show >/dev/null 2>&1 && return 0
    kill -0 $dsad_pid 2>/dev/null || break
    sleep 0.1
  done
  cat $work/lrad.log; give_up "dsad does not answer"
}

ok "two drives of the kernel's target" lab drives DRV0001 DRV0002
ok "two initiators see them" lab iscsi ctl hosta
ok "one of them is away for now" lab logout hosta
lab ua
start_dsad
is "dsad knows both drives" "DRV0001 DRV0002" "$(known)"
is "by one node each" "1 1" "$(nodes_of DRV0001) $(nodes_of DRV0002)"
is "and the port that is there" 1 "$(dsad_field '[.ports[] | select(.port | contains("ctl"))] | length' host show)"

ok "the other initiator logs in" lab login hosta
eventually "its port is known within seconds" 1 10 dsad_field '[.ports[] | select(.port | contains("hosta"))] | length' host show
eventually "and its nodes are" "2" 10 nodes_of DRV0002
lab ua

node=$(lab nst hosta DRV0001)
echo 1 >/sys/class/scsi_tape/"${node##*/}"/device/delete
eventually "a node that is taken away is gone within seconds" "1" 10 nodes_of DRV0001
is "the other drive keeps both" 2 "$(nodes_of DRV0002)"
for node in $(lab map | awk -F'\t' '$3 == "DRV0001" {print $5}'); do echo 1 >/sys/class/scsi_tape/"${node##*/}"/device/delete; done
eventually "a drive without any node is still this host's" "DRV0001 " 10 dsad_field \
  '.drives[] | select(.serial == "DRV0001") | .serial + " " + (.tape_nodes | join(","))' host show

other=$(lab nst ctl DRV0002)
refused "a node that is another drive's is refused by its serial number" "is drive DRV0002|the node of drive DRV0002" \
  dsad drive map DRV0001 --device "$other"
refused "through a link too" "is drive DRV0002|the node of drive DRV0002" bash -c "ln -sf $other /dev/by-hand; LD_LIBRARY_PATH=$programs/lib \
  $programs/lractl --socket $work/dsad.sock --timeout 30 drive map DRV0001 --device /dev/by-hand"
ok "a drive that is not found is added by hand" dsad drive add DRV0009 --name LTO9 --device /dev/nst99
is "and shown as that" by_hand "$(dsad_field '.drives[] | select(.serial == "DRV0009") | .source' host show)"

kill -HUP $dsad_pid
eventually "a reload forgets the drive that is gone, and keeps what was said by hand" "DRV0002 DRV0009" 20 known
kill $dsad_pid; wait $dsad_pid
is "dsad ends cleanly" 0 $?
tolerate 'connection[0-9]+:|session[0-9]+:|scsi [0-9]|Synchronizing'
lab down
finish
