#!/usr/bin/env bash
# A MongoDB-compatible server that nobody here wrote, to run the contract and integration tests against:
# DocumentDB on PostgreSQL behind FerretDB. It lives in a cache folder outside the checkout.
#
#   documentdb.sh install   installs it once (root on Debian, with Go; about 1 GB and two minutes)
#   documentdb.sh run       serves it on a free loopback port, prints its URI, and stops with its standard input
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${LETSAPP_DOCUMENTDB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/letsapp-documentdb}
root=$home/root
server=$home/ferretdb-server
pgbin=/usr/lib/postgresql/18/bin
pgdata=/var/lib/postgresql/letsapp
user=letsapp
password=letsapp

fail() { echo "documentdb: $*" >&2; exit 1; }

# Runs a command inside the Debian folder. The mounts live in a namespace of their own and vanish with it.
inside() {
  unshare --mount --propagation private bash -c '
    mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec env -u TMPDIR chroot "$0" "$@"' "$root" "$@"
}

as_postgres() { inside setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

start_postgres() { # port
  as_postgres "$pgbin/pg_ctl" -D "$pgdata" -w -t 60 -l /var/lib/postgresql/log \
    -o "-c port=$1 -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp -c fsync=off" start >/dev/null
}

stop_postgres() { as_postgres "$pgbin/pg_ctl" -D "$pgdata" -m immediate stop >/dev/null 2>&1 || true; }

install() {
  if [ -e "$home/installed" ]; then echo "documentdb: already installed in $home"; return; fi
  [ "$(id -u)" = 0 ] || fail "installing needs root"
  command -v apt-get >/dev/null || fail "installing needs Debian"
  command -v go >/dev/null || fail "installing needs Go"
  if ! command -v debootstrap >/dev/null; then
    apt-get update -q && apt-get install -q -y --no-install-recommends debootstrap
  fi
  mkdir -p "$home"
  (cd "$here/server" && go build -o "$server" .)
  rm -rf "$root"
  debootstrap --variant=minbase sid "$root"
  inside env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql-18-documentdb
  as_postgres "$pgbin/initdb" -D "$pgdata" --encoding=UTF8 --locale=C.UTF-8 --auth=trust >/dev/null
  cat >>"$root$pgdata/postgresql.conf" <<CONF
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
CONF
  local port; port=$(free_port)
  start_postgres "$port"
  as_postgres psql -q -h 127.0.0.1 -p "$port" -d postgres -c "CREATE EXTENSION documentdb CASCADE" \
    -c "CREATE ROLE $user SUPERUSER LOGIN PASSWORD '$password'" || { stop_postgres; fail "could not prepare PostgreSQL"; }
  stop_postgres
  touch "$home/installed"
  echo "documentdb: installed in $home"
}

run() {
  [ -e "$home/installed" ] || fail "not installed; run: $0 install"
  exec 9>"$home/lock"
  flock -n 9 || fail "already running"
  trap 'kill "${ferretdb:-}" 2>/dev/null || true; stop_postgres' EXIT
  rm -f "$root$pgdata/postmaster.pid"
  local pgport port
  pgport=$(free_port)
  start_postgres "$pgport" 9>&-
  port=$(free_port)
  "$server" "postgres://$user:$password@127.0.0.1:$pgport/postgres" "127.0.0.1:$port" "$home/state" >"$home/ferretdb.log" 2>&1 9>&- </dev/null &
  ferretdb=$!
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    kill -0 "$ferretdb" 2>/dev/null || { cat "$home/ferretdb.log" >&2; fail "FerretDB ended"; }
    sleep 0.1
  done
  echo "mongodb://127.0.0.1:$port/"
  cat >/dev/null # Until whoever started us goes away.
}

case "${1:-}" in
  install) install ;;
  run) run ;;
  *) fail "usage: $0 install|run" ;;
esac
