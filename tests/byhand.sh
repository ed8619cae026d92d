#!/usr/bin/env bash
# The proof by hand: keys and signatures by openssl, documents as files, the real server, questions by curl.
#   tests/byhand.sh [Release]      runs what `dotnet build -c Release` has built
# For every kind of key: an image without attestation is denied; the remedy of that answer, run as it stands, admits it; the
# attestation with one bit flipped, in any byte of its payload or signature, admits nothing. Prints `ok NAME` or `not ok NAME`
# for each; the exit code is 0 only if all are ok. Needs openssl, curl, node, and nothing but loopback.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

configuration=${1-Release}
server_dll=$PWD/src/PolicyService.Server/bin/$configuration/net10.0/PolicyService.Server.dll
export PATH="$PWD/src/PolicyService.Cli/bin/$configuration/net10.0:$PATH" # policyctl, which the remedies call
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
patience=30 # seconds until an answer must have changed; it does within one

# Kinds of keys: the algorithm's name in the attestor, and how openssl makes one.
kinds=(p256 p384 p521 ed25519 pss pkcs1)
declare -A algorithms=(
  [p256]=ECDSA_P256_SHA256 [p384]=ECDSA_P384_SHA384 [p521]=ECDSA_P521_SHA512 [ed25519]=ED25519
  [pss]=RSA_PSS_2048_SHA256 [pkcs1]=RSA_SIGN_PKCS1_3072_SHA256
)
declare -A options=(
  [p256]='EC -pkeyopt ec_paramgen_curve:P-256' [p384]='EC -pkeyopt ec_paramgen_curve:P-384'
  [p521]='EC -pkeyopt ec_paramgen_curve:P-521' [ed25519]=ED25519
  [pss]='RSA -pkeyopt rsa_keygen_bits:2048' [pkcs1]='RSA -pkeyopt rsa_keygen_bits:3072'
)

for tool in "$server_dll" "${PATH%%:*}/policyctl"; do
  if [[ ! -f $tool ]]; then
    echo "tests/byhand.sh: $tool is not built" >&2
    exit 2
  fi
done

work=$(mktemp -d)
documents=$work/documents
server=
failed=0

