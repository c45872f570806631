# Sourced by every scenario: this guest as a backup host of the library. Arguments of the scenario: PORT PREFIX RMT_PORT.
port=$1 prefix=$2 portal=10.0.2.100:$1 rmt=$3
count=0 bad=0
# What the kernel says of any library: the unit attention of a new session, LUNs that come while it looks, and that a drive has no
# SCSI ID on ch's bus; and of an emulator that gets little time: that its clocks come late; and of the rig's
# own tapes in user space, when they go.
tolerated='^hrtimer: interrupt took|^clocksource: |Power-on or device reset occurred|LUN assignments on this target have changed|^uio uio[0-9]+: the device has been unregistered|\[ch[0-9]\] ID/LUN unknown'
work=/run/scenario
mkdir -p $work

ok() { # SENTENCE COMMAND...: it succeeds
  local sentence=$1; shift
  count=$((count + 1))
  if "$@" >$work/said 2>&1; then
    echo "ok $count - $sentence"
  else
    local status=$?
    bad=1
    echo "not ok $count - $sentence"
    echo "  $* ended with $status and said:"; sed 's/^/  | /' $work/said
  fi
}
is() { # SENTENCE EXPECTED ACTUAL: the same, and not empty
  count=$((count + 1))
  if [ "$2" = "$3" ] && [ -n "$2" ]; then echo "ok $count - $1"; else
    bad=1
    echo "not ok $count - $1"; echo "  expected: $2"; echo "  is:       $3"
  fi
}
says() { # SENTENCE PATTERN TEXT: a line of the text matches
  count=$((count + 1))
  if grep -qE -- "$2" <<<"$3"; then echo "ok $count - $1"; else
    bad=1
    echo "not ok $count - $1"; echo "  no line is like: $2"; sed 's/^/  | /' <<<"$3"
  fi
}
refused() { # SENTENCE PATTERN COMMAND...: it fails and says something like that
  local sentence=$1 pattern=$2; shift 2
  count=$((count + 1))
  if "$@" >$work/said 2>&1; then
    bad=1; echo "not ok $count - $sentence"; echo "  $* succeeded, and said:"; sed 's/^/  | /' $work/said
  elif grep -qE -- "$pattern" $work/said; then echo "ok $count - $sentence"; else
    bad=1; echo "not ok $count - $sentence"; echo "  nothing like $pattern in what $* said:"; sed 's/^/  | /' $work/said
  fi
}
give_up() {
  echo "not ok - $*"; dmesg | tail -25 | sed 's/^/  # /'
  exit 1
}

log_in() { # HOST TARGET...: sessions of that initiator name, and wait for their devices
  local host=$1 before; shift
  modprobe -a sg st ch || give_up "modules"
  before=$(lab map | wc -l)
  for target; do lab iscsi-login "$host" "$portal" "$prefix:$target" || give_up "$host logs in to $target"; done
  for ((i = 0; i < 100; i++)); do
    [ "$(lab map | wc -l)" -ge $((before + $#)) ] && break
    sleep 0.1
  done
  lab ua
}
changer_of() { lab dev "$1" VTL0000001; }
sch_of() { # the ch driver's node of a changer's sg node
  local place; place=$(echo /sys/class/scsi_generic/"${1##*/}"/device/scsi_changer/sch*)
  echo "/dev/${place##*/}"
}
load() { # HOST SLOT DRIVE: by the robot, and wait until st finds the tape ready
  mtx -f "$(changer_of "$1")" load "$2" "$3"
}
put() { # BARCODE DRIVE: into the drive, whatever is there
  local robot status slot
  robot=$(changer_of "${host:-hosta}")
  status=$(mtx -f "$robot" status)
  slot=$(sed -nE "s/.*Data Transfer Element $2:Full \(Storage Element ([0-9]+) Loaded\).*/\1/p" <<<"$status")
  [ -z "$slot" ] || mtx -f "$robot" unload "$slot" "$2" >/dev/null || return 1
  slot=$(sed -nE "s/.*Storage Element ([0-9]+)( IMPORT\/EXPORT)?:Full :VolumeTag=$1 *$/\1/p" <<<"$status")
  [ -n "$slot" ] || slot=$(mtx -f "$robot" status | sed -nE "s/.*Storage Element ([0-9]+)( IMPORT\/EXPORT)?:Full :VolumeTag=$1 *$/\1/p")
  [ -n "$slot" ] || { echo "no cartridge $1 in: $status"; return 1; }
  mtx -f "$robot" load "$slot" "$2"
}
tolerate() { # PATTERN: what the kernel may complain about here
  tolerated="$tolerated|$1"
}
finish() {
  local complaints
  complaints=$(dmesg -t -l emerg,alert,crit,err,warn | tail -n +$((complaints_before + 1)) | grep -vE "$tolerated")
  ok "the kernel complains about nothing" test -z "$complaints"
  echo "1..$count"
  exit $bad
}
complaints_before=$(dmesg -t -l emerg,alert,crit,err,warn | wc -l)
