#!/usr/bin/env bash
# Collects the licenses of all that is linked into the binaries of any system,
# and of what else is in the image.
#
#   notices.sh FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh
[[ $# == 1 ]] || die "usage: $0 FILE"

line=$(printf '%080d' 0 | tr 0 =)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# license_files TOP DIRECTORY... prints the license files of the directories, and of
# those between them and TOP, one a line.
license_files() {
  local top=$1 directory
  shift
  for directory; do
    while [[ $directory == "$top"* ]]; do
      find "$directory" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'patents*' \) ! -name '*.go'
      directory=${directory%/*}
    done
  done | sort -u
}

# notice HEADING TOP DIRECTORY... appends a section to the notices.
notice() {
  local heading=$1 top=$2 files
  shift
  files=$(license_files "$@")
  [[ -n $files ]] || die "$heading has no license"
  printf '\n%s\n== %s\n' "$line" "$heading"
  while read -r file; do
    printf '%s\n\n' "$line"
    [[ ${file%/*} == "$top" ]] || printf '(%s)\n\n' "${file#"$top"/}"
    cat "$file"
    printf '\n'
  done <<<"$files"
}

for target in "${targets[@]}"; do
  release_go "${target%/*}" "${target#*/}" list -deps \
    -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{"\t"}}{{.Dir}}{{"\t"}}{{$.Dir}}{{end}}{{end}}' .
done | sed '/^$/d' | sort -u >"$tmp/packages"

{
  echo "artifetch contains the software below, under these licenses."
  cut -f 1 "$tmp/packages" | sort -u >"$tmp/modules"
  while read -r module; do
    mapfile -t directories < <(awk -F '\t' -v module="$module" '$1 == module {print $3}' "$tmp/packages")
    notice "$module" "$(awk -F '\t' -v module="$module" '$1 == module {print $2; exit}' "$tmp/packages")" "${directories[@]}"
  done <"$tmp/modules"
  goroot=$(release_go linux amd64 env GOROOT)
  notice "Go ${toolchain#go}" "$goroot" "$goroot"
  printf '\n%s\n== CA certificates (of the image only: /etc/ssl/certs/ca-certificates.crt)\n%s\n\n' "$line" "$line"
  cat <<'END'
They are those of Mozilla, from https://hg.mozilla.org/projects/nss, file
lib/ckfw/builtins/certdata.txt, under the Mozilla Public License 2.0:
https://www.mozilla.org/MPL/2.0/
END
} >"$tmp/notices"
cp "$tmp/notices" "$1"
