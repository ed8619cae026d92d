#!/usr/bin/env bash
# Builds everything, checks it, and runs every test.
#   tests/run.sh               all of it
#   tests/run.sh --only Core   one test project (tests/PolicyService.Core.Tests), without the other checks
# Needs the .NET SDK; other tools it installs with apt-get where they are missing. The last line
# counts: a step that failed is 1 failed. The exit code is 0 only if nothing failed and nothing was skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian packages the tests use, each with a command that shows it is there.
declare -A tools=([nodejs]=node [npm]=npm [openssl]=openssl [curl]=curl [procps]=pgrep [gnupg]=gpg [zsh]=zsh [redis-server]=redis-server [redis-tools]=redis-cli [postgresql]=pg_lsclusters [docker-registry]=docker-registry [nghttp2-client]=h2load)
configuration=Release
test_limit=40m

# Nothing that dotnet starts outlives the command that started it.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 TESTINGPLATFORM_TELEMETRY_OPTOUT=1

only=
case "$#:${1-}" in
  0:) ;;
  2:--only) only=$2 ;;
  *)
    echo "usage: tests/run.sh [--only NAME]" >&2
    exit 2
    ;;
esac
if [[ -z $only ]]; then
  projects=(tests/*/*.csproj)
else
  projects=("tests/PolicyService.$only.Tests/PolicyService.$only.Tests.csproj")
fi
for project in "${projects[@]}"; do
  if [[ ! -f $project ]]; then
    echo "tests/run.sh: there is no test project $project" >&2
    exit 2
  fi
done

passed=0 failed=0 skipped=0 finished=false session=
work=$(mktemp -d)
# Everything that is printed is kept, too, to be looked through at the end.
exec 3>&1 4>&2
exec > >(tee -a "$work/output" >&3) 2>&1
printing=$!
# A line or more for each failure: they stand again before the counts, where a reader of the end of a long log finds them.
failures=$work/failures
: >"$failures"

finish() {
  trap - EXIT INT TERM
  if [[ -n $session ]]; then pkill -KILL --session "$session" || true; fi
  # The rest of what was said comes before the counts; whatever still holds the pipe must not hold them up.
  exec 1>&3 2>&4
  for _ in {1..100}; do
    if ! kill -0 "$printing" 2>/dev/null; then break; fi
    sleep 0.1
  done
  if ! $finished; then
    echo "tests/run.sh stopped before its end"
    failed=$((failed + 1))
  fi
  if [[ -s $failures ]]; then
    printf '\n== failures\n'
    cat "$failures"
  fi
  rm -rf "$work" || true
  printf '\n%d passed, %d failed' "$passed" "$failed"
  if ((skipped > 0)); then printf ', %d skipped' "$skipped"; fi
  printf '\n'
  exit $((failed + skipped > 0))
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command in a session of its own, so that what it leaves behind is found, ended and counted as a failure.
# (ps, not pgrep: that one also lists processes that have ended and only wait to be reaped.)
run() {
  local status=0 left
  setsid "$@" </dev/null &
  session=$!
  wait "$session" || status=$?
  for _ in {1..50}; do
    # shellcheck disable=SC2009
    left=$(ps -s "$session" -o stat=,pid=,args= | grep -v '^Z' || true)
    if [[ -z $left ]]; then break; fi
    sleep 0.1
  done
  if [[ -n $left ]]; then
    printf 'left behind by %s:\n%s\n' "$*" "$left"
    pkill -KILL --session "$session" || true
    if ((status == 0)); then status=1; fi
  fi
  session=
  return "$status"
}

# step NAME COMMAND…: runs the command, tells how long it took, and counts it if it failed and has not counted itself.
step() {
  local name=$1 start=$SECONDS counted=$((failed + skipped)) status=0 outcome=ok
  shift
  printf '\n== %s\n' "$name"
  "$@" || status=$?
  if ((status != 0)); then
    outcome="FAILED ($status)"
    if ((failed + skipped == counted)); then
      failed=$((failed + 1))
      echo "$name" >>"$failures"
    fi
  fi
  printf '== %s: %s, %d s\n' "$name" "$outcome" $((SECONDS - start))
  return "$status"
}

install_tools() {
  local package missing=() root=()
  for package in "${!tools[@]}"; do
    if ! command -v "${tools[$package]}" >/dev/null; then missing+=("$package"); fi
  done
  if ((${#missing[@]} == 0)); then
    echo "nothing is missing"
    return 0
  fi
  echo "missing: ${missing[*]}"
  if ((EUID != 0)); then root=(sudo -n); fi
  # Tests start their own servers: what a package would start as a service of this machine stays off.
  local policy=/usr/sbin/policy-rc.d ours=false status=0
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null && "${root[@]}" chmod +x "$policy" || return
    ours=true
  fi
  { "${root[@]}" apt-get update -q </dev/null &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null; } || status=$?
  if $ours; then "${root[@]}" rm -f "$policy"; fi
  return "$status"
}

# Compares with the last earlier commit that changed the contracts.
buf_breaking() {
  local base
  if ! git rev-parse --verify --quiet HEAD~ >/dev/null; then
    echo "compared with nothing: no commit before HEAD is here"
    return 0
  fi
  base=$(git log -1 --format=%H HEAD~ -- protos) || return
  if [[ -z $base ]]; then
    echo "compared with nothing: no commit before HEAD has contracts"
    return 0
  fi
  git log -1 --format='comparing with %h (%s)' "$base"
  mkdir "$work/base" && git archive "$base" protos | tar -x -C "$work/base" || return
  run "$buf" breaking protos --against "$work/base/protos"
}

# test_project PROJECT: counts come from the report the run writes, never from what it prints.
test_project() {
  local project=$1 name report counts status=0 p f s
  name=$(basename "$project" .csproj)
  report=$work/$name.json
  mkdir -p "$work/tmp"
  run env TMPDIR="$work/tmp" dotnet test --project "$project" -c "$configuration" --no-build --timeout "$test_limit" \
    --results-directory "$work" --report-xunit-ctrf --report-xunit-ctrf-filename "$name.json" \
    --ansi off --progress off --auto-reporters off --show-stdout Failed --show-stderr Failed || status=$?
  counts=$(node -e '
    const fs = require("fs");
    const { summary, tests } = JSON.parse(fs.readFileSync(process.argv[1], "utf8")).results;
    for (const test of tests.filter(test => test.status === "failed")) {
      const why = `${test.message ?? ""}\n${test.trace ?? ""}`.trim().split("\n").slice(0, 30).join("\n  ");
      fs.appendFileSync(process.argv[2], `${test.name} (${Math.round(test.duration)} ms)\n  ${why}\n`);
    }
    const skipped = summary.tests - summary.passed - summary.failed;
    console.log(summary.passed, summary.failed, skipped);' "$report" "$failures") || counts="0 0 0"
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%s: %d passed, %d failed, %d skipped\n' "$name" "$p" "$f" "$s"
  if ((p + f + s == 0)); then
    # 8: the runner found no test. That is an answer only where the source has none either.
    if ((status == 8)) && ! grep -rqE --include='*.cs' --exclude-dir={bin,obj} '(Fact|Theory)\b' "${project%/*}"; then
      echo "$name has no tests yet"
      return 0
    fi
    echo "$name ran no test"
    return 1
  fi
  if ((f + s > 0)); then return 1; fi
  return "$status"
}

# The proof by hand prints a line for each of its tests; they count like those of a project.
by_hand() {
  local p f status=0
  mkdir -p "$work/tmp"
  run env TMPDIR="$work/tmp" tests/byhand.sh "$configuration" >"$work/byhand" || status=$?
  cat "$work/byhand"
  p=$(grep -c '^ok ' "$work/byhand" || true) f=$(grep -c '^not ok ' "$work/byhand" || true)
  passed=$((passed + p)) failed=$((failed + f))
  grep '^not ok ' "$work/byhand" >>"$failures" || true
  printf 'by hand: %d passed, %d failed\n' "$p" "$f"
  if ((p + f == 0)); then return 1; fi
  return "$status"
}

# real_gcloud DATABASE: the real client, where there is one; its requests are replayed by a test everywhere.
real_gcloud() {
  local p f status=0
  mkdir -p "$work/tmp"
  run env TMPDIR="$work/tmp" tests/gcloud.sh "$configuration" "$1" >"$work/gcloud" || status=$?
  cat "$work/gcloud"
  p=$(grep -c '^ok ' "$work/gcloud" || true) f=$(grep -cE '^(not ok|FAIL) ' "$work/gcloud" || true)
  passed=$((passed + p)) failed=$((failed + f))
  grep -E '^(not ok|FAIL) ' "$work/gcloud" >>"$failures" || true
  printf 'gcloud on %s: %d passed, %d failed\n' "$1" "$p" "$f"
  if ((p + f == 0)); then return 1; fi
  return "$status"
}

# Fails on errors and wrong verdicts, never on a time: its table is there to be read, on a machine that others use.
load_test() {
  mkdir -p "$work/tmp"
  run env TMPDIR="$work/tmp" dotnet "loadtests/PolicyService.LoadTests/bin/$configuration/net10.0/PolicyService.LoadTests.dll" --quick --json "$work/load.json"
}

# Tests plant secrets that bear a mark. Nothing printed, no report, no log and no record that is left may have it; only the files planted do.
secrets() {
  local mark
  mark=$(sed -n 's/.*const string Marker = "\(.*\)";.*/\1/p' tests/Shared/Canary.cs)
  if [[ -z $mark ]]; then
    echo "tests/Shared/Canary.cs has no mark to look for"
    return 1
  fi
  # The names of the files: the lines themselves would be the next place that tells.
  if grep -rliF --exclude='*.secret' -e "$mark" "$work" >"$work/telling.secret"; then
    sed "s|^|a secret is told in |" "$work/telling.secret" | tee -a "$failures"
    grep -niF -e "$mark" "$work/output" | cut -d: -f1 | sed 's|^|  what was printed, line |' | head -20
    return 1
  fi
  echo "no secret is told in $(find "$work" -type f | wc -l) files"
}

