#!/bin/bash
# The robot as mtx and the kernel's ch driver know it, and the library's own volumes.
. /share/host.sh "$@"
host=hosta
log_in $host drive-VT00000001 drive-VT00000002 changer
robot=$(changer_of $host) tape=$(lab nst $host VT00000001)

status=$(mtx -f "$robot" status); echo "$status"
says "mtx counts drives and slots" 'Storage Changer /dev/sg[0-9]+:2 Drives, [0-9]+ Slots \( 1 Import/Export \)' "$status"
says "slot 1 holds a cartridge with its volume tag" 'Storage Element 1:Full :VolumeTag=VT0001L8' "$status"
says "slot 4 is empty" 'Storage Element 4:Empty' "$status"
says "drive 0 is empty" 'Data Transfer Element 0:Empty' "$status"
ok "inventory" mtx -f "$robot" inventory
ok "load from slot 1 to drive 0" mtx -f "$robot" load 1 0
says "drive 0 tells slot and volume tag" 'Data Transfer Element 0:Full \(Storage Element 1 Loaded\):VolumeTag = VT0001L8' "$(mtx -f "$robot" status)"
says "the tape is ready in st" 'ONLINE' "$(mt -f "$tape" status)"
refused "a full drive takes no second cartridge" 'already (full|loaded)|Full' mtx -f "$robot" load 2 0
ok "transfer from slot 2 to slot 5" mtx -f "$robot" transfer 2 5
says "slot 5 holds it" 'Storage Element 5:Full :VolumeTag=VT0002L8' "$(mtx -f "$robot" status)"
says "slot 2 does not" 'Storage Element 2:Empty' "$(mtx -f "$robot" status)"
refused "an empty slot can not be loaded" 'Empty' mtx -f "$robot" load 2 1
ok "load to the second drive" mtx -f "$robot" load 5 1
ok "unload to another slot" mtx -f "$robot" unload 7 0
says "slot 7 holds it" 'Storage Element 7:Full :VolumeTag=VT0001L8' "$(mtx -f "$robot" status)"
slots=$(mtx -f "$robot" status | sed -nE 's/.*:2 Drives, ([0-9]+) Slots.*/\1/p')
ok "a cartridge goes to the import/export element, the last one for mtx" mtx -f "$robot" transfer 3 "$slots"
says "it is there" 'IMPORT/EXPORT:Full :VolumeTag=VT0003L8' "$(mtx -f "$robot" status)"
ok "and comes back" mtx -f "$robot" transfer "$slots" 3
ok "exchange" mtx -f "$robot" exchange 7 3
says "they changed places" 'Storage Element 3:Full :VolumeTag=VT0001L8' "$(mtx -f "$robot" status)"
ok "unload of the second drive to where it came from" mtx -f "$robot" unload 5 1
ok "the robot's identity" mtx -f "$robot" inquiry

slot=$(mtx -f "$robot" status | sed -nE 's/.*Storage Element ([0-9]+):Full :VolumeTag=ADMDRVL8.*/\1/p')
ok "the administrative volume ADMDRV is loaded like any other" mtx -f "$robot" load "$slot" 0
ok "its header is read" dd if="$tape" of=$work/header bs=64k
says "it is a line of JSON of that type" '"type":"ADMDRV"' "$(cat $work/header)"
ok "its records are, behind the filemark" dd if="$tape" of=$work/records bs=64k
is "as many records as the header says" "$(jq .records $work/header)" "$(wc -l <$work/records)"
is "their checksum is the header's" "$(jq -r .sha256 $work/header)" "$(sha256sum $work/records | cut -d' ' -f1)"
says "the records know this host" 'iqn.2026-01.lab.vm:hosta' "$(cat $work/records)"
refused "it can not be written" 'Read-only|Permission|Operation not permitted' dd if=/dev/zero of="$tape" bs=64k count=1
ok "the volume goes back" mtx -f "$robot" unload "$slot" 0

node=$(sch_of "$robot")
ok "the ch driver has a node for it" test -c "$node"
says "it told the elements it found" 'ch.*type #4 \(dt\): 0x100\+2' "$(dmesg)"
finish
