#!/usr/bin/env bash
# Makes zips with the programs that people use, and compares what we extract from them
# with what unzip and Python's zipfile extract. Prints a table. Does the same with tars
# and GNU tar.
#
#   --heavy   a file of 5 GiB, too: minutes, and 5 GiB of disk
#   --record  write testdata: the zips, and what is in them, for the test that runs
#             without the programs
#
# The programs come from Debian, the JDK and npm; those from npm stay in a cache
# directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source .ci/lib.sh

flags=()
for arg; do
  case $arg in
  --heavy | --record) flags+=("${arg#-}") ;;
  *) die "unknown argument $arg" ;;
  esac
done

missing=()
for need in zip:zip unzip:unzip bsdtar:libarchive-tools jar:default-jdk-headless python3:python3 git:git perl:perl bzip2:bzip2 xz:xz-utils zstd:zstd; do
  command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
done
command -v 7zz >/dev/null || command -v 7z >/dev/null || missing+=(7zip)
perl -MArchive::Zip -e 1 2>/dev/null || missing+=(libarchive-zip-perl)
if [[ ${#missing[@]} != 0 ]]; then apt "${missing[@]}"; fi

modules=$(node_modules "${artifact_packages[@]}")

export LC_ALL=C.UTF-8
go test -count=1 -tags producers -run 'TestAgainstOtherReaders|TestAgainstTar' ./internal/unpack
go test -count=1 -v -timeout 30m -tags producers -run 'TestProducers|TestHuge' ./internal/e2e/producers -args -modules "$modules" "${flags[@]}" |
  grep -v -E '^(=== |    --- PASS)'
