#!/bin/bash
# dump and restore of a file system: through st, and through rmt with vtl-rsh.
. /share/host.sh "$@"
host=hosta
log_in $host drive-VT00000001 changer
tape=$(lab nst $host VT00000001)
ok "a cartridge" put VT0001L8 0

modprobe -a loop ext4
ln -sf /proc/mounts /etc/mtab
truncate -s 24M $work/image
mke2fs -q -t ext4 -O ^has_journal $work/image
for ((i = 0; i < 50; i++)); do [ -e /dev/loop-control ] && break; sleep 0.1; done
disk=$(losetup -f --show $work/image) || give_up "no loop device"
mkdir -p $work/files $work/out
mount "$disk" $work/files
cp -a /etc/default /etc/init.d /etc/pam.d $work/files/
head -c 3000000 /dev/urandom >$work/files/large
ln $work/files/large $work/files/again
ln -s large $work/files/link
mkfifo $work/files/fifo
truncate -s 5M $work/files/sparse
printf x >>$work/files/sparse
sync

ok "dump through st" dump -0 -b 64 -f "$tape" "$disk"
ok "rewind" mt -f "$tape" rewind
ok "restore compares it" bash -c "cd $work && restore -C -b 64 -f $tape"
ok "rewind" mt -f "$tape" rewind
ok "restore extracts it" bash -c "cd $work/out && restore -r -b 64 -f $tape && rm restoresymtable"
ok "everything is there" diff -r --no-dereference -x fifo $work/files $work/out
ok "the fifo too" test -p $work/out/fifo
is "a hard link is one" "$(stat -c %i $work/out/large)" "$(stat -c %i $work/out/again)"
ok "logout, so that the drive is free for rmt" lab logout $host

# vtl-rsh connects on loopback only.
socat TCP-LISTEN:"$rmt",bind=127.0.0.1,reuseaddr,fork TCP:10.0.2.100:"$rmt" & relay=$!
export VTL_RMT=tcp:127.0.0.1:$rmt RSH=/share/vtl-rsh RMT=rmt
ok "dump through rmt" dump -0 -b 32 -f localhost:VT00000001/VT0002L8 "$disk"
ok "restore lists it" restore -t -b 32 -f localhost:VT00000001/VT0002L8
ok "restore compares it" bash -c "cd $work && restore -C -b 32 -f localhost:VT00000001/VT0002L8"
kill $relay
umount $work/files
losetup -d "$disk"
tolerate 'loop|EXT4-fs|ext4'
finish
