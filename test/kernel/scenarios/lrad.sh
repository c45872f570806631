# Sourced behind host.sh by scenarios that watch lab's drives with lrad in the guest. The scenario says which programs it brings in:
#
#   # programs: lrad lractl               (a line of its own, read by run.py; dsad and lra-mibd may stand there too)
#   . /share/host.sh; . /share/lrad.sh
#   lab drives DRV0001 DRV0002; lab iscsi ctl hosta hostb
#   configure '{"serial": "DRV0001", "poll_ms": 200, "events": false,
#               "interface": {"type": "sg", "device": "'$(lab dev ctl DRV0001)'"}, "offline": {"actuator": "alarm"}}'
#   start_lrad
#   lrad drive list                       lractl, asking this lrad
#   field '.[0].operational_state' drive list                    what jq makes of its answer
#   eventually SENTENCE EXPECTED 10 field '.[0].operational_state' drive list        the same, within so many seconds
#   stop_lrad; finish
#
# configure DRIVES [MORE]: DRIVES is what stands between the brackets of "drives"; MORE further keys of lrad.json ("domains": [...]).
# The log is $work/lrad.log. Guest programs are slow (emulated): poll_ms below 200 tells nothing.
programs=/run/programs
mkdir -p $programs
cp -r /share/programs/. $programs/ || give_up "no programs: does the scenario say '# programs: lrad lractl'?"
lrad_pid=

program() { # NAME ARGUMENTS...: one of the programs brought in, with the libraries it was linked with outside
  local name=$1; shift
  LD_LIBRARY_PATH=$programs/lib "$programs/$name" "$@"
}
lrad() { program lractl --socket $work/lrad.sock --timeout 30 "$@"; }
configure() { # DRIVES [MORE]
  mkdir -p $work/keys
  [ -e $work/keys/user.key ] || { echo "passphrase only for this guest" >$work/keys/user.key; chmod 600 $work/keys/user.key; }
  cat >$work/lrad.json <<END
{"controller": {"id": "ctl", "state_dir": "$work/lrad-state"}, "control": {"socket": "$work/lrad.sock"},
 "drives": [$1], ${2:+$2,}
 "snmp": {"listen": "udp:127.0.0.1:16200", "users": [{"name": "hosta", "auth": {"protocol": "SHA-256", "key_file": "keys/user.key"},
          "priv": {"protocol": "AES-128", "key_file": "keys/user.key"}}]}}
END
  program lrad --config $work/lrad.json --check-config >$work/said 2>&1 || { cat $work/said $work/lrad.json; give_up "lrad.json"; }
}
start_lrad() {
  LD_LIBRARY_PATH=$programs/lib $programs/lrad --config $work/lrad.json >>$work/lrad.log 2>&1 &
  lrad_pid=$!
  for ((i = 0; i < 200; i++)); do
    lrad --json status show >/dev/null 2>&1 && return 0
    kill -0 $lrad_pid 2>/dev/null || break
    sleep 0.1
  done
  cat $work/lrad.log; give_up "lrad does not answer"
}
stop_lrad() {
  kill $lrad_pid; wait $lrad_pid
  is "lrad ends cleanly" 0 $?
  lrad_pid=
}
field() { # JQ LRACTL-WORDS...: what jq makes of lrad's answer
  local filter=$1; shift
  lrad --json "$@" 2>/dev/null | jq -cr "$filter" 2>/dev/null
}
eventually() { # SENTENCE EXPECTED SECONDS COMMAND...: the command prints that, sooner or later
  local sentence=$1 expected=$2 end=$((SECONDS + $3)) is; shift 3
  while is=$("$@"); [ "$is" != "$expected" ] && [ $SECONDS -lt $end ]; do sleep 0.2; done
  [ "$is" = "$expected" ] || tail -5 $work/lrad.log | sed 's/^/  # /'
  is "$sentence" "$expected" "$is"
}
