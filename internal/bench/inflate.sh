#!/usr/bin/env bash
# Prints how fast internal/inflate, libdeflate and ISA-L decompress real data, as the table
# of docs/benchmarks.md. Needs Go and npm; on Debian it installs a C compiler and the two
# libraries if they are not there.
#   internal/bench/inflate.sh [DIRECTORY [LEVELS]]    the data stays in DIRECTORY
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dir=${1:-$(mktemp -d)} levels=${2:-1 6 9}
raw=$dir/raw gz=$dir/gz peer=$dir/peer

build() { cc -O2 -o "$peer" internal/bench/peers/inflate.c -ldeflate -lisal; }
mkdir -p "$raw" "$gz"
if ! build 2>/dev/null; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends gcc libc6-dev libdeflate-dev libisal-dev
  build
fi

# first prints the first MiB of stdin, and reads the rest.
first() { head -c "$1M" && cat >/dev/null; }

package() { (cd "$dir" && npm pack --silent "$1"); }

if [[ ! -e $raw/A ]]; then
  root=$(go env GOROOT)
  typescript=$dir/$(package typescript@5.4.5)
  plotly=$dir/$(package plotly.js-dist-min@2.32.0)
  octokit=$dir/$(package @octokit/openapi@14.0.0)
  tar -C "$root" --sort=name --mtime=@0 -c src | first 8 >"$raw/go-tar"
  tar -xzOf "$typescript" package/lib/typescript.js | first 8 >"$raw/js"
  tar -xzOf "$plotly" package/plotly.min.js >"$raw/js-min"
  tar -xzOf "$octokit" package/generated/api.github.com.json | first 8 >"$raw/json"
  cat "$root/src/testdata/Isaac.Newton-Opticks.txt" >"$raw/text"
  first 8 <"$root/bin/go" >"$raw/elf"
  first 5 <"$typescript" >"$raw/packed"
  find "$root/src/image" -name '*.png' -print0 | sort -z | xargs -0 cat >"$raw/png"
  head -c 8M /dev/zero >"$raw/zeros"
  go test -json -short encoding/... compress/... strconv strings bytes regexp/... text/... go/... 2>&1 | first 8 >"$raw/log" || true
  awk 'BEGIN { srand(1); t = 1700000000; v = 20
    for (i = 0; i < 160000; i++) { t++; v += rand() - .5
      printf "%d,%.3f,%.3f,%d,%d\n", t, v, rand() * 100, rand() * 1000, i } }' >"$raw/csv"
  go test ./internal/inflate -run TestCorpus -count 1 -sets "$raw" >/dev/null
fi

# many LEVEL compresses the files that it reads, each as a member of its own.
many() {
  local level=$1
  while IFS= read -r -d '' file; do gzip -nc "-$level" "$file"; done
}
for level in $levels; do
  if [[ -e $gz/zeros.$level.gz ]]; then continue; fi
  for file in "$raw"/*; do
    case $file in
    */B-*) ;;
    *) gzip -nc "-$level" "$file" >"$gz/$(basename "$file").$level.gz" ;;
    esac
  done
  find "$raw" -name 'B-*' -print0 | sort -z | many "$level" >"$gz/B.$level.gz"
  find "$(go env GOROOT)"/src/{net,go,encoding} -type f -name '*.go' -print0 | sort -z | many "$level" >"$gz/go-files.$level.gz"
done

go test ./internal/inflate -run TestSets -count 1 -sets "$gz" -peer "$peer" -v | grep '^|'
