#!/bin/bash
# What a look costs over /dev/sg, beside sg_persist in a loop; prints, and is no test. Code runs in an emulated processor here: only the
# ratio means something.    test/kernel/run.py poll_bench --bin build/release/bin
# programs: poll_bench
. /share/host.sh "$@"
programs=/share/programs
lab drives DRV0001 DRV0002 || give_up "drives"
lab iscsi ctl || give_up "sessions"
lab ua
A=$(lab dev ctl DRV0001) B=$(lab dev ctl DRV0002)
mkdir -p /run/programs && cp -r $programs/. /run/programs/
ok "measured" env LD_LIBRARY_PATH=/run/programs/lib /run/programs/poll_bench --drives 8 --seconds 8 "$A" "$B" -- sg_persist -n -i -r "$A"
cat $work/said 2>/dev/null | tail -8
finish
