#!/usr/bin/env bash
# Builds the image for linux/amd64 and linux/arm64 and pushes it. It is put
# together from a binary and CA certificates, without an engine, so that the
# same source gives the same digest.
#
#   image.sh VERSION REPOSITORY CA-BUNDLE     prints REPOSITORY@sha256:…
#
# CA-BUNDLE is a file of PEM certificates. The registry's login is crane's:
# ~/.docker/config.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 3 ]] || die "usage: $0 VERSION REPOSITORY CA-BUNDLE"
version=$1 repository=$2 bundle=$(realpath "$3")

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
crane=$(tool "$crane")

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
  "$crane" append --oci-empty-base --platform linux/$arch --new_layer "$tmp/$arch.tar.gz" \
    --new_tag "$repository:$version-$arch" >/dev/null 2>"$tmp/log" || { cat "$tmp/log" >&2; die "cannot push"; }
  digest=$("$crane" mutate "$repository:$version-$arch" --set-platform linux/$arch --entrypoint /artifetch \
    --label org.opencontainers.image.title=artifetch --label "org.opencontainers.image.version=$version" \
    --label org.opencontainers.image.source=https://github.com/OWNER/artifetch \
    --label org.opencontainers.image.licenses=MIT \
    --tag "$repository:$version-$arch" 2>"$tmp/log") || { cat "$tmp/log" >&2; die "cannot push"; }
  manifests+=(--manifest "$digest")
done
"$crane" index append "${manifests[@]}" --tag "$repository:$version" 2>"$tmp/log" | tail -1 || { cat "$tmp/log" >&2; die "cannot push the index"; }
