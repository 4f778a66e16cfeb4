#!/usr/bin/env bash
# Builds the command for all systems, with a bill of materials and checksums.
#
#   binaries.sh VERSION REPOSITORY DIRECTORY
#
# REPOSITORY is owner/name, for the README that comes with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 3 ]] || die "usage: $0 VERSION REPOSITORY DIRECTORY"
version=$1 repository=$2
mkdir -p "$3"
out=$(realpath "$3")
[[ -z $(ls -A "$out") ]] || die "$3 is not empty"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp LICENSE README.md CHANGELOG.md "$tmp/"
internal/release/owner.sh "$repository" "$tmp/README.md"
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  os=${target%/*} arch=${target#*/} exe=artifetch
  [[ $os != windows ]] || exe=artifetch.exe
  name=artifetch_${version#v}_${os}_$arch
  mkdir "$tmp/$name"
  binary "$version" "$os" "$arch" "$tmp/$name/$exe"
  cp "$tmp"/{LICENSE,README.md,CHANGELOG.md} "$tmp/$name/"
  chmod 755 "$tmp/$name" "$tmp/$name/$exe"
  chmod 644 "$tmp/$name"/*.md "$tmp/$name/LICENSE"
  pack "$tmp/$name.tar" -C "$tmp" "$name"
  gzip --no-name --best --stdout "$tmp/$name.tar" >"$out/$name.tar.gz"
done

# Of what is linked into the binary, which is all there is in the image, too.
"$(tool "$cyclonedx")" bin -json -std -licenses -noserial -notimestamp -version "$version" \
  -output "$out/artifetch_${version#v}.cdx.json" "$tmp/artifetch_${version#v}_linux_amd64/artifetch" 2>"$tmp/log" ||
  { cat "$tmp/log" >&2; die "cannot write the bill of materials"; }
cd "$out"
sha256sum -- * >"$tmp/checksums.txt"
mv "$tmp/checksums.txt" .
chmod 644 -- *
