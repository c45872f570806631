# Sourced behind host.sh and lrad.sh on a backup host of the three machines: its HBA, its drive sharing agent, which finds its ports and
# drives by itself, and a backup application. The application's name of a drive is the drive's serial number.
backup_application=$programs/sample-backup-application
application() { "$backup_application" --state $work/application.json "$@"; }

start_dsad() { # DRIVE...: the application has these
  local drive
  for drive; do application drive add "$drive" >/dev/null || give_up "the application takes no drive $drive"; done
  mkdir -p $work/keys
  echo "passphrase only for this guest" >$work/keys/user.key; chmod 600 $work/keys/user.key
  cat >$work/dsad.json <<END
{"agent": {"name": "$VM_NAME", "state_dir": "$work/dsad-state", "domain": "application-$VM_NAME", "discovery_interval_ms": 1000},
 "control": {"socket": "$work/dsad.sock"},
 "controllers": [{"name": "ctl", "address": "udp:10.9.0.1:16200", "user": "$VM_NAME"}],
 "drives": "discover", "ports": "discover",
 "application": {"observe_only": false,
   "offline": ["$backup_application", "--state", "$work/application.json", "drive", "offline", "{drive}"],
   "online": ["$backup_application", "--state", "$work/application.json", "drive", "online", "{drive}"],
   "query": ["$backup_application", "--state", "$work/application.json", "drive", "status", "{drive}"],
   "states": {"online": ["^drive {drive} is online$"], "offline": ["^drive {drive} is offline$"]}},
 "snmp": {"listen": "udp:$(hostname -I | tr ' ' '\n' | grep '^10\.9\.'):16201",
          "users": [{"name": "$VM_NAME", "auth": {"protocol": "SHA-256", "key_file": "keys/user.key"},
                     "priv": {"protocol": "AES-128", "key_file": "keys/user.key"}}]}}
END
  LD_LIBRARY_PATH=$programs/lib $programs/dsad --config $work/dsad.json >>$work/dsad.log 2>&1 &
  dsad_pid=$!
  for ((i = 0; i < 200; i++)); do
    dsad --json status show >/dev/null 2>&1 && return 0
    kill -0 $dsad_pid 2>/dev/null || break
    sleep 0.1
  done
  cat $work/dsad.log; give_up "dsad does not answer"
}
dsad() { program lractl --socket $work/dsad.sock --timeout 30 "$@"; }
dsad_field() { # JQ LRACTL-WORDS...
  local filter=$1; shift
  dsad --json "$@" 2>/dev/null | jq -cr "$filter" 2>/dev/null
}
