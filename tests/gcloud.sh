#!/usr/bin/env bash
# The real gcloud against the real server on a new store, with a token of a key of its own: the server asks everybody for one.
#   tests/gcloud.sh [Release [sqlite|postgres]]      runs what `dotnet build -c Release` has built, on a store in a file or on a PostgreSQL of its own
# First the way of an attestation, command by command, as the README shows it; then every command of `gcloud container binauthz`
# (tests/acceptance/run-gcloud.sh, with a stub of Cloud KMS). Prints `ok NAME` or `not ok NAME` for the former and the latter's own lines;
# the exit code is 0 only if all pass. Needs gcloud, openssl, curl, python3; for PostgreSQL Debian's package of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

configuration=${1-Release}
database=${2-sqlite}
server_dll=$PWD/src/PolicyService.Server/bin/$configuration/net10.0/PolicyService.Server.dll
acceptance=$PWD/tests/acceptance
patience=30 # seconds until a write must count; it does within one
image=registry.example.com/shop/web@sha256:4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2
other=registry.example.com/shop/web@sha256:0000000000000000000000000000000000000000000000000000000000000000

work=$(mktemp -d)
server='' kms='' postgres='' data='' failed=0

finish() {
  trap - EXIT INT TERM
  for process in $server $kms; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  if [[ -n $postgres ]]; then
    kill -INT "$postgres" 2>/dev/null || true
    wait "$postgres" 2>/dev/null || true
  fi
  rm -rf "$work" "$data"
}
trap 'status=$?; finish; exit $status' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# await FILE PATTERN PROCESS: prints the line once it is there.
await() {
  local end=$((SECONDS + 60))
  until grep -m1 "$2" "$1"; do
    if ! kill -0 "$3" 2>/dev/null || ((SECONDS >= end)); then
      cat "$1" >&2
      return 1
    fi
    sleep 0.05
  done
}

# start_postgres: a PostgreSQL with its data in a folder of its own, on a free port; sets `store`.
start_postgres() {
  local programs as=() attempt port
  programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)
  # PostgreSQL does not run as root. In a user namespace root is called otherwise; where there are none, Debian's package has made a user.
  if ((EUID == 0)); then
    as=(unshare --user --map-user=65534 --map-group=65534)
    if ! "${as[@]}" true 2>/dev/null; then as=(setpriv --reuid postgres --regid postgres --clear-groups); fi
  fi
  data=$(cd / && "${as[@]}" mktemp -d /tmp/policyservice-postgres-XXXXXX)
  (cd / && "${as[@]}" "$programs/initdb" --pgdata "$data" --username policyservice --auth trust --encoding UTF8 --locale C --no-sync) >"$work/initdb.log" 2>&1 ||
    { cat "$work/initdb.log" >&2; return 1; }
  for attempt in 1 2 3 4 5; do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd / && exec "${as[@]}" "$programs/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off) >"$work/postgres.log" 2>&1 &
    postgres=$!
    if await "$work/postgres.log" 'ready to accept connections' "$postgres" >/dev/null; then
      store="--Store:Postgres=Host=127.0.0.1;Port=$port;Database=postgres;Username=policyservice"
      return 0
    fi
  done
  return 1
}

# check NAME COMMAND…: runs it and says how it went.
check() {
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then printf 'ok %s\n' "$name"; else
    printf 'not ok %s\n' "$name"
    sed 's/^/  | /' "$work/out"
    failed=$((failed + 1))
  fi
}

encode() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# authenticate: a key, a token signed by it, and an access file that grants its subject what the commands need; sets `token`.
authenticate() {
  local now signed role
  now=$(date +%s)
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/issuer.pem" 2>/dev/null
  openssl pkey -in "$work/issuer.pem" -pubout -out "$work/issuer.pub"
  signed=$(printf '{"alg":"RS256","typ":"JWT"}' | encode).$(printf '{"iss":"https://issuer.example","aud":"policyservice","sub":"gcloud","iat":%d,"exp":%d}' "$now" $((now + 7200)) | encode)
  token=$signed.$(printf %s "$signed" | openssl dgst -sha256 -sign "$work/issuer.pem" | encode)
  {
    echo 'bindings:'
    for role in binaryauthorization.policyAdmin binaryauthorization.attestorsAdmin containeranalysis.admin containeranalysis.notes.occurrences.viewer; do
      echo "- {role: roles/$role, members: ['principal://issuer.example/subject/gcloud'], resources: ['*']}"
    done
    echo "evaluators: [{members: ['principal://issuer.example/subject/gcloud'], clusters: ['*'], projects: ['*']}]"
  } >"$work/access.yaml"
}

