#!/usr/bin/env bash
# Packs the binary for this architecture with what an operator needs, and the checksums of
# both. The same commit and compiler give the same bytes.
#
#   packaging/archive.sh BINARY OUTPUT-DIRECTORY
set -euo pipefail

binary=$1
output=$2
cd "$(dirname "$0")/.."

version=$("$binary" --version | cut -d' ' -f2)
name="groundswell-$version-$(uname -m)-$(uname -s | tr '[:upper:]' '[:lower:]')"
# Of the commit, so that packing again gives the same archive.
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
mkdir "$staging/$name"
install -m 755 "$binary" "$staging/$name/groundswell"
install -m 644 packaging/groundswell.service packaging/groundswell.toml packaging/Caddyfile \
    docs/operating.md docs/security.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$staging/$name/"
(cd "$staging/$name" && sha256sum -- * > SHA256SUMS)

mkdir -p "$output"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$date" \
    --directory "$staging" "$name" | gzip --no-name > "$output/$name.tar.gz"
(cd "$output" && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "$output/$name.tar.gz"
