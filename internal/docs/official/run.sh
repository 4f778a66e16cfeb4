#!/usr/bin/env bash
# Proves the record of what actions/download-artifact gives (testdata/examples.yaml): its own
# libraries, from npm, fetch the same artifacts from the same simulator. With the directory of a
# clone of dawidd6/action-download-artifact in $DAWIDD6, the record of that, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source .ci/lib.sh

modules=$(node_modules "${artifact_packages[@]}")
go test -count=1 -tags official -run 'TestOfficialLibrary|TestCommunityAction' ./internal/docs \
  -args -modules "$modules" ${DAWIDD6:+-dawidd6 "$DAWIDD6"}
