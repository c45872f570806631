#!/bin/bash
# programs: dsad lractl sample-backup-application
# Three machines: the host whose application has to let go.
. /share/host.sh; . /share/lrad.sh; . /share/agent.sh
barrier wait target
lab fc-hba "$VM_NAME" eth0 || give_up "HBA"
lab settle 2; lab map
start_dsad DRV0001 DRV0002 DRV0003
is "the host finds its HBA's port" fc:2000020000000103 "$(dsad_field '.ports[0].port' host show)"

barrier wait confirmed
is "what hosta holds is offline in hostb's application" "drive DRV0001 is offline" "$(application drive status DRV0001)"
is "the other drive is not touched" "drive DRV0002 is online" "$(application drive status DRV0002)"
refused "the drive's hardware refuses hostb, as it should" 'Reservation Conflict' sg_raw "$(lab dev "$VM_NAME" DRV0001)" 01 0 0 0 0 0
barrier wait a-looked
barrier set b-looked

barrier wait free
is "the drive is online in hostb's application again" "drive DRV0001 is online" "$(application drive status DRV0001)"
B=$(lab dev "$VM_NAME" DRV0002)
ok "hostb registers" sg_persist -n -o -G -S 0xbb "$B"
ok "and reserves the second drive" sg_persist -n -o -R -K 0xbb -T 1 "$B"
barrier set taken-by-b
barrier wait done-b
is "its own application keeps it" "drive DRV0002 is online" "$(application drive status DRV0002)"

barrier wait named
is "what hosta says it uses is offline in hostb's application" "drive DRV0003 is offline" "$(application drive status DRV0003)"
barrier set b-kept-off
barrier wait free6
is "and online again when it is free" "drive DRV0003 is online" "$(application drive status DRV0003)"
barrier set looked6
barrier end 3
kill $dsad_pid; wait $dsad_pid
is "dsad ends cleanly" 0 $?
tolerate 'fcoe|libfc|lport|rport|host[0-9]+:|reservation conflict|scsi [0-9]'
finish
