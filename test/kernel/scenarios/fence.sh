#!/bin/bash
# lrad keeps hosts from a drive by a reservation of its own, and ends stale reservations, on the kernel's own target.
# programs: lrad lractl
. /share/host.sh "$@"; . /share/lrad.sh
# The kernel holds commands of a session that does not answer back for so long; lrad is patient for 15 s.
export LAB_REPLACEMENT_S=90
lab drives DRV0001 || give_up "drives"
lab iscsi ctl hosta hostb || give_up "sessions"
log_in ctlv drive-VT00000001
log_in hostv drive-VT00000001
V=$(lab dev hostv VT00000001)
A=$(lab dev hosta DRV0001) B=$(lab dev hostb DRV0001) C=$(lab dev ctl DRV0001)
configure '{"serial": "DRV0001", "poll_ms": 250, "events": false,
            "interface": {"type": "sg", "device": "'"$C"'"}, "offline": {"actuator": "fence"}},
           {"serial": "VT00000001", "poll_ms": 250, "events": false,
            "interface": {"type": "sg", "device": "'"$(lab dev ctlv VT00000001)"'"}, "offline": {"actuator": "fence"}}'
start_lrad
# Conflicts, resets and preempted registrations are what this is about.
tolerate 'reservation conflict|reset|Power-on|Parameters changed|Registrations preempted|Reservations (preempted|released)'
state() { field .operational_state drive show DRV0001; }
fence() { field .fence.stands drive show DRV0001; }
held() { field .reservation.state drive show DRV0001; }
rewind() { sg_raw "$1" 01 0 0 0 0 0; }

eventually "lrad sees the drive" free 20 held
ok "hosts may use it" rewind "$B"
ok "an administrator forces a free drive offline" lrad drive offline DRV0001 --reason test
eventually "its fence stands" true 10 fence
refused "hosta may not rewind" 'onflict' rewind "$A"
refused "hostb may not rewind" 'onflict' rewind "$B"
ok "TEST UNIT READY goes on as if nothing were" sg_turs "$B"
keys=$(sg_persist -n -i -k "$B"); says "its key begins with LRA" '0x4c5241' "$keys"
is "no host is taken for its holder" free "$(held)"
kill -9 $lrad_pid; wait $lrad_pid 2>/dev/null
refused "kill -9 of lrad leaves it standing" 'onflict' rewind "$A"
start_lrad
eventually "and the next lrad knows it" true 20 fence
is "for its own" forced_offline "$(state)"
ok "hostb registers and preempts it" bash -c "sg_persist -n -o -G -S 0xbb $B && sg_persist -n -o -P -K 0xbb -S $(field .fence.key drive show DRV0001 | sed 's/^/0x/') -T 3 $B"
says_lost() { field '[.[] | select(.message == "LRA3020")] | length' event list; }
eventually "lrad notices" 1 20 says_lost
eventually "and puts it up again" true 20 fence
says "hostb hears of it once" 'Registrations preempted' "$(rewind "$B" 2>&1)"
refused "hostb is out again" 'onflict' rewind "$B"
ok "drive clear" lrad drive clear DRV0001 --reason test
ok "lifts it for hosta" rewind "$A"
ok "and for hostb" rewind "$B"
is "no key of lrad is left" 0 "$(sg_persist -n -i -k "$B" | grep -c 0x4c5241)"

ok "hosta reserves" bash -c "sg_persist -n -o -G -S 0xaa $A && sg_persist -n -o -R -K 0xaa -T 3 $A"
eventually "lrad sees that" reserved 10 held
ok "the drive is forced offline against a holder" lrad drive offline DRV0001 --reason test
eventually "its fence stands" true 20 fence
says "the holder hears of it once" 'Registrations preempted' "$(rewind "$A" 2>&1)"
refused "the holder is out" 'onflict' rewind "$A"
ok "drive clear" lrad drive clear DRV0001 --reason test
ok "hosta reserves again" bash -c "sg_persist -n -o -I -S 0xaa $A && sg_persist -n -o -R -K 0xaa -T 3 $A"
eventually "lrad sees that" reserved 10 held
lab logout hosta
eventually "which a logout does not end" reserved 10 held
plan=$(field '[.steps[] | .name + ":" + (.possible | tostring)] | join(" ")' drive release DRV0001 --plan)
is "the plan of a release" "ask_holder:false preempt:true reset:false" "$plan"
is "ends it by PREEMPT" "free by preempt" "$(field '.result + " " + .how' drive release DRV0001 --reason 'hosta is gone')"
ok "hostb may use it" rewind "$B"

ok "hostb reserves by RESERVE(6)" sg_raw "$B" 16 0 0 0 0 0
eventually "lrad sees that" reserved 10 held
lrad drive offline DRV0001 --reason test >/dev/null 2>&1
eventually "no fence is possible under it" unprotected 10 state
ok "drive clear" lrad drive clear DRV0001 --reason test
lrad drive release DRV0001 --allow-reset --reason test >$work/said 2>&1
is "a drive that does not say what it does is not reset: exit code 3" 3 $?
says "and the reason is told" 'nobody can say that the drive is at rest' "$(cat $work/said)"
ok "the holder releases it" sg_raw "$B" 17 0 0 0 0 0

# vtld's drive answers LOG SENSE under a RESERVE, as drives of SPC-2 and later do.
ok "hostv reserves vtld's drive by RESERVE(6)" sg_raw "$V" 16 0 0 0 0 0
eventually "lrad sees that" reserved 10 field .reservation.state drive show VT00000001
lrad drive release VT00000001 --reason test >$work/said 2>&1
is "without --allow-reset a release ends with exit code 3" 3 $?
is "with it the logical unit is reset, through sg" "free by reset" "$(field '.result + " " + .how' drive release VT00000001 --allow-reset --reason test)"
ok "which ended the RESERVE" sg_turs -n 3 "$(lab dev ctlv VT00000001)"
ok "for everybody" sg_raw "$(lab dev ctlv VT00000001)" 16 0 0 0 0 0

# A drive that hangs in the middle of a command, under the kernel's own error recovery.
ok "vtld's drive is given back" sg_raw "$(lab dev ctlv VT00000001)" 17 0 0 0 0 0
eventually "lrad sees that" free 10 field .reservation.state drive show VT00000001
looks() { field ".watch.$1" drive show DRV0001; }
before=$(looks looks) failed=$(looks looks_failed)
tolerate 'ping timeout|conn error|connection[0-9]+:|session recovery|session[0-9]+:|[Aa]bort|timed out|task|iscsi'
ok "vtld stops in the middle of everything" library pause
eventually "a drive that hangs is unreachable" unreachable 60 field .operational_state drive show VT00000001
is "with an alarm" '["drive_unreachable"]' "$(field '[.[] | select(.drive == "VT00000001") | .kind]' alarm list)"
# The kernel gives up the command under way when the session is lost, and holds the next one back.
eventually "and the shell says how long it has been hanging" true 60 field '.watch.hanging_ms >= 15000' drive show VT00000001
is "another drive was looked at all the time" true "$([ "$(looks looks)" -gt $((before + 20)) ] && echo true)"
is "and answered each time" "$failed" "$(looks looks_failed)"
ok "vtld goes on" library resume
eventually "the drive is online again" online 60 field .operational_state drive show VT00000001
eventually "and the alarm is over" '[]' 10 field '[.[] | select(.drive == "VT00000001") | .kind]' alarm list
stop_lrad
finish
