#!/bin/bash
# A cleaning cartridge as mtx, mt, sg3_utils and the kernel's st driver meet it.
. /share/host.sh "$@"
host=hosta
log_in $host drive-VT00000001 changer
robot=$(changer_of $host) tape=$(lab nst $host VT00000001) drive=$(lab dev $host VT00000001)
alert() { sg_logs -p 0x2e "$drive" 2>&1 | grep -E ': *[1-9]'; }  # what is raised

ok "a cleaning cartridge for two cleanings" library lractl cartridge create CLN001L8 --cleaning --cleanings 2
slot=$(mtx -f "$robot" status | sed -nE 's/.*Storage Element ([0-9]+):Full :VolumeTag=CLN001L8.*/\1/p')
says "mtx sees it in a slot" '^[0-9]+$' "$slot"
tolerate 'st 0|st0|\[st[0-9]\]'
ok "it is loaded" mtx -f "$robot" load "$slot" 0
says "mtx tells where it is" "Data Transfer Element 0:Full \\(Storage Element $slot Loaded\\):VolumeTag = CLN001L8" "$(mtx -f "$robot" status)"
refused "the drive is not ready" 'not ready' sg_turs -v "$drive"
says "and says why" 'Cleaning cartridge installed' "$(sg_turs -vv "$drive" 2>&1)"
says "TapeAlert 11 is raised" 'Cleaning media' "$(alert)"
says "its memory tells the medium type" 'Medium type: 0x1' "$(sg_read_attr "$drive" 2>&1)"
# A blocking open waits two minutes for a drive that is not ready.
refused "it can not be written" 'Input/output error' dd if=/dev/zero of="$tape" oflag=nonblock bs=10k count=1
refused "nor read" 'Input/output error' dd if="$tape" iflag=nonblock of=/dev/null bs=10k count=1
says "mt knows no place on it" 'File number=-1' "$(mt -f "$tape" status 2>&1)"
ok "mtx brings it back" mtx -f "$robot" unload "$slot" 0
says "its slot has it" "Storage Element $slot:Full :VolumeTag=CLN001L8" "$(mtx -f "$robot" status)"
is "a cleaning is done" 1 "$(library lractl --json cartridge show CLN001L8 | jq .cleanings_done)"

ok "once more" mtx -f "$robot" load "$slot" 0
ok "UNLOAD lets go of it" sg_raw "$drive" 1b 00 00 00 00 00
says "the drive says that it is empty" 'Medium not present' "$(sg_turs -vv "$drive" 2>&1)"
ok "and the robot takes it" mtx -f "$robot" unload "$slot" 0
is "both cleanings are done" 2 "$(library lractl --json cartridge show CLN001L8 | jq .cleanings_done)"
ok "it is loaded when it is used up" mtx -f "$robot" load "$slot" 0
says "TapeAlert 22 is raised" 'Expired cleaning' "$(alert)"
says "and no cleaning was done" 'Cleaning failure' "$(sg_turs -vv "$drive" 2>&1)"
ok "the robot takes it" mtx -f "$robot" unload "$slot" 0
is "nothing was counted" 2 "$(library lractl --json cartridge show CLN001L8 | jq .cleanings_done)"

ok "a data cartridge" put VT0001L8 0
says "is ready" 'ONLINE' "$(mt -f "$tape" status)"
ok "is written" tar cf "$tape" /etc/hostname
finish
