#!/usr/bin/env bash
# Object stores that nobody here wrote, to hold the storage to its contract on: an S3 server and a Google Cloud Storage
# server. They are built once with Go, some four minutes, into a cache folder outside the checkout.
set -euo pipefail

home=${LETSAPP_OBJECT_STORES_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/letsapp-object-stores}
versitygw=github.com/versity/versitygw/cmd/versitygw@v1.8.0
fakegcs=github.com/fsouza/fake-gcs-server@v1.56.1

command -v go >/dev/null || { echo "object-stores: installing needs Go" >&2; exit 1; }
mkdir -p "$home"
for module in "$versitygw" "$fakegcs"; do
  name=$(basename "${module%@*}")
  if [ -x "$home/$name" ]; then echo "object-stores: $name is already in $home"; continue; fi
  GOBIN=$home go install "$module"
  echo "object-stores: installed $name in $home"
done
