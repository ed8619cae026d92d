#!/usr/bin/env bash
# Writes the templates of the Helm chart from the kustomize base: deploy/helm/generate.sh [DIRECTORY]
# KUSTOMIZE says what builds (default: `kubectl kustomize`).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:-$here/policyservice/templates}
read -ra kustomize <<<"${KUSTOMIZE:-kubectl kustomize}"
mkdir -p "$target"
rm -f "$target"/*.yaml
"${kustomize[@]}" "$here/source" | node "$here/generate.mjs" "$target"