# expect IMAGE WANTED: asks until verdict and detail are the wanted ones.
expect() {
  local end=$((SECONDS + patience)) answer verdict detail
  while :; do
    answer=$(curl -sS --max-time 10 -H "authorization: Bearer $token" -H 'content-type: application/json' -d "{\"imageDigest\": \"$1\", \"cluster\": \"europe-west1.prod\", \"project\": \"acme\"}" "$http/v1/evaluate")
    verdict=$(grep -oE 'VERDICT_[A-Z]+' <<<"$answer") detail=$(grep -oE '"detail": *"[A-Z_]+"|REASON_CODE_[A-Z_]+' <<<"$answer" | tail -1 | grep -oE '[A-Z_]{3,}')
    if [[ "${verdict#VERDICT_} ${detail#REASON_CODE_}" == "$2" ]]; then return 0; fi
    if ((SECONDS >= end)); then
      echo "$answer"
      return 1
    fi
    sleep 0.1
  done
}

binauthz() { gcloud container binauthz "$@"; }

# The way of an attestation.
flow() {
  export CLOUDSDK_CONFIG=$work/gcloud CLOUDSDK_CORE_PROJECT=acme CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=$work/token
  export CLOUDSDK_API_ENDPOINT_OVERRIDES_BINARYAUTHORIZATION=$http/ CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINERANALYSIS=$http/
  export CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1 CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1 CLOUDSDK_CORE_CHECK_GCE_METADATA=0
  mkdir -p "$CLOUDSDK_CONFIG"
  printf False >"$CLOUDSDK_CONFIG/gce" # gcloud's cached answer: no look-up of a metadata server
  echo "$token" >"$work/token"
  cat >policy.yaml <<YAML
defaultAdmissionRule:
  evaluationMode: REQUIRE_ATTESTATION
  enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
  requireAttestationsBy: [projects/acme/attestors/build]
YAML
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem 2>/dev/null
  openssl pkey -in KEY.pem -pubout -out key.pub
  check "flow: nothing is imported, so nothing is admitted" expect $image 'DENY NO_POLICY'
  check "flow: a note" curl -sSf -H "authorization: Bearer $token" -H 'content-type: application/json' -d '{"attestation": {"hint": {"humanReadableName": "build"}}}' "$http/v1/projects/acme/notes?noteId=build"
  check "flow: an attestor" binauthz attestors create build --attestation-authority-note=build --attestation-authority-note-project=acme
  check "flow: its key" binauthz attestors public-keys add --attestor=build --pkix-public-key-file=key.pub --pkix-public-key-algorithm=ecdsa-p256-sha256
  check "flow: a policy that requires it" binauthz policy import policy.yaml
  check "flow: the image is denied" expect $image 'DENY NO_ATTESTATION'
  binauthz create-signature-payload --artifact-url=$image >payload.json
  openssl dgst -sha256 -sign KEY.pem -out signature.bin payload.json
  key=$(binauthz attestors describe build --format='value(userOwnedGrafeasNote.publicKeys[0].id)')
  check "flow: an attestation" binauthz attestations create --artifact-url=$image --attestor=projects/acme/attestors/build --signature-file=signature.bin --public-key-id="$key" --validate
  check "flow: the image is admitted" expect $image 'ALLOW ATTESTED'
  check "flow: another digest is denied" expect $other 'DENY NO_ATTESTATION'
  openssl dgst -sha256 -sign <(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null) -out signature.bin payload.json
  check "flow: a forged attestation of it is stored" binauthz attestations create --artifact-url=$other --attestor=projects/acme/attestors/build --signature-file=signature.bin --public-key-id="$key" --payload-file=payload.json
  check "flow: and admits nothing" expect $other 'DENY SIGNATURE_INVALID'
}

case $database in
  sqlite) store=--Store:Path=$work/store.db ;;
  postgres) start_postgres ;;
  *)
    echo "$database: write sqlite or postgres" >&2
    exit 64
    ;;
esac
authenticate
dotnet "$server_dll" "$store" --Urls:Grpc http://127.0.0.1:0 --Urls:Http http://127.0.0.1:0 \
  --Auth:Jwt:Issuer https://issuer.example --Auth:Jwt:Audience policyservice --Auth:Jwt:KeysFile "$work/issuer.pub" --Access:File "$work/access.yaml" \
  --Audit:File "$work/decisions.jsonl" >/dev/null 2>"$work/server.log" &
server=$!
ready=$(await "$work/server.log" '^PolicyService is ready:' "$server")
http=${ready##*HTTP }
python3 "$acceptance/gcloud_stub.py" --kms-only --state "$work/kms" >"$work/kms.log" 2>&1 &
kms=$!
kms_url=$(await "$work/kms.log" '^KMS_URL=' "$kms")

(cd "$work" && flow && exit "$failed") || failed=$?
REQUIRE_AUTH=1 ACCESS_TOKEN=$token bash "$acceptance/run-gcloud.sh" "$http" "${kms_url#KMS_URL=}" || failed=$((failed + 1))
exit $((failed > 0))
