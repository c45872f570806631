#!/bin/bash
# The library dies and comes back: while nothing goes on, in the middle of an archive, and for longer than a host waits.
. /share/host.sh "$@"
export LAB_REPLACEMENT_S=15
host=hosta
log_in $host drive-VT00000001 changer
tape=$(lab nst $host VT00000001)
tolerate 'connection[0-9]+:0: |session[0-9]+: session recovery timed out|Error [0-9a-f]+ \(driver bt|device offline|rejecting I/O|Error on write filemark|eth0|Sense Key|Add. Sense|Current|CDB|tag#'
recovered() { # the sessions are back, and st has heard of the power cycle
  local state
  for ((i = 0; i < 200; i++)); do
    state=$(cat /sys/class/iscsi_session/*/state | sort -u)
    [ "$state" = LOGGED_IN ] && sg_turs "$(lab dev $host VT00000001)" >/dev/null 2>&1 && return 0
    sleep 0.2
  done
  cat /sys/class/iscsi_session/*/state
  return 1
}

mkdir -p $work/in
head -c 8000000 /dev/urandom >$work/in/large
echo first >$work/in/first
echo second >$work/in/second
ok "a cartridge" put VT0001L8 0
ok "a first archive" tar cf "$tape" -C $work/in first
ok "a second one" tar cf "$tape" -C $work/in second

ok "the library dies" library kill
ok "and starts again" library start
ok "the sessions recover by themselves" recovered
says "the cartridge is still in the drive" 'Data Transfer Element 0:Full.*VT0001L8' "$(mtx -f "$(changer_of $host)" status)"
ok "rewind" mt -f "$tape" rewind
is "the first archive" first "$(tar xOf "$tape" first)"
ok "asf 1" mt -f "$tape" asf 1
is "the second archive" second "$(tar xOf "$tape" second)"
ok "eod" mt -f "$tape" eod

tar cf "$tape" -b 64 -C $work/in large >$work/tar 2>&1 & writer=$!
sleep 0.5
ok "the library dies in the middle of the third" library kill
ok "and starts again" library start
for ((i = 0; i < 600; i++)); do kill -0 $writer 2>/dev/null || break; sleep 0.1; done
ok "tar has ended" bash -c "! kill -0 $writer 2>/dev/null"
wait $writer; status=$?
echo "# tar ended with $status and said: $(cat $work/tar)"
says "it failed, in words" 'Input/output error|annot write' "$(cat $work/tar)"
ok "the sessions recover by themselves" recovered
ok "rewind" mt -f "$tape" rewind
is "the first archive" first "$(tar xOf "$tape" first)"
ok "asf 1" mt -f "$tape" asf 1
is "the second archive" second "$(tar xOf "$tape" second)"
ok "asf 2" mt -f "$tape" asf 2
ok "the archive can be written again" tar cf "$tape" -b 64 -C $work/in large
ok "asf 2" mt -f "$tape" asf 2
ok "and read" cmp $work/in/large <(tar xOf "$tape" -b 64 large)

# The forwarder accepts connections when nobody listens behind it, which iscsid does not get over; a cable that is pulled it does.
ok "the network is gone" ip link set eth0 down
ok "the library is stopped" library stop
refused "for longer than the host waits" 'Input/output error|No such device' timeout 100 mt -f "$tape" rewind
ok "it starts again" library start
ok "the network is back" ip link set eth0 up
ok "the sessions recover by themselves" recovered
ok "rewind" mt -f "$tape" rewind
is "the first archive" first "$(tar xOf "$tape" first)"
finish
