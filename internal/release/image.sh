#!/usr/bin/env bash
# Puts the image together for linux/amd64 and linux/arm64, from a binary and CA
# certificates and without an engine, so that the same source gives the same
# digest. Pushes nothing.
#
#   image.sh VERSION REVISION URL CA-BUNDLE DIRECTORY     prints sha256:…
#
# REVISION is the commit it is made of, URL the repository's: GHCR shows a
# package beside the repository that its image names. CA-BUNDLE is a file of PEM
# certificates. DIRECTORY becomes an OCI layout that holds the index.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 5 ]] || die "usage: $0 VERSION REVISION URL CA-BUNDLE DIRECTORY"
version=$1 revision=$2 url=$3 bundle=$(realpath "$4") out=$(realpath -m "$5")
[[ ! -e $out ]] || die "$out is there already"

tmp=$(mktemp -d)
registry=
cleanup() {
  local code=$?
  trap - EXIT
  if [[ -n $registry ]]; then kill "$registry" 2>/dev/null || true; wait "$registry" 2>/dev/null || true; fi
  rm -rf "$tmp"
  exit "$code"
}
trap cleanup EXIT
run() { "$@" 2>"$tmp/log" || { cat "$tmp/log" >&2; die "cannot assemble the image"; }; }

crane=$(tool "$crane")
start_registry "$crane" "$tmp/registry.log"
name=$address/artifetch

manifests=()
for arch in amd64 arm64; do
  root=$tmp/$arch
  mkdir -p "$root/etc/ssl/certs"
  binary "$version" linux $arch "$root/artifetch"
  cp "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"
  chmod 755 "$root" "$root/etc" "$root/etc/ssl" "$root/etc/ssl/certs" "$root/artifetch"
  chmod 644 "$root/etc/ssl/certs/ca-certificates.crt"
  pack "$tmp/$arch.tar" -C "$root" artifetch etc
  gzip --no-name --best "$tmp/$arch.tar"
  run "$crane" append --oci-empty-base --platform linux/$arch --new_layer "$tmp/$arch.tar.gz" --new_tag "$name:$arch" >/dev/null
  digest=$(run "$crane" mutate "$name:$arch" --set-platform linux/$arch --entrypoint /artifetch --tag "$name:$arch" \
    --label org.opencontainers.image.title=artifetch --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.source=$url" --label "org.opencontainers.image.revision=$revision" \
    --label org.opencontainers.image.licenses=MIT)
  manifests+=(--manifest "$digest")
done
run "$crane" index append "${manifests[@]}" --tag "$name:index" >/dev/null
run "$crane" pull --format oci "$name:index" "$out"
layout_digest "$out"
