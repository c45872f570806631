#pragma once

// The iSCSI front end alone, in front of a tape that forgets: what it can move when nothing is
// behind it.

namespace iscsi_tape {

// Serves the target iqn.2026-01.bench:drive-FORGETFUL on 127.0.0.1, prints "PORT\n" and runs until
// it is killed.
int serve_front_end();

}  // namespace iscsi_tape
