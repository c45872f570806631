#!/bin/bash
# Ends of media: an archive over several cartridges, and cartridges that are written once.
. /share/host.sh "$@"
host=hosta
log_in $host drive-VT00000001 changer
tape=$(lab nst $host VT00000001)

for barcode in SMALL1L8 SMALL2L8 SMALL3L8; do ok "a cartridge of 1 MiB" library lractl cartridge create $barcode --capacity-mb 1; done
ok "the first one is mounted" put SMALL1L8 0
mkdir $work/in $work/out
head -c 2300000 /dev/urandom >$work/in/large
echo small >$work/in/small
cat >$work/next-tape <<SCRIPT
#!/bin/bash
# tar calls this when the tape is full.
. /share/host.sh $port $prefix $rmt
host=$host
put SMALL\${TAR_VOLUME}L8 0 >>$work/changes 2>&1
SCRIPT
chmod 755 $work/next-tape
ok "tar writes over three cartridges" tar cMf "$tape" -b 20 -F $work/next-tape -C $work/in .
is "the robot changed them twice" 2 "$(grep -c '^Loading' $work/changes)"
ok "the first one again" put SMALL1L8 0
ok "tar reads all three" tar xMf "$tape" -b 20 -F $work/next-tape -C $work/out
ok "nothing is missing" diff -r $work/in $work/out
filled=$(library lractl --json cartridge show SMALL1L8); echo "# $filled"

ok "what is full stays full" put SMALL1L8 0
dd if=/dev/zero of="$tape" bs=64k count=100 2>$work/said
says "st says so at early warning" 'No space left on device' "$(cat $work/said)"

ok "a cartridge that is written once" library lractl cartridge create WORM01L8 --worm
ok "is mounted" put WORM01L8 0
ok "is written" tar cf "$tape" -C $work/in small
ok "is appended to" bash -c "mt -f $tape eod && tar cf $tape -C $work/in small"
ok "back" mt -f "$tape" rewind
tolerate 'st 0|st0'
refused "is not written over" 'Input/output error|Permission|Read-only' dd if=/dev/zero of="$tape" bs=10k count=1
refused "is not erased" 'Input/output error' bash -c "mt -f $tape rewind; mt -f $tape erase 1"
ok "back" mt -f "$tape" rewind
is "and has what was written" small "$(tar xOf "$tape" small)"
ok "as a second archive too" mt -f "$tape" asf 1
is "both" small "$(tar xOf "$tape" small)"
finish
