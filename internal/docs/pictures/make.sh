#!/usr/bin/env bash
# Makes the pictures of the README anew, in docs/. The browser and its fonts come from
# Debian, the terminal that is drawn from npm.
#
#	make.sh [DIR]
#
# DIR also gets pictures that are only to be looked at: the README, and summaries of runs that
# fail, fetch from several runs, merge, write nothing, or have wrong inputs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source .ci/lib.sh

command -v chromium >/dev/null || apt chromium fonts-dejavu-core fonts-liberation
modules=$(node_modules "@xterm/xterm@$xterm")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/artifetch" .
go run ./internal/docs/pictures -exe "$tmp/artifetch" -xterm "$modules/@xterm/xterm" -out docs ${1:+-inspect "$1"}
