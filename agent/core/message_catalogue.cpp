#include "agent/core/message_catalogue.hpp"

#include "agent/core/assert.hpp"

namespace agent::core {
namespace {

constexpr MessageDescription catalogue[] = {
    // clang-format off
    {Message::drive_reserved, Severity::info, "drive {} is reserved by {} ({})",
     "A host port has reserved the drive; the word in brackets says how the holder is known.", "Nothing."},
    {Message::drive_released, Severity::info, "drive {} is free",
     "The reservation has ended and its release has lasted the configured hold-down.", "Nothing."},
    {Message::reservation_changed, Severity::info, "drive {} is now reserved by {} ({})",
     "The reservation has gone from one holder or kind to another without a release in between: preempted, or released and taken between two looks.", "Nothing."},
    {Message::holder_unknown, Severity::warning, "drive {} is reserved and nobody can say by whom: {}",
     "A RESERVE(6) or RESERVE(10) was seen by polling only, and no drive event told its port. The last words say what is done about it (reservation.unknown_holder).",
     "Connect the drive's event channel. Look with `lractl drive why SERIAL`; if the holder is gone, reset the drive from the host that may do so."},
    {Message::holder_known, Severity::info, "drive {}: the holder question is settled",
     "The drive is free, or its holder is known again.", "Nothing."},
    {Message::drive_unreachable, Severity::major, "drive {} does not answer: {}",
     "The controller can not talk to the drive. The reservation shown is the last one known; nobody is told anything new.",
     "Check the drive's power, cable and target; `lractl drive poll SERIAL` asks again."},
    {Message::drive_answers, Severity::info, "drive {} answers again", "The controller can talk to the drive again.", "Nothing."},

    {Message::holder_not_configured, Severity::warning,
     "drive {} is held by a port of no configured host: {}. Next: add the port to domains[].ports, or `lractl drive release {} --plan`",
     "For reservation.stale_after_ms the drive has been reserved by a port that no domain lists: a host that was never entered, that got another HBA, or that does not exist any more.",
     "Find the host by its port. If it is one of yours, enter it; if it is gone, the plan shows how its reservation is cleared."},
    {Message::holder_agent_lost, Severity::major,
     "drive {} is held and nobody answers for it: {}. Next: see that host; if it is gone, `lractl drive release {} --plan`",
     "Every agent of the application that holds the drive is lost, for reservation.stale_after_ms and longer. The host may have died with its reservation, which then stays for ever.",
     "See whether the host runs. A host that is back releases or uses its reservation; one that is gone leaves it to you."},
    {Message::registrations_orphaned, Severity::warning,
     "drive {}: registrations are left behind: {}. Next: remove them from a host; `lractl drive why {}` shows since when",
     "Registrations stay with the drive after their hosts have gone, or have logged in again under another ISID. While any is there a drive without CRH refuses every RESERVE.",
     "Make sure that the host does not need it any more. Let any host that is registered (`sg_persist --out --register --param-sark=OWN`) remove the key: `sg_persist --out --preempt --param-rk=OWN --param-sark=KEY --prout-type=3`; `--clear` removes all of them. Several ISIDs may also be the several paths of one host that does multipathing: then nothing is wrong."},
    {Message::registrations_doubled, Severity::warning,
     "drive {}: registrations stand in each other's way: {}. Next: give each host a key of its own; `lractl drive why {}` shows who came when",
     "Whoever preempts by a key removes everybody who uses it, and READ RESERVATION can not tell them apart.",
     "Configure the applications so that each host has its own key."},
    {Message::reservations_mixed, Severity::warning,
     "drive {} is reserved in ways that do not protect from each other: {}. Next: choose one way for all hosts; `lractl drive why {}` tells who",
     "RESERVE(6) or (10) and persistent reservations do not see each other reliably on one drive; and under a registrants-only reservation every registered host may write.",
     "Set all applications on the drive to the same kind of reservation, exclusive access."},
    {Message::removal_prevented, Severity::warning,
     "drive {}: some host prevents medium removal, and nobody uses the drive. Next: unload from the host that used it last, see `lractl drive why {}`",
     "A PREVENT ALLOW MEDIUM REMOVAL was left behind; the library can not take the cartridge out (5h/53h/02h).",
     "Unload or `sg_prevent --allow` on that host. A host that is gone: the drive forgets it with a LUN reset (`sg_reset --device`), which other hosts notice as a unit attention."},
    {Message::concern_over, Severity::info, "drive {}: {} is over", "The alarm of that name has ended by itself.", "Nothing."},
    {Message::holder_asked, Severity::info, "drive {} does not say who holds it: {} agents are asked",
     "The drive names no holder: a RESERVE(6) or RESERVE(10), a drive without READ FULL STATUS, or a key that is in no map. Each agent that has started is asked whether its host uses the drive; what is done about an unknown holder waits for the answers.", "Nothing."},
    {Message::holder_stated, Severity::info, "drive {}: agent {} says that its host holds it: {}",
     "The weakest evidence that names a holder: the host's own word (host_asserted). It is asked again from time to time, and the drive's own word overrides it.", "Nothing."},
    {Message::holder_probable, Severity::info, "drive {} is reserved by somebody it does not name; pointed at: {}",
     "A log page of the drive or a reservation key points at somebody. It is shown and never acted on.", "Look there first when the holder has to be found."},
    {Message::statements_contradict, Severity::warning, "drive {}: agents {} each say that their host holds it",
     "Hosts of different application domains claim the drive; at most one can hold it. The holder counts as unknown.",
     "Look on these hosts which program has the drive open; `application.open_files_ignore` and `application.in_use` in `dsad.json` say what counts."},
    {Message::statement_from_nowhere, Severity::warning, "drive {}: agent {} answers question {}, which it was never asked",
     "An authenticated agent answers something this controller did not ask. It counts for nothing.",
     "Look for a second controller with the same controller.id."},
    {Message::statement_not_believed, Severity::warning, "drive {}: agent {} says that its host holds it, and is not believed: {}",
     "A host may speak for itself only: for ports that the controller's configuration gives to its own domain.",
     "Compare `domains[].ports` and `agents[].domain` of `lrad.json` with `ports` and `agent.domain` of that host's `dsad.json`."},
    {Message::statement_withdrawn, Severity::info, "drive {}: its holder is not known any more: {}",
     "The holder was known by a host's word alone, and that word does not stand any more.", "Nothing: the agents are asked again."},
    {Message::drive_path_changed, Severity::major,
     "drive {}: {} leads to drive {} now and is not used; `lractl drive discover` shows where the drive is",
     "The path to a drive leads to another one: nodes were numbered anew, a target was put to other use, or drives were exchanged. Nothing but INQUIRY is sent to the other drive. The reservation shown is the last one known.",
     "Run `lractl drive discover`. Bring the drive back, or correct its `interface` in `lrad.json` and reload."},
    {Message::drive_path_right, Severity::info, "drive {}: its path leads to it again", "The drive was found again by its serial number.", "Nothing."},
    {Message::host_reached, Severity::info, "agent {}: its host is reached over ssh: {}", "The controller plays the agent of this host and can work on it, for the first time or again.", "Nothing."},
    {Message::host_unreachable, Severity::major, "agent {}: its host is not reached over ssh: {}. `lractl agent check {}` tries it",
     "The controller plays the agent of this host, and ssh gets no connection. Until it does the host's confirmations are missing like those of an agent that is down.",
     "Bring the host or the network back. `ssh` can be tried by hand with the options that `lractl agent check NAME` shows. A host that is gone for good: remove it, or `lractl agent retire NAME`."},
    {Message::host_key_changed, Severity::critical, "agent {}: its host does not show the ssh host key on file, and nothing is sent to it: {}. `lractl agent check {}` tells more",
     "Somebody else may answer at the host's address, or the host was installed anew. The controller never accepts a new key by itself.",
     "Compare `ssh-keyscan HOST` with the key on the host's own console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`). When they agree put the new line in the place of the old one in `ssh.known_hosts_file`."},
    {Message::host_login_refused, Severity::major, "agent {}: its host refuses the login over ssh: {}. `lractl agent check {}` tries it",
     "The host was reached and does not let the controller's key in.",
     "Look at `authorized_keys` of that user on the host, and at its sshd's log."},
    {Message::host_command_hung, Severity::major, "agent {}: a command on its host did not end in time: {}. `lractl agent check {}` tries it",
     "The host was reached; the backup application or the host itself hangs. The command was ended on both sides.",
     "Run the command on the host. Raise `application.timeout_ms` only when it is slow and right."},
    {Message::host_not_understood, Severity::major, "agent {}: its host answers over ssh and can not be used: {}. `lractl agent check {}` tries it",
     "The login shell of that user is not a POSIX shell, a forced command stands in the way, or what the host says about its drives and ports makes no sense.",
     "AGENTLESS.md says what the host has to have; `lractl agent check NAME` shows what came back."},
    {Message::volume_mounted, Severity::info, "volume {} is mounted in drive {} for {} ({})",
     "The drive is ready with the volume and was given to the host; the controller's own reservation is off.", "Nothing."},
    {Message::volume_unmounted, Severity::info, "volume {} is back from drive {} ({})",
     "The cartridge lies in a slot and the drive is free.", "Nothing."},
    {Message::mount_failed, Severity::warning, "volume {} did not get ready in drive {}: {}",
     "The move failed, or the drive never became ready. The cartridge is taken back to its slot; one other drive is tried.",
     "Nothing for one failure. After several, look for what they have in common: `lractl claim drives` counts errors."},
    {Message::mount_drive_refused, Severity::warning, "volume {} was not mounted in a drive that was free: {}",
     "The drive was chosen and could not be reserved: a host holds it, or it did not answer. Another one is tried.",
     "`lractl drive show SERIAL` tells who holds it."},
    {Message::mount_drive_quarantined, Severity::major, "drive {} is taken out of use: {}",
     "It failed with two volumes, said that it is broken, or the cartridge in it can not be taken out or found. Nothing is mounted in it any more.",
     "See to the drive. When it is known to be good and empty: `lractl claim free SERIAL --reason TEXT`."},
    {Message::mount_volume_quarantined, Severity::major, "volume {} is taken out of use: {}",
     "It failed in two drives. It is not mounted any more.",
     "See to the cartridge; `lractl volume enable BARCODE --reason TEXT` when it is known to be good."},
    {Message::claim_recovered, Severity::warning, "{} of volume {} was left by a controller that ended: {}, {}",
     "The controller ended in the middle of a mount. What drive and changer show has decided how it goes on.", "Nothing; a request may be repeated with its own identifier."},
    {Message::changer_unreachable, Severity::major, "the changer can not be asked: {}",
     "Nothing can be mounted until it answers; it is asked again every few seconds.", "Check mounts.changer in lrad.json, and the library."},
    {Message::mounts_served, Severity::info, "volumes of library {} can be mounted", "Stock was taken, and what an earlier life has left was looked at.", "Nothing."},
    {Message::mount_state_set, Severity::info, "{} is {} by {}: {}", "An administrator has changed whether a volume or drive is used for mounts.", "Nothing."},
    {Message::pair_state_changed, Severity::info, "node {} of the pair is {} now: {}",
     "What this controller is in the pair has changed; the last words say why. `lractl pair show` explains the states.", "Nothing."},
    {Message::pair_taken_over, Severity::major, "node {} serves the library now, without node {}",
     "The other node was not heard, more agents than the threshold agreed, and this node has taken its place: its drives, its claims and the drive table. Mounts that were under way are finished or undone from what drives and changer show.",
     "Find out what became of the other node; started again it becomes the standby by itself. Until then one more failure is an outage."},
    {Message::pair_votes_missing, Severity::major, "node {} may not serve alone: {}. Next: `lractl pair votes`; start the missing agents, or the other node",
     "Not more agents than the threshold have agreed in time. It is asked again by itself.",
     "`lractl pair votes` names the agents that did not answer. Start dsad there, repair the network, or start the other node: two nodes with the same data need no vote."},
    {Message::pair_votes_refused, Severity::major, "node {} may not serve: {}. Next: start the other node; `lractl pair votes` shows who said so",
     "The agents know that the other node has newer data, or serves.",
     "Start the other node. Only when it is gone for good, and you accept to lose what it alone had: `lractl pair recover NODE --forced NODE --reason TEXT`."},
    {Message::pair_fenced, Severity::major, "node {} has stopped acting: {}",
     "It heard neither the other node nor enough agents for the time of its lease, so that the other may be serving. It commands no device and stops its database; it finds out by itself what it may be.",
     "Repair its network. Mount requests go to the other node meanwhile."},
    {Message::pair_agent_forgot, Severity::major, "agent {} is not the voter it was: its store is new or older than it was. Next: `lractl pair enrol --agent {} --reason TEXT` on both nodes",
     "The agent's host was installed anew, or its state came from a backup or a clone. What it has promised is lost, and its votes count for nothing.",
     "Make sure that no copy of that host runs elsewhere; then enrol it again while the pair is in service."},
    {Message::pair_shutdown_ordered, Severity::info, "node {} is ordered out of service, mode {}, by {}: {}",
     "A shutdown command was given to this node, or carried to it by an agent or the other node.", "Nothing."},
    {Message::pair_shutdown_refused, Severity::warning, "shutdown command {} is not obeyed: {}",
     "Too few agents have stored its key, the node could not leave at that moment, or the command counts as older than one that was obeyed. "
     "Nothing was changed.",
     "Give it again; --mode immediate needs fewer agents, --mode forced none."},
    {Message::pair_left_service, Severity::info, "node {} has left service ({}), {}",
     "The shutdown command is carried out; the agents keep its key.", "`lractl pair recover NODE` brings it back."},
    {Message::pair_peer_silent, Severity::warning, "node {} is not heard",
     "Nothing came from the other node on any path for pair.times.suspect_after_ms. Nothing follows from it yet.",
     "Look whether that node and the network between the nodes are up."},
    {Message::pair_peer_heard, Severity::info, "node {} is heard again", "The other node talks to this one again.", "Nothing."},
    {Message::pair_agent_enrolled, Severity::info, "agent {} is told by {} that it votes: {}",
     "An administrator has founded the pair, or taken in an agent whose store was lost.", "`lractl pair show` lists the agents that answer."},
    {Message::pair_claims_not_judged, Severity::major, "the claims of earlier epochs could not be looked at: {}",
     "The changer or the drive table did not answer when this node was to serve. It tries again.",
     "See that the changer answers: `lractl volume scan`."},
    {Message::pair_old_key_stands, Severity::warning, "drive {}: the reservation that another node made before could not be preempted: {}",
     "The drive did not answer when this node took over. It is looked at again before anything is mounted there.",
     "Look at the drive: `lractl drive why SERIAL`."},
    {Message::pair_times_differ, Severity::warning, "{} lets the other node serve {} ms after the last word of this one, and the lease here is {} ms: only {} ms of it count",
     "The times of a pair are not the same on all its machines. Nobody is in danger: the shorter one counts. But the node stops acting sooner than its own file says.",
     "Give both nodes the same pair.times, and every voting agent their pair.dead_after_ms."},
    {Message::pair_hands_over, Severity::info, "node {} is asked to stop and hands the library over first, within {} ms",
     "lrad was stopped while it serves, or stands by. It leaves as by `lractl pair shutdown`, so that nobody has to wait until it is missed; at its next start it comes back by itself.",
     "Nothing. Who stops it a second time ends it at once."},
    {Message::pair_not_handed_over, Severity::warning, "node {} stops without having handed the library over: {}",
     "Too few agents have stored the key, or the time for it (pair.times.stop_timeout_ms) was over. The other node takes over as from a node that was lost.",
     "Nothing. `lractl pair show` on the other node shows what it does."},
    {Message::pair_node_begins_anew, Severity::info, "node {} counts its messages from the beginning again",
     "Its state folder is a new or an older one, or two machines talk in its name. It is heard again since it was silent for pair.times.dead_after_ms before.",
     "Nothing when the node was set up anew, or set back to an older state. Else look for a second machine that talks in its name."},
    {Message::pair_command_waits, Severity::info, "shutdown command {} waits until node {} is not {} any more",
     "A node that changes its role obeys when it has done so; after a minute it refuses (LRA1147).",
     "Nothing. Taken back by `lractl pair recover NODE`."},
    {Message::pair_promise_too_short, Severity::critical, "a promise is too short to serve by: {}. Next: make dead_after_ms there four times pair.times.heartbeat_ms of this node or more",
     "The times of a pair differ so much between its machines that one lost message ends the lease. Both nodes stay safe, but no node can serve as part of the pair with such answers.",
     "Make dead_after_ms there four times pair.times.heartbeat_ms of this node or more, best the same on all machines."},
    {Message::pair_promise_enough, Severity::info, "a promise is long enough again: {}", "What LRA1159 said has ended.", "Nothing."},
    {Message::offline_not_shared, Severity::major, "the other node does not know yet that drive {} is {}: {}",
     "The shared record of drives that are forced offline could not be written. The drive itself was not waited for; the record is tried again until it is there. A node that takes over before that looks at the drive anew.",
     "`lractl pair show`: see that a node serves and that its database answers."},
    {Message::offline_shared, Severity::info, "both nodes know now that drive {} is {}", "The shared record of drives that are forced offline is up to date again.", "Nothing."},
    {Message::offline_of_other_node, Severity::major, "drive {} was forced offline by node {}: {}",
     "The other node has forced the drive offline. This node keeps it so when it takes over.", "`lractl drive why SERIAL`; cleared by `lractl drive clear SERIAL --reason TEXT` on the node that serves."},
    {Message::offline_ended_by_other, Severity::info, "drive {} was cleared by {}", "An administrator has cleared the drive on the other node, or while this one was away.", "Nothing."},
    {Message::request_passed_on, Severity::info, "request {} ({}) is passed on to node {}", "It was made at the node that stands by. The other one serves it, this one tells the answer.", "Nothing."},
    {Message::request_taken_on, Severity::info, "request {} ({}) of node {} is served", "It was made at the node that stands by.", "Nothing."},
    {Message::requests_not_passed, Severity::warning, "requests can not be passed on to node {}: {}",
     "The database of the node that serves does not answer this one, so that requests made here are told to go there.", "Ask the other node; `lractl pair show` tells whether it is heard."},
    {Message::database_started, Severity::info, "PostgreSQL of this node runs as {}",
     "The server of this node's copy of the drive table was started, or has changed its part.",
     "Nothing."},
    {Message::database_lost, Severity::major, "PostgreSQL of this node {}",
     "Nobody ordered that. Commits that were not answered may be there or not; what was acknowledged is on both nodes. The node goes on as its state says and starts the server again.",
     "Nothing when `lractl pair show` soon says standby or primary again. Else read log/postgres.log in the server's folder: a full disk, a killed process and damaged files show there."},
    {Message::database_step_failed, Severity::warning, "PostgreSQL of this node: {} could not be done: {}",
     "A step that this node's part in the pair asks for has failed; it is tried again by itself, the last words say why it failed.",
     "Remove the cause that the message names. docs/POSTGRES.md has a line for each."},
    {Message::database_found_running, Severity::warning, "a PostgreSQL server that this lrad has not started ran in {} (process {}); it was stopped",
     "Only lrad starts that server. It was left over from a killed lrad, or somebody or something else has started it: two that write would be two drive tables.",
     "If a unit of systemd or a script starts it, remove that. Nothing after a crash of lrad."},
    {Message::database_rewound, Severity::info, "the copy of the drive table here was rewound to what the other node has: {}",
     "This node had written what the other one never got, so nobody was told that it was done; it is gone now.",
     "Nothing."},
    {Message::database_copied, Severity::info, "the copy of the drive table here was made anew from the other node: {}",
     "It could not follow otherwise. The old copy is removed only when the new one is complete.",
     "Nothing. If it happens after each absence, raise pair.database.slot_keep_mb."},
    {Message::database_foreign, Severity::critical, "the database in {} is not this pair's: {}. It stays untouched",
     "The folder holds the data of another cluster, or of another version of PostgreSQL. Nothing is started, copied or removed there.",
     "Look whose data they are. Move the folder away and run `lrad --init-pair` when this node is to be made anew."},
    {Message::database_killed, Severity::warning, "PostgreSQL of this node was killed: it did not stop {}",
     "A server that hangs, or was suspended, does not end when it is asked to. Nothing that was acknowledged is lost; the next start replays its log.",
     "Look for a disk that hangs when it happens again."},
    {Message::database_out_of_step, Severity::warning, "the copy of node {} needs log that the other node does not keep any more",
     "It was away longer than pair.database.slot_keep_mb lasts, and is copied anew now.",
     "Nothing; raise pair.database.slot_keep_mb if the disk has room."},
    {Message::commit_not_believed, Severity::warning, "a record of epoch {} is not on both nodes for certain: {}",
     "PostgreSQL says that a commit succeeded when somebody cancels its wait for the standby, and warns. It was written again until it was answered without a warning, or the step has failed.",
     "Nobody is to cancel or terminate sessions of lrad in PostgreSQL."},
    {Message::messages_refused, Severity::major, "SNMP messages are refused: {}. `lractl status show` counts them by cause",
     "More messages a minute than `snmp.refused_per_minute` were not believed: from strangers, with a wrong user or key, not encrypted, replayed, or malformed. None of them changed anything. Somebody probes the ports, or an agent's configuration differs.",
     "Look in `lractl status show` which count rises. `refused_wrong_key` or `refused_unknown_user`: compare the key files and `snmp.users` of the agent and of the controller. `dropped_source`, `dropped_engine`, `dropped_malformed`: find the sender with tcpdump, and let a firewall keep strangers from the ports."},
    {Message::messages_refused_over, Severity::info, "SNMP messages are not refused any more: {}", "A whole minute passed with fewer of them than `snmp.refused_per_minute`.", "Nothing."},
    {Message::pair_alone, Severity::major, "the library is served by one node alone: {}. Next: start the other node; `lractl pair show`",
     "Everything works, and one more failure is an outage. An alarm as long as it is so.",
     "Start the other node; it becomes the standby by itself."},
    {Message::pair_complete, Severity::info, "the library is not served by one node alone any more: {}", "The alarm of LRA1182 has ended.", "Nothing."},
    {Message::pair_out_of_service, Severity::critical, "this node can not serve the library: {}. Next: `lractl pair show`, `lractl pair votes`",
     "It has left service, was not allowed to serve, or waits for the other node or for agents. The other node may be serving: ask there. An alarm as long as it is so.",
     "`lractl pair votes` names who is missing; start agents or the other node. After a shutdown: `lractl pair recover NODE`."},
    {Message::pair_in_service, Severity::info, "this node takes part in serving the library again: {}", "The alarm of LRA1184 has ended.", "Nothing."},
    {Message::pair_peer_missing, Severity::warning, "the other node is not heard: {}. Next: look at that node and at the network between the nodes; `lractl pair show`",
     "An alarm as long as nothing comes from it on any path. What follows from it the votes decide.", "See that lrad runs there and that its addresses are reachable from here."},
    {Message::pair_peer_back, Severity::info, "the other node is heard again: {}", "The alarm of LRA1186 has ended.", "Nothing."},
    {Message::pair_copy_behind, Severity::major, "the copies of the drive table do not keep step: {}. Next: `lractl pair show`; the event log says what the database complains of",
     "One of the two servers does not follow the other. A take-over by it is impossible until it does. An alarm as long as it is so.",
     "`lractl event list` on the node that stands by: LRA1172, LRA1175 or LRA1178 say why it does not follow."},
    {Message::pair_copy_follows, Severity::info, "the copies of the drive table keep step again: {}", "The alarm of LRA1188 has ended.", "Nothing."},
    {Message::pair_voter_missing, Severity::warning, "a voting agent is missing: {}. Next: start dsad there; if it says not_registered, `lractl pair enrol --agent NAME --reason TEXT` on both nodes",
     "It is not heard, or has no register. When too few are left no node may serve alone. An alarm as long as it is so.",
     "`lractl pair show` lists who answers."},
    {Message::pair_voter_back, Severity::info, "a voting agent is there again: {}", "The alarm of LRA1190 has ended.", "Nothing."},
    {Message::host_drive_unused, Severity::major, "drive {} was found on the host of agent {} and is not used there: {}. `lractl agent show {}` lists what was found",
     "The application's profile can not be filled in for this drive alone: its name has not the form that the profile asks for, or a value is missing. Nobody takes it offline on that host; its other drives are not concerned.",
     "Give the drive its name in the agent's `application.names`, its values in `application.drive_parameters`, or list the drives that are to be used in `drives`; then reload."},
    {Message::host_ledgers_differ, Severity::warning, "drive {} at agent {}: the pair's database and this controller's own ledger disagree: {}. What is newer counts: {}",
     "The host has no agent, and this controller has played it alone since the row of the drive was written, or the other way round: a pair was given up and made again. Which is newer is told by the clocks of the controllers.",
     "Look at the drive in the backup application of that host. What had been set offline there, and is not in what counts, stays so until an operator brings it back."},
    {Message::host_ledger_left_over, Severity::major, "agent {} is not played by this controller, and its host may still have offline what a controller set offline there: {}. `lractl agent forget {} --reason TEXT` when an operator has brought it back",
     "The pair's database has rows of a host without an agent that is not in this controller's `agents` any more. Nobody brings these drives back online there.",
     "Put the host back into both configuration files, or bring the drives online in its backup application by hand and let the pair forget them. `lractl agent ledger` lists all rows."},
    {Message::host_named_differently, Severity::major, "agent {} would not be played as before after a takeover: {}",
     "The two controllers of the pair do not have the same host, or call a drive by different names in its backup application. What the one has set offline the other one does not touch: it would be another drive.",
     "Put the host into both configuration files, with the same names of its drives (`drives`, `application.names`), and reload both controllers."},
    {Message::host_named_alike, Severity::info, "agent {}: both controllers have its host and call its drives by the same names again", "What LRA1203 told has ended.", "Nothing."},

    {Message::notice_sent, Severity::info, "drive {}: notice {} sent to {} agents, {} have to confirm it",
     "The state of the drive was told to the drive sharing agents.", "Nothing."},
    {Message::notice_confirmed, Severity::info, "drive {}: agent {} confirms notice {}: {}",
     "The agent has received and processed the notice; the last words say what it did.", "Nothing."},
    {Message::agent_asked_again, Severity::warning, "drive {}: agent {} has not confirmed within {} ms and is asked again",
     "A confirmation is late. When the whole budget (timeout times retries plus one) is spent the drive is forced offline.",
     "See whether `dsad` runs on that host and reaches the controller; `lractl agent show NAME`."},
    {Message::agent_refused, Severity::warning, "drive {}: agent {} could not do it: {}",
     "The backup application on that host did not do what its agent asked. That is no confirmation: the agent is asked again, and the drive is forced offline when the budget is spent.",
     "Run `lractl application query SERIAL` and `lractl application check` on that host and repair the application."},
    {Message::agent_draining, Severity::info, "drive {}: agent {} lets a running job finish first: {}",
     "The backup application will stop using the drive soon. The agent gets its whole time again, three times for one debt.", "Nothing, or end the job."},
    {Message::budget_spent, Severity::major, "drive {}: agent {} did not confirm within {} ms",
     "The agent's whole budget is spent; nobody knows whether the backup application there still uses the drive.",
     "Repair or stop the host, then `lractl drive clear SERIAL --reason TEXT` when the drive was forced offline."},
    {Message::drive_settled, Severity::info, "drive {}: every agent has confirmed notice {}", "The handshake is complete.", "Nothing."},
    {Message::confirmation_from_nowhere, Severity::warning, "drive {}: agent {} confirms notice {}, which was never sent",
     "An authenticated agent has confirmed something this controller did not say. It counts for nothing.",
     "Look for a second controller with the same controller.id, or for an old state folder that was put back."},
    {Message::asked_after_restart, Severity::info, "drive {}: {} agents are asked again after the controller's restart",
     "They had not confirmed when the controller stopped.", "Nothing."},
    {Message::debt_waived, Severity::info, "drive {}: agent {} is no longer waited for: {}",
     "The agent stopped, was retired or is lost; or the administrator answered in its place.", "Nothing."},

    {Message::drive_forced_offline, Severity::critical, "drive {} is forced offline: {}. `lractl drive clear {} --reason TEXT` ends it",
     "The drive answers every medium access with a permanent error (04h/44h/00h), to every host, until an administrator clears it. Its state stays so across restarts.",
     "See `lractl drive why SERIAL`. Make sure that no application without an agent's answer uses the drive, then clear it."},
    {Message::drive_is_offline, Severity::info, "drive {} refuses every medium access now", "The offline actuator has done its work.", "As for LRA3001."},
    {Message::drive_unprotected, Severity::critical, "drive {} should be forced offline and could not be: {}. It is tried again and again",
     "The drive can still be used by an application that does not know about the reservation.",
     "Take the drive out of use by other means (zoning, cable, power). `lractl drive clear SERIAL --reason TEXT` ends the attempts."},
    {Message::administrator_forced, Severity::warning, "drive {}: {} forces it offline: {}", "An administrator has asked for it.", "`lractl drive clear SERIAL --reason TEXT` when it may be used again."},
    {Message::administrator_cleared, Severity::warning, "drive {}: {} clears it: {}",
     "An administrator takes responsibility for every confirmation that is missing.", "Nothing."},
    {Message::lift_failed, Severity::major, "drive {} could not be brought back: {}. It stays forced offline",
     "The offline actuator did not undo what it had done.", "Repair the path to the drive and clear it once more."},
    {Message::drive_online, Severity::info, "drive {} is online again", "Forced offline has ended; all agents are told the drive's state.", "Nothing."},
    {Message::forced_again_after_restart, Severity::warning, "drive {} is forced offline again after the controller's restart",
     "Forced offline survives restarts of everything.", "As for LRA3001."},
    {Message::forced_offline_left_behind, Severity::warning,
     "drive {} is not in the configuration any more and still forced offline; put it back and run: lractl drive clear {} --reason TEXT",
     "A drive was taken out of the configuration while its hosts get its permanent error. Nothing lifts that but a clear.",
     "List the drive in `lrad.json` again, reload, clear it, and take it out then."},
    {Message::forced_offline_remembered, Severity::warning, "drive {} is in the configuration again and still forced offline",
     "It was forced offline when it was taken out of the configuration.", "As for LRA3001."},
    {Message::fence_lost, Severity::critical, "drive {}: the controller's fence is gone, {}; it is put up again",
     "A look at a fenced drive did not show the controller's reservation: a host has preempted or cleared it, or the drive has lost its registrations. Until it stands again hosts can use the drive. With the fourth loss in a row the drive counts as unprotected.",
     "Find out which software preempts keys that are not its own (`lractl drive why SERIAL` names the holder), and stop it on that host."},
    {Message::fence_left_behind, Severity::major, "drive {} is not forced offline and the controller's own fence keeps its hosts out; `lractl drive release {} --reason TEXT` takes it away",
     "The drive is reserved with this controller's key, and the controller does not know why: its state was lost or put back, or offline.actuator was changed while the drive was fenced.",
     "Make sure that the drive may be used again, then release it."},
    {Message::fence_gone, Severity::info, "drive {}: the fence that was left behind is gone", "As for LRA3021.", "Nothing."},
    {Message::release_asked, Severity::warning, "drive {}: {} ends its reservation: {}",
     "An administrator runs `lractl drive release`; each step follows as LRA3024.", "Nothing."},
    {Message::release_step, Severity::warning, "drive {}: release by {}: {}",
     "One step of the release ladder, what came of it, and what a look at the drive showed afterwards.", "Nothing."},
    {Message::release_succeeded, Severity::info, "drive {}: {} has ended its reservation: {}", "A look at the drive shows that it is free.", "Nothing."},
    {Message::release_failed, Severity::major, "drive {} is still reserved after the release by {}: {}",
     "No step that was possible and allowed has ended the reservation.",
     "`lractl drive release SERIAL --plan` shows what is left, and what stands in its way."},

    {Message::agent_starting, Severity::info, "agent {} says started (incarnation {}); it is told the state of {} drives",
     "A drive sharing agent has come up or come back. It counts as started when it has confirmed every drive.", "Nothing."},
    {Message::agent_started, Severity::info, "agent {} has confirmed every drive and counts as started", "From now on its confirmations are required.", "Nothing."},
    {Message::agent_stopped, Severity::info, "agent {} says stopping: it owes nothing from now on", "An orderly stop.", "Nothing."},
    {Message::agent_lost, Severity::major, "agent {} is lost: {}",
     "It did not confirm within its budget. It still owes, and is asked again at each change.",
     "Bring the host or its `dsad` back; for a host that is gone for good remove it from the configuration, or retire it."},
    {Message::agent_returned, Severity::info, "agent {} has returned", "An agent that was lost has confirmed everything.", "Nothing."},
    {Message::agent_of_earlier_life, Severity::warning, "agent {}: a message of incarnation {} is ignored, the newest is {}",
     "A delayed or repeated message of an earlier life of the agent, or its state folder was lost.",
     "When it comes again and again the agent's state folder was lost: retire the agent once, so that it may begin anew."},
    {Message::agent_retired, Severity::warning, "agent {} is retired by {}: {}", "It owes nothing until it says \"started\" again.", "Nothing."},
    {Message::peer_unknown, Severity::warning, "a message of agent {} about drive {} is ignored: not in the configuration",
     "The sender is authenticated, but the configuration does not list the agent or the drive.", "Compare the configurations of `lrad` and `dsad`."},
    {Message::agent_told_anew, Severity::info, "agent {} is told the state of {} drives anew: {}",
     "Somebody has asked for a reconciliation, or this controller has taken over from another one. The agent counts as started when it has confirmed every drive.", "Nothing."},

    {Message::application_set_offline, Severity::info, "drive {} is offline in the application: {}", "The agent took it offline and has read that back.", "Nothing."},
    {Message::application_set_online, Severity::info, "drive {} is online in the application again", "The agent brought back what it had taken offline.", "Nothing."},
    {Message::application_command_failed, Severity::major, "drive {}: {} did not work in the application: {}",
     "The application's command failed, or the drive's state read back afterwards is not the one asked for.",
     "Run the command by hand; `lractl application check` shows it."},
    {Message::application_draining, Severity::info, "drive {} will be offline in the application when the running job is done", "The agent asks the application again every two seconds.", "Nothing, or end the job."},
    {Message::application_state_unknown, Severity::major, "drive {}: the application's state can not be told: {}",
     "The query command failed or printed something the profile does not understand.", "Run `lractl application query SERIAL`."},
    {Message::left_to_operator, Severity::info, "drive {} is free and offline in the application, not by this agent: left to the operator",
     "Only what the agent took offline is brought back by it.", "Bring the drive online in the application when you are done with it."},
    {Message::operator_set_drive, Severity::warning, "drive {}: {} sets it {} in the application by hand",
     "Overrides the notices until the next one; the agent no longer counts the drive as taken offline by itself.", "Nothing."},
    {Message::ledger_unfinished, Severity::warning, "drive {} was being taken offline when this agent stopped; the next notice settles it",
     "The agent ended between writing down its intent and reading the result back.", "Nothing."},
    {Message::controller_of_earlier_life, Severity::warning, "drive {}: notices of controller {} from epoch {} are ignored, the newest epoch is {}",
     "Delayed or repeated messages from before a restart of the controller, or the controller's state folder was lost or put back.",
     "When it comes again and again the controller's state folder was lost: stop `dsad`, remove its marks of that controller, start it."},
    {Message::agent_stopping, Severity::info, "this agent is stopping and says so to {} controllers", "Drives that are offline in the application stay so.", "Nothing."},
    {Message::controller_unknown, Severity::warning, "a notice of controller {} is ignored: not in the configuration", "The sender is authenticated, but the configuration does not list it.", "Compare the configurations of `lrad` and `dsad`."},
    {Message::taken_over_in_application, Severity::info, "drive {}: somebody else keeps it offline in the application now; it is left to them",
     "The application says that the drive is offline by another hand, or it was offline already when this agent's command came.",
     "Bring the drive online in the application when you are done with it."},
    {Message::host_fact_by_hand, Severity::info, "by hand, {}: {}", "What this host has was completed or corrected through the control socket; it counts at once and after restarts.",
     "`lractl host show` lists what is known and where from."},
    {Message::host_fact_contradicted, Severity::warning, "drive {}: the node {} given by hand belongs to drive {} now; it is not used",
     "Nodes were numbered anew, or the drive was exchanged.", "Give the right node with `lractl drive map`, or take it back with `lractl drive forget`."},
    {Message::device_events_not_heard, Severity::warning, "the kernel's device events are not heard ({}); this host is looked at every {} ms",
     "The socket for them could not be opened, as in some containers. New drives and ports are found later.", "Nothing, or shorten `agent.discovery_interval_ms`."},
    {Message::reconcile_asked, Severity::info, "{} asks the controllers for the state of all drives", "Each drive is then compared with the application, as at a start.", "Nothing."},
    {Message::reconcile_settled, Severity::info, "drive {}: the application had it {}, {}", "What a reconciliation found and did.", "Nothing."},
    {Message::pair_enrolled_here, Severity::info, "this agent votes in pair {} from now on",
     "A node has given it its first register, on an administrator's word.", "Nothing."},
    {Message::pair_not_enrolled, Severity::warning, "this agent is to vote in pair {} and is not enrolled. Next: on a node, `lractl pair enrol --agent {} --reason TEXT`",
     "It has no register: the pair was not founded yet, or the agent's state was lost. Its votes are missing.",
     "A new pair: `lractl pair enrol --found CLUSTER --reason TEXT` on the first node. Else enrol this agent again, on both nodes."},
    {Message::pair_agreed, Severity::info, "this agent agrees that node {} serves without the other",
     "It has accepted a vote, and keeps that over every restart.", "Nothing."},
    {Message::pair_objected, Severity::warning, "this agent does not agree that node {} serves alone: {}",
     "The word in the text is one of the objections in docs/PAIR.md.", "`lractl pair votes` on the node shows all agents' answers."},
    {Message::pair_key_stored, Severity::info, "shutdown key {} is stored: {}",
     "It says which node left service and what it had; whoever comes back first is judged by it.", "Nothing."},
    {Message::pair_command_carried, Severity::info, "shutdown command {} for {} was given here by {} and is carried to all others",
     "The command reaches each node and each agent, also when this agent ends meanwhile: any of them completes it.", "Nothing."},
    {Message::pair_hold_set, Severity::info, "this agent is {} by {}: {}",
     "On hold an agent agrees to no node that wants to serve alone.", "`lractl pair release --reason TEXT` ends it."},
    {Message::pair_view_changed, Severity::info, "as this agent counts the votes the pair is {}", "It counts every agent's decision by itself.", "Nothing."},
    {Message::pair_node_heard_anew, Severity::info, "node {} counts its messages from the beginning again",
     "Its state folder is a new or an older one, or two machines talk in its name. It is heard again since it was silent for pair.dead_after_ms before.",
     "Nothing when the node was set up anew, or set back to an older state. Else look for a second machine that talks in its name."},
    {Message::application_command_cut_off, Severity::warning, "drive {}: {} was cut off; it may still be running in the application for up to {} s: {}",
     "The connection broke or the command was killed before anybody saw its end, so it may take effect later. Until then \"offline\" is not confirmed when it could be undone, and the drive stays in the ledger when it could be taken offline late; then everything is looked at again.",
     "Nothing for one. When it comes again, see why the connection breaks or the application hangs: `lractl agent check AGENT`, or `lractl application check` on the host."},
    {Message::found_drive_unused, Severity::major, "drive {} was found on host {} and is not used: {}. `lractl host show` lists what was found; `lractl drive add {} --name NAME --device NODE` says what is missing",
     "The application's profile can not be filled in for this drive alone: its name has not the form that the profile asks for, or a value is missing. Nobody takes it offline on this host; the other drives are not concerned.",
     "Give the drive its name in `application.names` or by `lractl drive add`, its values in `application.drive_parameters`, or list the drives that are to be used in `drives`."},
    // clang-format on
};

std::string without_bars(std::string_view text) {
    std::string cell;
    for (char c : text) {
        if (c == '|') cell += '\\';
        cell += c;
    }
    return cell;
}

}  // namespace

std::span<const MessageDescription> message_catalogue() {
    return catalogue;
}

const MessageDescription& description_of(Message message) {
    for (const auto& entry : catalogue) {
        if (entry.message == message) return entry;
    }
    invariant_broken("every message is in the catalogue", __FILE__, __LINE__);
}

std::string identifier_of(Message message) {
    const auto number = static_cast<unsigned>(message);
    return (number < 5000 ? "LRA" : "DSA") + std::to_string(number);
}

namespace {

template <typename Arguments>
std::string filled_in(Message message, const Arguments& arguments) {
    const std::string_view format = description_of(message).format;
    std::string text;
    text.reserve(format.size() + 64);
    auto argument = arguments.begin();
    std::size_t at = 0;
    for (;;) {
        const std::size_t gap = format.find("{}", at);
        text += format.substr(at, gap - at);
        if (gap == std::string_view::npos) break;
        AGENT_ASSERT(argument != arguments.end());
        text += *argument++;
        at = gap + 2;
    }
    AGENT_ASSERT(argument == arguments.end());
    return text;
}

}  // namespace

std::string text_of(Message message, std::initializer_list<std::string_view> arguments) {
    return filled_in(message, arguments);
}

std::string text_of(Message message, std::span<const std::string> arguments) {
    return filled_in(message, arguments);
}

std::string message_catalogue_page() {
    std::string page =
        "# Messages\n\n"
        "Every line an operator can meet in the event log, in an alarm or in the journal. "
        "Generated\n"
        "from `agent/core/message_catalogue.cpp`; `LRA_UPDATE_DOCS=1` before the test `core_unit` "
        "writes it\n"
        "anew. Identifiers are never used again for something else.\n\n"
        "Severities: `info` is the normal course of things; `warning` deserves a look in office "
        "hours;\n"
        "`major` needs a repair; `critical` needs one now.\n";
    std::string_view chapter;
    for (const auto& entry : catalogue) {
        const auto thousand = static_cast<unsigned>(entry.message) / 1000;
        const std::string_view chapters[] = {"",
                                             "Reservations",
                                             "Handshake",
                                             "Forced offline",
                                             "Drive sharing agents, as the controller sees them",
                                             "On the hosts (dsad)"};
        AGENT_ASSERT(thousand < std::size(chapters));
        if (chapter != chapters[thousand]) {
            chapter = chapters[thousand];
            page += "\n## " + std::string(chapter) + "\n\n";
            page += "| message | severity | text | meaning | what to do |\n|---|---|---|---|---|\n";
        }
        page += "| " + identifier_of(entry.message) + " | " + std::string(to_text(entry.severity));
        page += " | " + without_bars(entry.format) + " | " + without_bars(entry.meaning);
        page += " | " + without_bars(entry.remedy) + " |\n";
    }
    return page;
}

}  // namespace agent::core
