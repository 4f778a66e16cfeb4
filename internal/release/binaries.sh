#!/usr/bin/env bash
# Builds the command for all systems, with checksums and a bill of materials.
#
#   binaries.sh VERSION DIRECTORY
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 2 ]] || die "usage: $0 VERSION DIRECTORY"
version=$1
mkdir -p "$2"
out=$(realpath "$2")
[[ -z $(ls -A "$out") ]] || die "$2 is not empty"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  os=${target%/*} arch=${target#*/} exe=artifetch
  [[ $os != windows ]] || exe=artifetch.exe
  name=artifetch_${version#v}_${os}_$arch
  mkdir "$tmp/$name"
  binary "$version" "$os" "$arch" "$tmp/$name/$exe"
  cp LICENSE README.md CHANGELOG.md "$tmp/$name/"
  chmod 755 "$tmp/$name" "$tmp/$name/$exe"
  chmod 644 "$tmp/$name"/*.md "$tmp/$name/LICENSE"
  pack "$tmp/$name.tar" -C "$tmp" "$name"
  gzip --no-name --best --stdout "$tmp/$name.tar" >"$out/$name.tar.gz"
done
"$(tool "$cyclonedx")" mod -json -licenses -noserial -output "$out/artifetch_${version#v}.cdx.json" . 2>"$tmp/log" ||
  { cat "$tmp/log" >&2; die "cannot write the bill of materials"; }
cd "$out"
sha256sum -- * >"$tmp/checksums.txt"
mv "$tmp/checksums.txt" .
