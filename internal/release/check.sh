#!/usr/bin/env bash
# Makes what a release has and needs no GitHub for: binaries, checksums, bill of
# materials, notices, and the image, which it pushes to a registry on this machine.
# Then it runs check-tags.sh. Then it does all of this again, in a copy in which
# owner.sh has filled in an owner.
#
#   check.sh         all of this
#   check.sh --once  only what an owner can change: for Linux alone, without a second
#                    build, without the copy, and with the first releases only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case $#,${1:-} in
0,) once=false ;;
1,--once) once=true ;;
*) echo "usage: $0 [--once]" >&2; exit 2 ;;
esac
source internal/release/checking.sh
version=v0.1.0

echo "versions"
for good in v0.0.0 v1.2.3 v10.20.30 v1.2.3-rc.1 v1.2.3-beta.10; do is_version $good || die "$good is no version"; done
for bad in 1.2.3 v1.2 v1.2.3.4 v01.2.3 v1.2.3-rc v1.2.3-rc.01 v1.2.3-x.1 v1.2.3+x v1 '' 'v1.2.3 '; do
  if is_version "$bad"; then die "'$bad' is a version"; fi
done
before=''
for v in v0.9.0 v1.0.0-alpha.2 v1.0.0-beta.1 v1.0.0-rc.2 v1.0.0-rc.10 v1.0.0 v1.0.1 v1.2.0 v1.10.0-rc.1 v1.10.0 v2.0.0; do
  [[ -z $before ]] || { newer $v "$before" && ! newer "$before" $v && ! newer $v $v; } || die "$v does not come after $before"
  before=$v
done