finish() {
  trap - EXIT INT TERM
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap 'status=$?; finish; exit $status' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# report STATUS NAME [WHY]
report() {
  if (($1 == 0)); then
    printf 'ok %s\n' "$2"
  else
    printf 'not ok %s%s\n' "$2" "${3:+: $3}"
    failed=$((failed + 1))
  fi
}

image_of() { printf 'registry.example.com/shop/%s@sha256:%s' "$1" "$(printf '%s' "$1" | sha256sum | cut -d' ' -f1)"; }

# ask KIND: leaves the server's answer in $answer, and its verdict and first detail (or else code) in $short.
ask() {
  local verdict code detail
  answer=$(curl -sS --max-time 10 -H 'content-type: application/json' \
    -d "{\"imageDigest\": \"$(image_of "$1")\", \"cluster\": \"hand.$1\"}" "$http/v1/evaluate") || answer=
  verdict=$(field verdict) code=$(field code) detail=$(field detail)
  short="${verdict#VERDICT_} ${detail:-${code#REASON_CODE_}}"
}

field() {
  if [[ $answer =~ \"$1\":\ *\"([A-Z0-9_:]+)\" ]]; then printf '%s' "${BASH_REMATCH[1]}"; fi
}

# expect KIND BEFORE AFTER: asks until the answer is AFTER; anything but BEFORE on the way is wrong.
expect() {
  local end=$((SECONDS + patience))
  while ask "$1"; do
    if [[ $short == "$3" ]]; then return 0; fi
    if [[ $short != "$2" ]] || ((SECONDS >= end)); then
      why="expected $3, got ${short}"
      return 1
    fi
    sleep 0.05
  done
}

# put FILE KIND: replaces the kind's attestations in one step. take KIND: removes them.
put() { cp "$1" "$documents/attestations/.new" && mv "$documents/attestations/.new" "$documents/attestations/$2.json"; }
take() { rm "$documents/attestations/$1.json"; }

make_documents() {
  local kind
  mkdir -p "$documents/attestors" "$documents/attestations"
  {
    echo 'name: projects/hand/policy'
    echo 'defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}'
    echo 'clusterAdmissionRules:'
    for kind in "${kinds[@]}"; do
      echo "  hand.$kind: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [projects/hand/attestors/$kind]}"
    done
  } >"$documents/policy.yaml"
  for kind in "${kinds[@]}"; do
    mkdir "$work/$kind"
    ln -s "$documents/attestations" "$work/$kind/attestations"
    # shellcheck disable=SC2086 # several words
    openssl genpkey -algorithm ${options[$kind]} -out "$work/$kind/KEY.pem" 2>/dev/null
    {
      echo "name: projects/hand/attestors/$kind"
      echo 'userOwnedGrafeasNote:'
      echo "  noteReference: projects/hand/notes/$kind"
      echo '  publicKeys:'
      echo "    - pkixPublicKey: {signatureAlgorithm: ${algorithms[$kind]}, publicKeyPem: \"$(openssl pkey -in "$work/$kind/KEY.pem" -pubout | awk '{printf "%s\\n", $0}')\"}"
    } >"$documents/attestors/$kind.yaml"
  done
}

start_server() {
  local end=$((SECONDS + 60)) ready
  : >"$work/server.log"
  dotnet "$server_dll" --Policies:Directory "$documents" --Urls:Grpc http://127.0.0.1:0 --Urls:Http http://127.0.0.1:0 \
    --Audit:File "$work/decisions.jsonl" >/dev/null 2>>"$work/server.log" &
  server=$!
  until ready=$(grep -m1 '^PolicyService is ready:' "$work/server.log"); do
    if ! kill -0 "$server" 2>/dev/null || ((SECONDS >= end)); then
      cat "$work/server.log" >&2
      return 1
    fi
    sleep 0.05
  done
  http=${ready##*HTTP }
}

# flip KIND: writes attestations of every flipped byte to $work/KIND/flipped-N.json, as many in each as are considered per key
# (100), the first with the good one among them; prints the number of files and what was flipped.
flip() {
  node -e '
    const fs = require("fs");
    const [source, target] = process.argv.slice(1);
    const text = fs.readFileSync(source, "utf8");
    const take = name => text.match(new RegExp(name + ": (.+)"))[1].replace(/^["\x27]|["\x27]$/g, "");
    const payload = Buffer.from(take("serializedPayload"), "base64"), signature = Buffer.from(take("signature"), "base64");
    const occurrence = (payload, signature) => ({
      kind: "ATTESTATION", noteName: take("noteName"), resourceUri: take("resourceUri"), createTime: take("createTime"),
      attestation: {
        serializedPayload: payload.toString("base64"),
        signatures: [{ publicKeyId: take("publicKeyId"), signature: signature.toString("base64") }],
      },
    });
    const flip = (bytes, place) => { const copy = Buffer.from(bytes); copy[place] ^= 1 << place % 8; return copy; };
    const flipped = [
      ...[...payload.keys()].map(place => occurrence(flip(payload, place), signature)),
      ...[...signature.keys()].map(place => occurrence(payload, flip(signature, place))),
    ];
    const write = (name, occurrences) => fs.writeFileSync(`${target}/${name}.json`, JSON.stringify(occurrences));
    write("good", [occurrence(payload, signature)]);
    write("mixed", [...flipped.slice(0, 99), occurrence(payload, signature)]);
    let files = 0;
    for (let start = 0; start < flipped.length; start += 100) write(`flipped-${files++}`, flipped.slice(start, start + 100));
    console.log(files, payload.length, signature.length);
  ' "$documents/attestations/$1"-*.yaml "$work/$1"
}

make_documents
start_server

declare -A files flipped good
rounds=0
for kind in "${kinds[@]}"; do
  why=
  good[$kind]=1
  if expect "$kind" 'DENY NO_ATTESTATION' 'DENY NO_ATTESTATION'; then report 0 "$kind: denied without attestation"; else
    report 1 "$kind: denied without attestation" "$why"
    continue
  fi
  remedy=$(node -p 'JSON.parse(process.argv[1]).reasons[0].remedy' "$answer")
  why="the remedy failed"
  if (cd "$work/$kind" && bash -e -c "$remedy") && expect "$kind" 'DENY NO_ATTESTATION' 'ALLOW ATTESTED'; then
    report 0 "$kind: the remedy in the answer admits the image"
  else
    report 1 "$kind: the remedy in the answer admits the image" "$why"
    printf '%s\n' "$remedy"
    continue
  fi
  read -r count payload signature < <(flip "$kind")
  files[$kind]=$count flipped[$kind]="$payload bytes of payload and $signature of signature"
  if ((count > rounds)); then rounds=$count; fi
  rm "$documents/attestations/$kind"-*.yaml
  good[$kind]=0
  expect "$kind" 'ALLOW ATTESTED' 'DENY NO_ATTESTATION' || good[$kind]=1
  report "${good[$kind]}" "$kind: denied again without it" "$why"
done

# Every round looks at one file of flipped attestations per kind: all kinds at once, so that they wait for the same poll.
for ((round = 0; round < rounds; round++)); do
  for kind in "${kinds[@]}"; do
    if ((round < ${files[$kind]-0})); then put "$work/$kind/flipped-$round.json" "$kind"; fi
  done
  for kind in "${kinds[@]}"; do
    if ((round < ${files[$kind]-0})) && ! expect "$kind" 'DENY NO_ATTESTATION' 'DENY SIGNATURE_INVALID'; then
      good[$kind]=1
      printf '%s, attestations %d to %d: %s\n' "$kind" $((100 * round)) $((100 * round + 99)) "$why"
    fi
  done
  for kind in "${kinds[@]}"; do
    if ((round < ${files[$kind]-0})); then take "$kind"; fi
  done
  for kind in "${kinds[@]}"; do
    if ((round < ${files[$kind]-0})) && ! expect "$kind" 'DENY SIGNATURE_INVALID' 'DENY NO_ATTESTATION'; then good[$kind]=1; fi
  done
done
for kind in "${kinds[@]}"; do
  report "${good[$kind]}" "$kind: denied with one bit flipped in any of ${flipped[$kind]-no attestation}"
done

# The same files admit the image as soon as the good attestation is among them: they were read, and judged one by one.
for kind in "${kinds[@]}"; do
  if [[ -n ${files[$kind]-} ]]; then put "$work/$kind/mixed.json" "$kind"; fi
done
for kind in "${kinds[@]}"; do
  status=0 why='no attestation'
  { [[ -n ${files[$kind]-} ]] && expect "$kind" 'DENY NO_ATTESTATION' 'ALLOW ATTESTED'; } || status=1
  report "$status" "$kind: admitted with the good attestation among 99 flipped ones" "$why"
done

((failed == 0))
