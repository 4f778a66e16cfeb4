#!/usr/bin/env bash
# Fetches GitHub's OpenAPI descriptions from npm into a cache directory, and validates the
# simulator's answers by them. GHES 3.8 is in an older release only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source .ci/lib.sh

api=$(npm_file "@octokit/openapi@$openapi" generated/api.github.com.json)
ghes=$(npm_file "@octokit/openapi@$openapi_ghes" generated/ghes-3.8.json)
go test -count=1 -v -tags openapi ./internal/e2e/openapi -args -api "$api" -ghes "$ghes"
