#!/bin/bash
# outside: lrad
# Two initiators and one drive: what sg3_utils sees, and who may do what under a reservation.
. /share/host.sh "$@"
host=hosta
log_in hosta drive-VT00000001 changer
log_in hostb drive-VT00000001
A=$(lab dev hosta VT00000001) B=$(lab dev hostb VT00000001) TA=$(lab nst hosta VT00000001) TB=$(lab nst hostb VT00000001)
ok "a cartridge" put VT0001L8 0
lab ua

says "sg_inq" 'Product identification: VIRTUAL-LTO8' "$(sg_inq "$A")"
says "unit serial number" 'VT00000001' "$(sg_inq -p 0x80 "$A")"
says "device identification" 'T10 vendor identification' "$(sg_vpd -p di "$A")"
says "supported VPD pages" 'Device identification' "$(sg_vpd "$A")"
says "log pages" '[Tt]ape ?[Aa]lert' "$(sg_logs "$A")"
for page in 0x02 0x03 0x0c 0x0d 0x11 0x17 0x1b 0x2e 0x30 0x31 0x32; do ok "sg_logs page $page" sg_logs -p $page "$A"; done
ok "mode pages" sg_modes -a "$A"
says "medium attributes" 'Medium type' "$(sg_read_attr "$A")"
ok "operation codes" sg_opcodes "$A"
ok "READ BUFFER" sg_read_buffer -m echo_desc "$A"
ok "LUNs" sg_luns "$A"
says "target port group, ports and identification of the changer" 'VTL0000001' "$(sg_inq -p 0x80 "$(changer_of hosta)")"
says "mode pages of the changer" 'lement address assignment' "$(sg_modes -a "$(changer_of hosta)")"

ok "hosta writes" tar cf "$TA" /etc/hosts
ok "both register" bash -c "sg_persist -n -o -G -S 0xaa $A && sg_persist -n -o -G -S 0xbb $B"
ok "hosta reserves, exclusive access" sg_persist -n -o -R -K 0xaa -T 3 "$A"
full=$(sg_persist -n -i -s "$B"); echo "$full"
is "READ FULL STATUS names two registrants" 2 "$(grep -c Key= <<<"$full")"
says "the holder is hosta" 'iqn.2026-01.lab.vm:hosta,i,0x' "$(grep -A5 'Reservation holder' <<<"$full")"
# 118: RESERVATION CONFLICT, with the mark the kernel's middle layer adds.
tolerate 'reservation conflict|Error 118 |Error on write filemark|Parameters changed'
refused "hostb may not rewind" 'Input/output error|Device or resource busy' mt -f "$TB" rewind
refused "hostb may not write" 'Input/output error|Device or resource busy' tar cf "$TB" /etc/hosts
refused "nor by sg" 'Reservation Conflict|conflict' sg_raw "$B" 01 0 0 0 0 0
ok "hosta goes on" tar cf "$TA" /etc/hosts
ok "hosta releases" sg_persist -n -o -L -K 0xaa -T 3 "$A"
ok "now hostb may" mt -f "$TB" rewind
ok "and write" tar cf "$TB" /etc/passwd
ok "hostb takes it, hosta preempts" bash -c "sg_persist -n -o -R -K 0xbb -T 3 $B && sg_persist -n -o -P -K 0xaa -S 0xbb -T 3 $A"
says "hosta holds it" 'Key=0xaa' "$(sg_persist -n -i -r "$A")"
ok "clear" sg_persist -n -o -C -K 0xaa "$A"
lab ua

ok "RESERVE(6) by hostb" sg_raw "$B" 16 0 0 0 0 0
refused "hosta may not write" 'Input/output error|Device or resource busy' tar cf "$TA" /etc/hosts
refused "nor reserve" 'onflict' sg_raw "$A" 16 0 0 0 0 0
ok "hostb may" mt -f "$TB" rewind
ok "RELEASE(6)" sg_raw "$B" 17 0 0 0 0 0
ok "hosta is on again" mt -f "$TA" rewind
ok "RESERVE(6) by hostb" sg_raw "$B" 16 0 0 0 0 0
ok "ends when hostb logs out" lab logout hostb
ok "hosta goes on" mt -f "$TA" rewind
ok "and comes back with it" lab login hostb
for ((i = 0; i < 50; i++)); do lab dev hostb VT00000001 >/dev/null && break; sleep 0.1; done
lab ua
A=$(lab dev hosta VT00000001) B=$(lab dev hostb VT00000001)
ok "RESERVE(6) by hosta" sg_raw "$A" 16 0 0 0 0 0
exec 5<"$TA"
tolerate 'reset|Power-on'
ok "hostb resets the logical unit" sg_reset -d -N "$B"
sg_turs -n 3 "$B" >/dev/null 2>&1
ok "which ended the reservation" sg_raw "$B" 16 0 0 0 0 0
ok "RELEASE(6)" sg_raw "$B" 17 0 0 0 0 0
says "a program of hosta that has the tape open does not go on as if nothing had happened" 'Input/output error' "$(dd bs=64k count=1 <&5 2>&1 >/dev/null)"
exec 5<&-
ok "rewind" mt -f "$TA" rewind
is "the archive is there" "$(cat /etc/passwd)" "$(tar xOf "$TA" etc/passwd)"

# What every host sees of a drive that lrad forces offline: 04h/44h/00h. st asks no second time, where it waits 120 s for a drive
# that is not ready.
tolerate 'Sense Key : Hardware Error|Add. Sense: Internal target failure|Error [0-9a-f]+ \(driver'
ok "lrad forces the drive offline" library lrad drive offline VT00000001 --reason test
says "the drive reports a permanent error to hosta" 'Internal target failure' "$(sg_turs -v "$A" 2>&1)"
says "and to hostb" 'Internal target failure' "$(sg_turs -v "$B" 2>&1)"
began=$SECONDS
refused "so opening the tape fails" 'Input/output error' dd if="$TA" of=/dev/null bs=64k count=1
ok "at once" test $((SECONDS - began)) -lt 10
ok "an administrator clears it" library lrad drive clear VT00000001 --reason test
lab ua
ok "and the tape is used again" mt -f "$TA" rewind
finish