if ! step "tools" install_tools; then
  finished=true
  exit 1
fi
buf=tests/tools/node_modules/.bin/buf
solution=PolicyService.sln
if [[ -n $only ]]; then solution=${projects[0]}; fi

built=false
if step "restore" run dotnet restore "$solution" --locked-mode &&
  step "build" run dotnet build "$solution" -c "$configuration" --no-restore; then
  built=true
fi

# buf, and what the tests of the Kubernetes manifests build and evaluate them with.
packaged=false
if step "npm packages" run npm ci --prefix tests/tools --no-audit --no-fund --ignore-scripts --loglevel=error; then packaged=true; fi

if [[ -z $only ]]; then
  if $built; then
    step "format" run dotnet format "$solution" --verify-no-changes --no-restore || true
  fi
  if $packaged; then
    step "buf lint" run "$buf" lint || true
    step "buf format" run "$buf" format --diff --exit-code || true
    step "buf breaking" buf_breaking || true
  fi
fi

if $built; then
  for project in "${projects[@]}"; do
    step "test $(basename "$project" .csproj)" test_project "$project" || true
  done
  if [[ -z $only ]]; then
    step "test by hand" by_hand || true
    step "load test" load_test || true
  fi
  if [[ -z $only ]] && command -v gcloud >/dev/null && command -v python3 >/dev/null; then
    step "test with gcloud on SQLite" real_gcloud sqlite || true
    step "test with gcloud on PostgreSQL" real_gcloud postgres || true
  fi
  step "secrets" secrets || true
else
  echo "the tests did not run: there is no build to run them on"
fi
finished=true
