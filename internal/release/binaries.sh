#!/usr/bin/env bash
# Makes the files of a release: archives, bill of materials, checksums.
#
#   binaries.sh VERSION TIME REPOSITORY DIRECTORY [OS/ARCH...]
#
# The arguments are those of archives.sh. The bill is that of linux/amd64, which
# has to be among the systems.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# -ge 4 ]] || die "usage: $0 VERSION TIME REPOSITORY DIRECTORY [OS/ARCH...]"
version=$1 repository=$3 out=$(realpath -m "$4")
internal/release/archives.sh "$@"

# The binary has all that is in the image, too. All modules are there after the
# builds, and the version is not published yet: nothing is to be had from a proxy. The
# builds compared the modules with go.sum. The checksum database would be asked about each
# of them again, and is not to be had without a proxy either.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
name=$(archive_name "$version" linux amd64)
tar -xzf "$out/$name.tar.gz" -C "$tmp"
bill=$out/artifetch_${version#v}.cdx.json
GOPROXY=off GOSUMDB=off GOFLAGS='' GOTOOLCHAIN="$toolchain" "$(tool "$cyclonedx")" bin -json -std -licenses -noserial -notimestamp -version "$version" \
  -output "$bill" "$tmp/$name/artifetch" 2>"$tmp/log" ||
  { cat "$tmp/log" >&2; die "cannot write the bill of materials"; }
node internal/release/bill.mjs "$bill" "$repository" "$version"
cd "$out"
sha256sum -- * >"$tmp/checksums.txt"
mv "$tmp/checksums.txt" .
chmod 644 -- *