echo "binaries"
if $once; then targets=(linux/amd64 linux/arm64); fi
internal/release/binaries.sh $version "$time" "$owner" "$tmp/dist" "${targets[@]}"
(cd "$tmp/dist" && sha256sum --quiet --check checksums.txt)
[[ $(wc -l <"$tmp/dist/checksums.txt") == $((${#targets[@]} + 1)) ]] || die "there are other files than the archives and a bill"
mkdir "$tmp/unpacked"
for archive in "$tmp"/dist/*.tar.gz; do tar -xzf "$archive" -C "$tmp/unpacked"; done
own=$tmp/unpacked/$(archive_name $version "$(go env GOOS)" "$(go env GOARCH)")
[[ $("$own/artifetch" --version) == "artifetch $version" ]] || die "the binary says that it is $("$own/artifetch" --version)"
grep -q "uses: $owner@v1" "$own/README.md" || die "README.md does not name the repository"
if grep -q OWNER/artifetch "$own/README.md"; then die "README.md still has OWNER"; fi
grep -qx '## \[0.1.0\] - 2026-01-31' "$own/CHANGELOG.md" || die "CHANGELOG.md does not have the version"

# lacking BINARY NOTICES prints what is linked into the binary and lacks a notice.
lacking() {
  GOTOOLCHAIN=$toolchain go version -m "$1" | sed -n 's/^\tdep\t\([^\t]*\)\t\([^\t]*\).*/== \1 \2/p' >"$tmp/linked"
  (($(wc -l <"$tmp/linked") > 5)) || die "$1 has $(wc -l <"$tmp/linked") modules"
  echo "== Go ${toolchain#go}" >>"$tmp/linked"
  grep -vxFf "$2" "$tmp/linked" || true
}
for directory in "$tmp"/unpacked/*; do
  missing=$(lacking "$directory"/artifetch* "$directory/THIRD-PARTY-NOTICES")
  [[ -z $missing ]] || die "the notices of ${directory##*/} lack $missing"
done
sed '/^== github.com\/spf13/,/^== /d' "$own/THIRD-PARTY-NOTICES" >"$tmp/notices"
[[ $(lacking "$own/artifetch" "$tmp/notices") == *spf13/pflag* ]] || die "a notice that is missing goes unnoticed"

linux=$tmp/unpacked/artifetch_0.1.0_linux_amd64/artifetch bill=$tmp/dist/artifetch_0.1.0.cdx.json
node internal/release/sbom.mjs "$bill" $version "$linux" "$licenses"
# refused_bills: sbom.mjs refuses wrong bills, and says what is wrong.
refused_bills() {
  local message change
  # What is wrong, and how to make it so.
  while IFS=$'\t' read -r message change; do
    node -e 'const fs = require("fs"), bom = JSON.parse(fs.readFileSync(process.argv[1])); eval(process.argv[2]); fs.writeFileSync(process.argv[3], JSON.stringify(bom))' \
      "$bill" "$change" "$tmp/broken.cdx.json"
    refused "$message" node internal/release/sbom.mjs "$tmp/broken.cdx.json" $version "$linux" "$licenses"
  done <<'END'
actions/attest refuses it: no serialNumber	delete bom.serialNumber
actions/attest refuses it: no bomFormat	delete bom.bomFormat
actions/attest refuses it: no specVersion	bom.specVersion = ""
actions/attest refuses it: more than	bom.x = "x".repeat(16 << 20)
no UUID of version 5	bom.serialNumber = "urn:uuid:2ed6657d-e927-468b-95e1-2665a8aea6a2"
its subject is	bom.metadata.component.version = "v0.0.0"
is in the binary	bom.components.splice(0, 1)
components for	bom.components.push({...bom.components[0], name: "example.com/other"})
has no hash	delete bom.components[0].hashes
has no license	delete bom.components[0].evidence
GPL-3.0-only, which is not in	bom.components[0].evidence.licenses[0].license.id = "GPL-3.0-only"
hashes of the tool	bom.metadata.tools[0].hashes = []
END
  refused 'LGPL-2.1-only, under which nothing is' node internal/release/sbom.mjs "$bill" $version "$linux" "$licenses AND LGPL-2.1-only"
}
if ! $once; then refused_bills; fi

echo "image"
image() { internal/release/image.sh $version "$1" "$time" "$url" "$bundle" "$tmp/dist" "$2"; }
refused 'is no time' internal/release/image.sh $version 0123abc today "$url" "$bundle" "$tmp/dist" "$tmp/none"
digest=$(image 0123abc "$tmp/image")
other=$(image 4567def "$tmp/other")
[[ $digest == sha256:* && $digest != "$other" ]] || die "the revision does not show"

if ! $once; then
  # A copy elsewhere, whose files nobody else may read, without git; built in an
  # environment that asks for something else, with another build of the tool. What
  # the cache of compiled packages could hide, the container tests compare: the image
  # that the Dockerfile builds has the same binary.
  elsewhere=$tmp/elsewhere/deeper
  (umask 077 && copy "$elsewhere")
  otherwise() {
    (cd "$elsewhere" && umask 077 && GOAMD64=v3 GOARM64=v9.0 GOEXPERIMENT=arenas GOFLAGS=-buildvcs=true ARTIFETCH_TOOLS=$tmp/tools "$@")
  }
  otherwise internal/release/binaries.sh $version "$time" "$owner" "$tmp/again"
  diff "$tmp/dist/checksums.txt" "$tmp/again/checksums.txt" || die "the binaries differ from build to build"
  again=$(otherwise internal/release/image.sh $version 0123abc "$time" "$url" "$bundle" "$tmp/again" "$tmp/image-again")
  [[ $again == "$digest" ]] || die "the image differs from build to build: $digest, $again"
  rm -rf "$tmp/tools"
  echo "the same files twice: $(sha256sum <"$tmp/dist/checksums.txt"), and the same image: $digest"
fi

echo "push"
new_repository
crane=$(tool "$crane")
start_registry "$crane" "$tmp/registry.log"
name=$address/$owner
push() { in_work internal/release/push.sh "$1" "$name" $version; }
refused 'cannot be pulled without a login' internal/release/public.sh "$name@$digest"
image=$(push "$tmp/other" 2>/dev/null) # an attempt that came to nothing
image=$(push "$tmp/image" 2>"$tmp/log")
grep -q 'not released: it is replaced' "$tmp/log"
[[ $image == "$name@$digest" && $(push "$tmp/image") == "$image" ]] || die "pushed $image"
in_work git push --quiet origin HEAD:refs/tags/$version
refused 'was released as' push "$tmp/other" # now it was
internal/release/public.sh "$image"
annotations=()
for pair in title=artifetch "description=$(sed -n 's/^description: *//p' action.yml)" version=$version \
  revision=0123abc "created=$time" "source=$url" "licenses=$licenses"; do
  annotations+=("\"org.opencontainers.image.${pair%%=*}\":\"${pair#*=}\"")
done
# has WHAT TEXT WANT...: the text has all of these.
has() {
  local what=$1 text=$2 want
  shift 2
  for want; do [[ $text == *"$want"* ]] || die "$what lacks $want: $text"; done
}
index=$("$crane" manifest "$image")
has 'the index' "${index##*\"annotations\"}" "${annotations[@]}"
for arch in amd64 arm64; do
  "$crane" validate --remote "$image" --platform "linux/$arch" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; die "the image for $arch is not valid"; }
  manifest=$("$crane" manifest --platform "linux/$arch" "$image")
  has "the manifest for $arch" "${manifest##*\"annotations\"}" "${annotations[@]}"
  size=$(grep -o '"size": *[0-9]*' <<<"$manifest" | awk -F: '{n += $2} END {print n}')
  config=$("$crane" config --platform "linux/$arch" "$image")
  has "the config for $arch" "$config" '"created":"'"$time"'"' '"architecture":"'$arch'"' '"Entrypoint":["/artifetch"]' '"Labels":' "${annotations[@]}"
  [[ $config != *'"User":"'[!\"]* ]] || die "the image for $arch has a user: $config"
  echo "linux/$arch: $((size / 1024)) KiB compressed"
  ((size <= 12 << 20)) || die "the image for $arch has more than 12 MiB"
  "$crane" export --platform "linux/$arch" "$image" "$tmp/files.tar"
  files=$(tar -tf "$tmp/files.tar" | sed 's|/$||' | sort | paste -sd' ')
  [[ $files == 'artifetch etc etc/ssl etc/ssl/certs etc/ssl/certs/ca-certificates.crt licenses licenses/LICENSE licenses/THIRD-PARTY-NOTICES' ]] || die "the image holds $files"
  for file in artifetch licenses/LICENSE licenses/THIRD-PARTY-NOTICES; do
    tar -xOf "$tmp/files.tar" $file | cmp - "$tmp/unpacked/$(archive_name $version linux $arch)/${file#licenses/}" || die "the image for $arch has another $file"
  done
done

if $once; then
  internal/release/check-tags.sh --once
else
  internal/release/check-tags.sh
  echo "the same after owner.sh"
  in_work internal/release/owner.sh someone/artifetch
  if in_work git grep -nE 'OWNER/artifetch|@OWNER\b' -- ':!internal/release/'; then die "owner.sh leaves OWNER"; fi
  in_work internal/release/check.sh --once
fi
