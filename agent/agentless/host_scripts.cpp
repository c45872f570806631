#include "agent/agentless/host_report.hpp"

namespace agent::agentless {

namespace {

// Nothing is opened but files of sysfs: no command reaches a drive. A virtual port (NPIV) is a host
// of its own below fc_host; phy-3:0 is an adapter's own phy, phy-3:0:1 an expander's.
constexpr std::string_view linux_script = R"SCRIPT(
echo 'lra-host 1 linux'
c=/sys/class
port() { read -r v 2>/dev/null < "$3" && [ -n "$v" ] && echo "port $1:${v#0x} $2"; }
for h in $c/fc_host/host*; do
  [ -r "$h/port_name" ] && port fc "fc_host/${h##*/}" "$h/port_name"
done
for h in $c/sas_host/host*; do
  n=${h##*/host}
  a=$c/scsi_host/host$n/host_sas_address
  [ -r "$a" ] && port sas "scsi_host/host$n" "$a"
  for p in "$c/sas_phy/phy-$n":*; do
    case ${p##*/} in *:*:*) continue ;; esac
    [ -r "$p/sas_address" ] && port sas "sas_phy/${p##*/}" "$p/sas_address"
  done
done
for s in $c/iscsi_session/session*; do
  [ -r "$s/initiatorname" ] && port iscsi "iscsi_session/${s##*/}" "$s/initiatorname"
done
f=/etc/iscsi/initiatorname.iscsi
if [ -r $f ]; then
  while read -r l; do
    case $l in InitiatorName=*) echo "port iscsi:${l#InitiatorName=} $f" ;; esac
  done < $f
fi
for t in $c/scsi_tape/nst*; do
  n=${t##*/nst}
  case $n in ''|*[!0-9]*) continue ;; esac
  echo "tape /dev/nst$n"
  d=$t/device
  for g in "$d"/scsi_generic/sg*; do
    [ -e "$g" ] && echo "generic /dev/${g##*/}"
  done
  [ -r "$d/vendor" ] && read -r v < "$d/vendor" && echo "vendor $v"
  [ -r "$d/model" ] && read -r v < "$d/model" && echo "product $v"
  [ -r "$d/vpd_pg80" ] && echo "page80" $(od -An -v -tx1 "$d/vpd_pg80" 2>/dev/null)
done
echo end
)SCRIPT";

// Only what is Available: lscfg of a device that is merely Defined tells of the past.
constexpr std::string_view aix_script = R"SCRIPT(
PATH=/usr/bin:/usr/sbin:/bin:/sbin
echo 'lra-host 1 aix'
lsdev -Cc tape | while read n s r; do
  case $n in rmt[0-9]*) ;; *) continue ;; esac
  if [ "$s" = Available ]; then
    echo "tape /dev/$n"
    lscfg -vl "$n" | sed 's/^/| /'
  else
    echo "trouble /dev/$n is $s"
  fi
done
lsdev -Cc adapter | while read n s r; do
  case $n in fcs[0-9]*) ;; *) continue ;; esac
  if [ "$s" = Available ]; then
    echo "adapter $n"
    lscfg -vl "$n" | sed 's/^/| /'
  fi
done
for i in $(lsdev -C -F name 2>/dev/null | grep '^iscsi[0-9]'); do
  v=$(lsattr -El "$i" -a initiator_name -F value 2>/dev/null)
  [ -n "$v" ] && echo "port iscsi:$v $i"
done
echo end
)SCRIPT";

}  // namespace

std::string_view discovery_script(runtime::RemoteSystem system) {
    switch (system) {
        case runtime::RemoteSystem::linux_sysfs:
            return linux_script;
        case runtime::RemoteSystem::aix:
            return aix_script;
        case runtime::RemoteSystem::commands:
            break;
    }
    return {};
}

}  // namespace agent::agentless
