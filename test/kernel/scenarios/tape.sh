#!/bin/bash
# The drive through st: mt, tar and dd.
. /share/host.sh "$@"
host=hosta
log_in $host drive-VT00000001 changer
tape=$(lab nst $host VT00000001)
position() { mt -f "$tape" status | sed -nE 's/^File number=(-?[0-9]+), block number=(-?[0-9]+).*/\1 \2/p'; }
blocks() { mt -f "$tape" tell | grep -oE '[0-9]+'; }

ok "a cartridge" put VT0001L8 0
status=$(mt -f "$tape" status); echo "$status"
says "variable blocks, LTO-8" 'Tape block size 0 bytes. Density code 0x5e' "$status"
says "at the beginning, online" 'BOT ONLINE' "$status"

for i in 1 2 3; do mkdir -p $work/in/$i; for j in 1 2 3; do head -c $((i * 30000 + j)) /dev/urandom >$work/in/$i/file$j; done; done
for i in 1 2 3; do ok "tar writes archive $i" tar cf "$tape" -C $work/in $i; done
is "three tape files" "3 0" "$(position)"
ok "rewind" mt -f "$tape" rewind
for i in 1 2 3; do
  says "tar lists archive $i" "$i/file3" "$(tar tvf "$tape" 2>&1)"
  ok "fsf to the next" mt -f "$tape" fsf 1
done
ok "bsf two filemarks" mt -f "$tape" bsf 2
is "in front of the second filemark" "1 -1" "$(position)"
ok "fsf over it" mt -f "$tape" fsf 1
is "in front of the third archive" "2 0" "$(position)"
mkdir -p $work/out
ok "tar extracts it" tar xf "$tape" -C $work/out
ok "asf to the first archive" mt -f "$tape" asf 0
ok "tar extracts that" tar xf "$tape" -C $work/out
ok "what was read is what was written" diff -r $work/in/3 $work/out/3
ok "both times" diff -r $work/in/1 $work/out/1
ok "eod" mt -f "$tape" eod
is "behind the last filemark" "3" "$(position | cut -d' ' -f1)"
says "status says so" 'EOD' "$(mt -f "$tape" status)"
end=$(blocks)
ok "tar appends a fourth" tar cf "$tape" -C $work/in 1
ok "seek to where it began" mt -f "$tape" seek "$end"
is "tell is where seek went" "$end" "$(blocks)"
says "tar lists the fourth" "1/file2" "$(tar tf "$tape")"
ok "weof" mt -f "$tape" rewind
ok "weof 2" mt -f "$tape" weof 2
is "two filemarks are two objects" 2 "$(blocks)"
is "and all there is: what stood behind is gone" 2 "$(mt -f "$tape" eod; position | cut -d' ' -f1)"

ok "back" mt -f "$tape" rewind
head -c 3145728 /dev/urandom >$work/data
for bytes in 1 511 10240 262144 1048576; do
  ok "a block of $bytes bytes is written" dd if=$work/data of="$tape" bs=$bytes count=1
done
ok "back" mt -f "$tape" rewind
for bytes in 1 511 10240 262144 1048576; do
  dd if="$tape" of=$work/block bs=$bytes count=1 2>/dev/null
  ok "a block of $bytes bytes comes back" cmp $work/block <(head -c $bytes $work/data)
  ok "its filemark" mt -f "$tape" fsf 1
done
ok "back" mt -f "$tape" asf 2
refused "a buffer that is too small is ENOMEM" 'Cannot allocate memory' dd if="$tape" of=/dev/null bs=512 count=1
ok "back" mt -f "$tape" asf 2
is "a buffer that is too large gets the block" 10240 "$(dd if="$tape" bs=65536 count=1 2>/dev/null | wc -c)"
ok "fsr and bsr" mt -f "$tape" bsr 1
is "in front of that block again" "2 0" "$(position)"
ok "fsr" mt -f "$tape" fsr 1
is "behind it" "2 1" "$(position)"

for size in 512 65536; do
  ok "rewind" mt -f "$tape" rewind
  ok "setblk $size" mt -f "$tape" setblk $size
  says "status says so" "Tape block size $size bytes" "$(mt -f "$tape" status)"
  ok "eight requests of 128 KiB" dd if=$work/data of="$tape" bs=128k count=8
  is "are 1 MiB of blocks of $size bytes and a filemark" $((1048576 / size + 1)) "$(blocks)"
  ok "rewind" mt -f "$tape" rewind
  dd if="$tape" of=$work/block bs=64k 2>/dev/null
  ok "they come back" cmp $work/block <(head -c 1048576 $work/data)
  ok "setblk 0" mt -f "$tape" setblk 0
  ok "rewind" mt -f "$tape" rewind
  is "one block with variable length" $size "$(dd if="$tape" bs=128k count=1 2>/dev/null | wc -c)"
done
tolerate 'Write not multiple of tape block size'
refused "no request that is no multiple of the block" 'Invalid argument' bash -c "mt -f $tape setblk 512 && dd if=$work/data of=$tape bs=1000 count=1"
ok "setblk 0" mt -f "$tape" setblk 0

ok "erase" bash -c "mt -f $tape rewind && mt -f $tape erase"
is "nothing is left" 0 "$(mt -f "$tape" rewind; dd if="$tape" bs=64k 2>/dev/null | wc -c)"
says "compression is off" 'Compression (off|not)|off' "$(mt -f "$tape" datcompression 2>&1)"
refused "and can not be turned on" 'Input/output error' mt -f "$tape" compression 1
ok "densities" mt densities
ok "setdensity to what it is" mt -f "$tape" setdensity 0x5e
ok "stsetoptions" mt -f "$tape" stsetoptions scsi2logical sysv
ok "stoptions" mt -f "$tape" stclearoptions sysv
ok "retension" mt -f "$tape" retension
ok "lock" mt -f "$tape" lock
refused "the robot can not take what is locked" 'prevent|Illegal Request' mtx -f "$(changer_of $host)" unload 1 0
ok "unlock" mt -f "$tape" unlock
ok "offline" mt -f "$tape" offline
says "the drive is open" 'DR_OPEN' "$(mt -f "$tape" status)"
ok "load" mt -f "$tape" load
ok "rewind" mt -f "$tape" rewind
says "it is there again" 'BOT ONLINE' "$(mt -f "$tape" status)"

ok "a write protected cartridge" library lractl cartridge protect VT0002L8 on
ok "is mounted" put VT0002L8 0
says "status says so" 'WR_PROT' "$(mt -f "$tape" status)"
refused "it is not written" 'Read-only file system' dd if=$work/data of="$tape" bs=64k count=1
finish
