#!/bin/bash
# programs: dsad lractl sample-backup-application
# Three machines: the host that reserves first. "Is this WWPN my HBA?" is answered from what its kernel says.
. /share/host.sh; . /share/lrad.sh; . /share/agent.sh
barrier wait target
lab fc-hba "$VM_NAME" eth0 || give_up "HBA"
lab settle 2; lab map
start_dsad DRV0001 DRV0002 DRV0003
is "the host finds its HBA's port" fc:2000020000000102 "$(dsad_field '.ports[0].port' host show)"
is "and all drives" "DRV0001 DRV0002 DRV0003" "$(dsad_field '[.drives[].serial] | join(" ")' host show)"
is "with the nodes that Linux gave them" "$(lab nst "$VM_NAME" DRV0001)" "$(dsad_field '.drives[0].tape_nodes[0]' host show)"

barrier wait agents
A=$(lab dev "$VM_NAME" DRV0001)
ok "hosta registers" sg_persist -n -o -G -S 0xaa "$A"
ok "and reserves the first drive" sg_persist -n -o -R -K 0xaa -T 3 "$A"
barrier set reserved
barrier wait confirmed
is "its own application keeps the drive" "drive DRV0001 is online" "$(application drive status DRV0001)"
barrier set a-looked

barrier wait b-looked
ok "hosta releases it" sg_persist -n -o -L -K 0xaa -T 3 "$A"
ok "and takes its registration back" sg_persist -n -o -G -K 0xaa -S 0 "$A"
barrier set released

barrier wait seen-b
is "what hostb holds is offline in hosta's application" "drive DRV0002 is offline" "$(application drive status DRV0002)"
barrier set done-b

# Nothing but this host's open files tells whose a RESERVE(6) is.
barrier wait ask-me
sg=$(lab dev "$VM_NAME" DRV0003) tape=$(lab nst "$VM_NAME" DRV0003)
sg_turs -n 3 "$sg" >/dev/null 2>&1
ok "hosta reserves the third drive by RESERVE(6)" sg_raw "$sg" 16 0 0 0 0 0
exec 9<"$tape"  # by this shell: a child would be looked at before it has come to open anything
sleep 600 & user=$!
exec 9<&-
ok "and a program of hosta has $tape open" test "$(readlink /proc/$user/fd/9)" = "$tape"
barrier set reserve6
barrier wait named
is "its own application keeps the drive" "drive DRV0003 is online" "$(application drive status DRV0003)"
barrier wait b-kept-off
kill $user; wait $user 2>/dev/null
barrier set closed
barrier wait unnamed
ok "RELEASE(6)" sg_raw "$sg" 17 0 0 0 0 0
barrier set released6
barrier end 3
kill $dsad_pid; wait $dsad_pid
is "dsad ends cleanly" 0 $?
tolerate 'fcoe|libfc|lport|rport|host[0-9]+:|reservation conflict|scsi [0-9]'
finish
