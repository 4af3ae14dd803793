# shellcheck shell=bash
# nsd.bash - the configuration of nsd, a real DNS server, for tests that need one

# nsd_config FOLDER ADDRESS: on standard output; the zone `example` is in FOLDER/zone, and the log in FOLDER/nsd.log
nsd_config() {
    cat <<END
server:
  ip-address: $2
  username: ""
  zonesdir: "$1"
  database: ""
  pidfile: "$1/nsd.pid"
  xfrdfile: "$1/xfrd"
  zonelistfile: "$1/zone.list"
  logfile: "$1/nsd.log"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: example
  zonefile: zone
END
}
