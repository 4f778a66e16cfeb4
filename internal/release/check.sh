#!/usr/bin/env bash
# Does for real what of a release needs no GitHub: binaries, checksums, bill of
# materials, the image twice to a registry on this machine, and its digest into
# action.yml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh

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

version=v0.0.0-check
bundle=/etc/ssl/certs/ca-certificates.crt
[[ -r $bundle ]] || die "$bundle is not there: install ca-certificates"

internal/release/binaries.sh "$version" "$tmp/dist"
internal/release/binaries.sh "$version" "$tmp/again"
(cd "$tmp/dist" && sha256sum --quiet --check checksums.txt)
diff -r -x '*.cdx.json' -x checksums.txt "$tmp/dist" "$tmp/again" || die "the binaries differ from build to build"
tar -xzf "$tmp/dist/artifetch_0.0.0-check_$(go env GOOS)_$(go env GOARCH).tar.gz" -C "$tmp"
got=$("$tmp"/artifetch_0.0.0-check_*/artifetch --version)
[[ $got == *"$version"* ]] || die "the binary says that it is $got"
grep -q '"bomFormat": "CycloneDX"' "$tmp/dist/artifetch_0.0.0-check.cdx.json"
grep -q '"name": "github.com/klauspost/compress"' "$tmp/dist/artifetch_0.0.0-check.cdx.json" || die "the bill of materials lacks modules"

crane=$(tool "$crane")
"$crane" registry serve --address 127.0.0.1:0 >"$tmp/registry.log" 2>&1 &
registry=$!
for _ in {1..100}; do
  port=$(sed -n 's/.*:\([0-9][0-9]*\)$/\1/p; s/.*port \([0-9][0-9]*\).*/\1/p' "$tmp/registry.log" | tail -1)
  [[ -z $port ]] || break
  kill -0 "$registry" || { cat "$tmp/registry.log"; die "the registry does not start"; }
  sleep 0.1
done
first=$(internal/release/image.sh "$version" "127.0.0.1:$port/first/artifetch" "$bundle")
second=$(internal/release/image.sh "$version" "127.0.0.1:$port/second/artifetch" "$bundle")
[[ ${first#*@} == "${second#*@}" && $first == *@sha256:* ]] || die "the image differs from build to build: $first $second"
echo "the same image twice: ${first#*@}"

for arch in amd64 arm64; do
  manifest=$("$crane" manifest --platform "linux/$arch" "$first")
  size=$(grep -o '"size":[0-9]*' <<<"$manifest" | awk -F: '{n += $2} END {print n}')
  config=$("$crane" config --platform "linux/$arch" "$first")
  [[ $config == *'"architecture":"'$arch'"'* && $config == *'"Entrypoint":["/artifetch"]'* && $config != *'"User":"'[!\"]* ]] ||
    die "the image for $arch is not as it should be: $config"
  echo "linux/$arch: $((size / 1024)) KiB compressed"
  ((size <= 12 << 20)) || die "the image for $arch has more than 12 MiB"
  files=$("$crane" export --platform "linux/$arch" "$first" - | tar -t | sort | paste -sd' ')
  [[ $files == 'artifetch etc etc/ssl etc/ssl/certs etc/ssl/certs/ca-certificates.crt' ]] || die "the image holds $files"
done

cp action.yml "$tmp/action.yml"
internal/release/pin.sh "$tmp/action.yml" "ghcr.io/owner/artifetch@${first#*@}"
diff action.yml "$tmp/action.yml" || true
if internal/release/pin.sh "$tmp/action.yml" "ghcr.io/owner/artifetch@${first#*@}" 2>/dev/null; then die "it was pinned twice"; fi
if internal/release/pin.sh "$tmp/action.yml" "ghcr.io/owner/artifetch:v1" 2>/dev/null; then die "a tag was taken for a digest"; fi
npx --yes --package @action-validator/core@0.6.0 --package @action-validator/cli@0.6.0 action-validator "$tmp/action.yml"
