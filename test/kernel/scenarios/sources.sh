#!/bin/bash
# Whatever hosts reserve on the kernel's own target, over iSCSI and Fibre Channel, lrad sees through /dev/sg and names the port.
# programs: lrad lractl
. /share/host.sh "$@"; . /share/lrad.sh
lab drives DRV0001 || give_up "drives"
lab iscsi ctl hosta || give_up "sessions"
lab fc fcb || give_up "fibre channel"
A=$(lab dev hosta DRV0001) B=$(lab dev fcb DRV0001) C=$(lab dev ctl DRV0001)
wwpn=$(lab map | awk '$1 == "fcb" {print $2; exit}' | sed 's/^0x//; s/^fc\.//; s/://g')
lab ua
configure '{"serial": "DRV0001", "poll_ms": 250, "events": false,
            "interface": {"type": "sg", "device": "'"$C"'"}, "offline": {"actuator": "alarm"}}'
start_lrad
tolerate 'reservation conflict|reset|Power-on|Parameters changed|[Rr]egistrations preempted|[Rr]eservations (preempted|released)|connection|session recovery'
held() { field '.reservation | [.state, .kind, (.pr.type // 0), ([.holders[] | .name] | join(","))] | map(tostring) | join(" ")' drive show DRV0001; }
state_and_held() { echo "$(field .operational_state drive show DRV0001) $(held)"; }
calm() { for dev in "$A" "$B"; do sg_turs -n 2 "$dev"; done >/dev/null 2>&1; } # a unit attention eats a host's command; lrad's own stay
can() { field ".capabilities.$1" drive show DRV0001; }

eventually "the drive is free" "free none 0 " 20 held
eventually "its capabilities are asked for" yes 10 can full_status
is "CRH" yes "$(can crh)"
is "PTPL" yes "$(can ptpl_capable)"

ok "both hosts register" bash -c "sg_persist -n -o -G -S 0xaa $A && sg_persist -n -o -G -S 0xbb $B"
for type in 1 3 5 6; do
  ok "type $type by hosta" sg_persist -n -o -R -K 0xaa -T $type "$A"
  eventually "is seen as hosta's" "reserved pr $type iqn.2026-01.lab.vm:hosta" 10 held
  ok "released" sg_persist -n -o -L -K 0xaa -T $type "$A"
done
calm
for type in 7 8; do
  ok "type $type by the Fibre Channel host" sg_persist -n -o -R -K 0xbb -T $type "$B"
  eventually "is held by every registrant" "reserved pr $type $wwpn,iqn.2026-01.lab.vm:hosta" 10 held
  ok "released" sg_persist -n -o -L -K 0xbb -T $type "$B"
done
ok "type 3 by the Fibre Channel host" sg_persist -n -o -R -K 0xbb -T 3 "$B"
eventually "is seen as that WWPN's" "reserved pr 3 $wwpn" 10 held
calm
ok "hosta preempts it" sg_persist -n -o -P -K 0xaa -S 0xbb -T 3 "$A"
eventually "which is seen" "reserved pr 3 iqn.2026-01.lab.vm:hosta" 10 held
ok "LUN reset" sg_reset -d "$A"
ok "drive poll" lrad drive poll DRV0001
is "does not end it, and its unit attention costs no look" "reserved pr 3 iqn.2026-01.lab.vm:hosta" "$(held)"
before=$(field .watch.looks_failed drive show DRV0001)
lab logout hosta
ok "drive poll" lrad drive poll DRV0001
is "nor does the logout of its holder" "reserved pr 3 iqn.2026-01.lab.vm:hosta" "$(held)"
is "no look has failed" "$before" "$(field .watch.looks_failed drive show DRV0001)"
lab login hosta
for ((i = 0; i < 50; i++)); do A=$(lab dev hosta DRV0001) && break; sleep 0.1; done
lab ua
ok "hosta clears what it left behind" bash -c "sg_persist -n -o -I -S 0xac $A && sg_persist -n -o -C -K 0xac $A"
eventually "the drive is free" "free none 0 " 10 held

calm
ok "RESERVE(6) by the Fibre Channel host" sg_raw "$B" 16 0 0 0 0 0
eventually "is a reservation of nobody knows whom" "reserved legacy 0 " 10 held
ok "RELEASE(6)" sg_raw "$B" 17 0 0 0 0 0
eventually "the drive is free" "free none 0 " 10 held
calm
ok "RESERVE(6) by hosta" sg_raw "$A" 16 0 0 0 0 0
eventually "is seen" "reserved legacy 0 " 10 held
ok "LUN reset" sg_reset -d "$B"
eventually "ends it" "free none 0 " 10 held
calm
ok "RESERVE(6) by hosta" sg_raw "$A" 16 0 0 0 0 0
eventually "is seen" "reserved legacy 0 " 10 held
lab logout hosta
eventually "and ends with its session" "free none 0 " 15 held
kinds() { field '[.[] | .kind] | index("reservations_mixed") != null' alarm list; }
eventually "RESERVE beside persistent reservations is an alarm" true 10 kinds

# Linux 6.1 warns of its own work queues when a session ends whose device is in use.
dmesg() {
  command dmesg "$@" | awk '/cut here/ {within = 1; trace = ""}
    within {trace = trace $0 "\n"; if (/end trace/) {within = 0; if (trace !~ /pm_runtime_work/) printf "%s", trace}; next} {print}'
}
lab logout ctl
ok "drive poll, its path being lost" lrad drive poll DRV0001
eventually "the drive is found again by its serial number, on another path" "online free none 0 " 20 state_and_held
stop_lrad
finish
