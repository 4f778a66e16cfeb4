#!/usr/bin/env bash
# Fetches GitHub's OpenAPI descriptions from npm and holds the simulator's
# answers against them. GHES 3.8 is in an older release only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for version in 23.0.2 14.0.0; do
  npm install --prefix "$tmp/$version" --no-audit --no-fund --no-save --ignore-scripts --silent "@octokit/openapi@$version"
done
generated=node_modules/@octokit/openapi/generated

go test -count=1 -v -tags openapi ./internal/e2e/openapi -args \
  -api "$tmp/23.0.2/$generated/api.github.com.json" -ghes "$tmp/14.0.0/$generated/ghes-3.8.json"
