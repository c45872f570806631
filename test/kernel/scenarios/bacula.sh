#!/bin/bash
# Bacula with the library as its autochanger: cartridges labelled by barcode, a backup over two of them, a restore.
. /share/host.sh "$@"
host=hosta
log_in $host drive-VT00000001 changer
robot=$(changer_of $host) tape=$(lab nst $host VT00000001)

home=/var/lib/bacula settings=$work/bacula
mkdir -p $home $settings $work/files/folder
cp -a /etc/iscsi $work/files/folder/
for i in 1 2 3; do head -c 1000000 /dev/urandom >$work/files/large$i; done
ln -s large1 $work/files/link

cat >$settings/dir.conf <<CONF
Director { Name = director; DirAddress = 127.0.0.1; DirPort = 9101; QueryFile = /etc/bacula/scripts/query.sql
  WorkingDirectory = $home; PidDirectory = $settings; Password = secret; Messages = log }
Catalog { Name = catalogue; DbName = bacula; DbUser = bacula; DbPassword = "" }
Client { Name = client; Address = 127.0.0.1; FdPort = 9102; Catalog = catalogue; Password = secret }
Autochanger { Name = library; Address = 127.0.0.1; SdPort = 9103; Password = secret; Device = library; Media Type = LTO-8; Autochanger = library }
Pool { Name = Default; Pool Type = Backup; Maximum Volume Bytes = 2000000; Recycle = no }
Pool { Name = Scratch; Pool Type = Scratch }
FileSet { Name = files; Include { Options { Signature = SHA1 }; File = $work/files } }
Job { Name = backup; Type = Backup; Level = Full; Client = client; FileSet = files; Storage = library; Pool = Default; Messages = log }
Job { Name = restore; Type = Restore; Client = client; FileSet = files; Storage = library; Pool = Default; Messages = log; Where = $work/restored }
Messages { Name = log; Append = $settings/log = all, !skipped; Console = all, !skipped, !saved }
CONF
cat >$settings/sd.conf <<CONF
Storage { Name = storage; SDAddress = 127.0.0.1; SDPort = 9103; WorkingDirectory = $home; Pid Directory = $settings; Plugin Directory = /usr/lib/bacula }
Director { Name = director; Password = secret }
Autochanger { Name = library; Device = drive-0; Changer Device = $robot; Changer Command = "/etc/bacula/scripts/mtx-changer %c %o %S %a %d" }
Device { Name = drive-0; Drive Index = 0; Media Type = LTO-8; Archive Device = $tape; Autochanger = yes
  Automatic Mount = yes; Always Open = yes; Removable Media = yes; Random Access = no }
Messages { Name = log; Director = director = all }
CONF
cat >$settings/fd.conf <<CONF
FileDaemon { Name = client; FDAddress = 127.0.0.1; FDPort = 9102; WorkingDirectory = $home; Pid Directory = $settings }
Director { Name = director; Password = secret }
Messages { Name = log; Director = director = all, !skipped, !restored }
CONF
cat >$settings/bconsole.conf <<CONF
Director { Name = director; Address = 127.0.0.1; DirPort = 9101; Password = secret }
CONF
ask() { printf '%s\n' "$@" quit | timeout 300 bconsole -c $settings/bconsole.conf; }

ok "a catalogue" bash <(sed s/XXX_DBNAME_XXX/bacula/ /usr/share/bacula-director/make_sqlite3_tables)
daemons=
for daemon in sd fd dir; do
  bacula-$daemon -f -c $settings/$daemon.conf >$settings/$daemon.out 2>&1 &
  daemons="$daemons $!"
done
for ((i = 0; i < 300; i++)); do ask version 2>/dev/null | grep -q director && break; sleep 0.2; done
says "the director answers" 'director Version: 9.6' "$(ask version)"
says "it sees the slots and what is in them" '3\*\| VT0003L8' "$(ask "status slots storage=library drive=0")"
labelled=$(ask "label storage=library pool=Default drive=0 slots=1-3 barcodes yes" yes)
says "the first cartridge is labelled by its barcode" 'VolumeName: *"?VT0001L8|Volume "VT0001L8"' "$labelled"
says "and the third" 'Volume "VT0003L8"' "$labelled"
done_backup=$(ask "run job=backup yes" wait messages "list media")
says "the backup is good" 'Backup OK' "$(cat $settings/log)"
says "it is on two cartridges" 'Volume name\(s\): +VT000[123]L8\|VT000[123]L8' "$done_backup"
done_restore=$(ask "restore client=client where=$work/restored select current all done yes" wait messages)
says "the restore is good" 'Restore OK' "$(cat $settings/log)"
[ $bad = 0 ] || { echo "$labelled"; echo "$done_backup"; echo "$done_restore"; cat $settings/log $settings/*.out; } | sed 's/^/  # /'
ok "what was restored is what was saved" diff -r --no-dereference $work/files $work/restored$work/files

# The words that the profile of Bacula goes by (packaging/profiles/bacula.json), said of a tape drive that is kept open.
says "unmount closes the drive" '^3002 .*unmounted' "$(ask "unmount storage=\"library\" drive=0")"
status=$(ask "status storage=\"library\"")
says "the status says who did it" 'Device is BLOCKED. User unmounted' "$status"
says "and which drive it is" '(Drive 0 |Slot .* in drive 0\.)' "$status"
says "disable keeps jobs off" '^3002 .*disabled' "$(ask "disable storage=\"library\" drive=0")"
says "and is shown" 'Device is disabled' "$(ask "status storage=\"library\"")"
says "enable" '^3002 .*enabled' "$(ask "enable storage=\"library\" drive=0")"
mounted=$(ask "mount storage=\"library\" drive=0 slot=0")
says "mount asks no question" '^3(001|90[0-9]) ' "$mounted"
status=$(ask "status storage=\"library\"")
[[ $status != *BLOCKED* && $status != *disabled* ]] && ok "and the drive is as before" true || { echo "$mounted$status" | sed 's/^/  # /'; ok "and the drive is as before" false; }
ok "unmount" ask "unmount storage=library drive=0"
kill $daemons
finish
