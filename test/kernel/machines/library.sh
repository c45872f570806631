#!/bin/bash
# programs: lrad lractl
# Three machines: the library, with lrad at its own HBA. It knows the hosts' agents, and none of their ports.
. /share/host.sh; . /share/lrad.sh
lab drives DRV0001 DRV0002 DRV0003 || give_up "drives"
lab fc-target hosta=02:00:00:00:01:02 hostb=02:00:00:00:01:03 ctl=02:00:00:00:00:20 || give_up "target"
lab fc-own ctl=02:00:00:00:00:20 || give_up "the library's own HBA"
barrier set target
lab settle 2; lab map

mkdir -p $work/keys
echo "passphrase only for this guest" >$work/keys/user.key; chmod 600 $work/keys/user.key
user() { echo '{"name": "'$1'", "auth": {"protocol": "SHA-256", "key_file": "keys/user.key"}, "priv": {"protocol": "AES-128", "key_file": "keys/user.key"}}'; }
drive() { echo '{"serial": "'$1'", "poll_ms": 300, "events": false, "interface": {"type": "sg", "device": "'$(lab dev ctl $1)'"}, "offline": {"actuator": "alarm"}}'; }
domain() { echo "{\"name\": \"application-$1\", \"ports\": [${2:+\"$2\"}]}"; }
agent() { echo '{"name": "'$1'", "address": "udp:'$2':16201", "domain": "application-'$1'", "user": "'$1'"}'; }
write_configuration() { # PORT-OF-HOSTA
  cat >$work/lrad.json <<END
{"controller": {"id": "ctl", "state_dir": "$work/lrad-state"}, "control": {"socket": "$work/lrad.sock"},
 "drives": [$(drive DRV0001), $(drive DRV0002), $(drive DRV0003)],
 "domains": [$(domain hosta $1), $(domain hostb)],
 "agents": [$(agent hosta 10.9.0.2), $(agent hostb 10.9.0.3)],
 "handshake": {"timeout_ms": 20000}, "reservation": {"holder_inquiry_ms": 20000, "holder_inquiry_repeat_ms": 3000},
 "snmp": {"listen": "udp:10.9.0.1:16200", "users": [$(user hosta), $(user hostb)]}}
END
}
write_configuration
start_lrad
agents() { field '[.[] | select(.state == "started") | .name] | sort | join(" ")' agent list; }
eventually "both agents have started" "hosta hostb" 120 agents
state_of() { field ".reservation.$2" drive show "$1"; }
barrier set agents

barrier wait reserved
eventually "the drive is seen reserved" reserved 30 state_of DRV0001 state
is "by the fibre channel port of hosta" fc:2000020000000102 \
  "$(field '.reservation.holders[0] | .transport + ":" + .name' drive show DRV0001)"
is "as the drive's full status says" full_status "$(state_of DRV0001 evidence)"
is "the other drive is free" free "$(state_of DRV0002 state)"
settled() { field 'length' handshake list; }
eventually "both agents have confirmed" 0 60 settled
barrier set confirmed

barrier wait released
eventually "the drive is free again" free 30 state_of DRV0001 state
eventually "both agents have confirmed that, too" 0 60 settled
barrier set free

barrier wait taken-by-b
holder_of() { field '.reservation.holders[0] | .transport + ":" + .name' drive show "$1"; }
eventually "the other drive is held by hostb" fc:2000020000000103 30 holder_of DRV0002
eventually "and both agents have confirmed" 0 60 settled
barrier set seen-b
barrier wait done-b

# Under a RESERVE no command names the holder to anybody else. A host is believed for ports that the administrator has given its domain.
write_configuration fc:2000020000000102
kill -HUP $lrad_pid
read_again() { grep -c 'configuration read again' $work/lrad.log; }
eventually "lrad hears of hosta's port" 1 30 read_again
is "a drive with RESERVE(6) is free before it" free "$(state_of DRV0003 state)"
barrier set ask-me
barrier wait reserve6
word() { echo "$(state_of DRV0003 kind) $(state_of DRV0003 evidence) $(holder_of DRV0003)"; }
eventually "the holder of a RESERVE(6) is who says that a program there has its tape node open" \
  "legacy host_asserted fc:2000020000000102" 60 word
which_program() { field '.holder_search' drive show DRV0003 | grep -oE '/dev/nst[0-9]+ is open in sleep' | head -n 1 | tr -d 0-9; }
eventually "and which program it is" "/dev/nst is open in sleep" 20 which_program
eventually "both agents have confirmed" 0 60 settled
barrier set named

barrier wait closed
eventually "a program that has ended is no sign any more" "legacy none :" 60 word
eventually "and nobody is named by guessing" holder_unknown 30 field '[.[] | .kind] | join(" ")' alarm list
barrier set unnamed
barrier wait released6
eventually "the drive is free again" free 30 state_of DRV0003 state
eventually "both agents have confirmed that" 0 60 settled
barrier set free6
barrier wait looked6
is "no alarm is left" 0 "$(field length alarm list)"
barrier end 3
stop_lrad
tolerate 'fcoe|libfc|lport|rport|host[0-9]+:|bridge|device .* promiscuous|TARGET_CORE|tcm_fc|Unable to locate|scsi [0-9]'
finish
