#!/usr/bin/env bash
# Makes the certificates of an installation with openssl, as the component that an overlay lists as certificates/.
#   certificates.sh create DIR   an authority, and what it signs: the service's and the adapter's certificates
#   certificates.sh renew DIR    new certificates of the newest authority
#   certificates.sh rotate DIR   a new authority beside the old one: both count, and the certificates stay
#   certificates.sh finish DIR   the old authority counts no more; only once the certificates are of the new one
# Apply the overlay after each of them. A new authority is rotate, renew, finish, each two minutes after the one before was
# applied: so long nodes take to bring changed Secrets into running pods, and nobody must meet a certificate before its authority.
# Environment: NAMESPACE (policyservice-system), DAYS of certificates (90), CA_DAYS of authorities (3650). The private key of the
# authority stays in DIR/authority.key: keep it elsewhere.
set -euo pipefail

namespace=${NAMESPACE:-policyservice-system}
days=${DAYS:-90}
ca_days=${CA_DAYS:-3650}
usage() {
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
if (($# != 2)); then usage; fi
verb=$1 directory=$2
umask 077

fail() {
  echo "certificates.sh: $*" >&2
  exit 1
}

# Names of authorities differ, so that two of them in one bundle are told apart.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days "$ca_days" \
    -subj "/O=policyservice/CN=policyservice authority $(date -u +%Y%m%d%H%M%S)-$(openssl rand -hex 4)" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout authority.key -out authority.crt 2>/dev/null
}

# certificate NAME EKU SANS: its key, and the certificate followed by its authority's.
certificate() {
  local name=$1 eku=$2 sans=$3
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/O=policyservice/CN=$name" \
    -keyout "$name.key" -out "$name.csr" 2>/dev/null
  openssl x509 -req -in "$name.csr" -CA authority.crt -CAkey authority.key -sha256 -days "$days" -set_serial "0x$(openssl rand -hex 16)" \
    -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$eku" "$sans") \
    -out "$name.crt" 2>/dev/null
  rm -f "$name.csr"
}

certificates() {
  local adapter=policyservice-adapter service=policyservice
  certificate service serverAuth "DNS:$service,DNS:$service.$namespace,DNS:$service.$namespace.svc,DNS:$service.$namespace.svc.cluster.local"
  certificate adapter serverAuth "DNS:$adapter.$namespace.svc,DNS:$adapter.$namespace,DNS:$adapter.$namespace.svc.cluster.local"
  certificate adapter-client clientAuth "URI:spiffe://policyservice.internal/adapter"
}

# The bundle is every authority that counts: the old one too, until `finish`.
component() {
  cat authority.crt >ca.crt
  if [[ -f old-authority.crt ]]; then cat old-authority.crt >>ca.crt; fi
  cat >kustomization.yaml <<END
# Written by certificates.sh.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - ca-bundle.yaml
generatorOptions:
  # Mounted Secrets are read again in running pods: a new name would be a roll-out.
  disableNameSuffixHash: true
  labels: {app.kubernetes.io/part-of: policyservice}
secretGenerator:
  - name: policyservice-tls
    namespace: $namespace
    type: kubernetes.io/tls
    files: [tls.crt=service.crt, tls.key=service.key]
  - name: policyservice-clients
    namespace: $namespace
    files: [ca.crt]
  - name: policyservice-adapter-tls
    namespace: $namespace
    type: kubernetes.io/tls
    files: [tls.crt=adapter.crt, tls.key=adapter.key]
  - name: policyservice-adapter-client
    namespace: $namespace
    files: [tls.crt=adapter-client.crt, tls.key=adapter-client.key, ca.crt]
END
  cat >ca-bundle.yaml <<END
# Written by certificates.sh; components/wiring writes it into the webhooks.
apiVersion: v1
kind: ConfigMap
metadata:
  name: policyservice-authorities
  namespace: $namespace
  labels:
    app.kubernetes.io/part-of: policyservice
data:
  caBundle: $(openssl base64 -A <ca.crt)
END
}

case $verb in
  create)
    mkdir -p "$directory" && cd "$directory"
    if [[ -e authority.crt ]]; then fail "there is an authority in $directory: rotate it, or remove it"; fi
    authority
    ;;
  rotate)
    cd "$directory" 2>/dev/null || fail "$directory does not exist: create it first"
    if [[ ! -e authority.key ]]; then fail "$directory has no authority: create it first"; fi
    if [[ -e old-authority.crt ]]; then fail "a rotation is under way in $directory: renew and finish it first"; fi
    mv authority.crt old-authority.crt
    authority
    component
    echo "both authorities count: apply the overlay, wait two minutes, and renew"
    exit 0
    ;;
  renew)
    cd "$directory" 2>/dev/null || fail "$directory does not exist: create it first"
    if [[ ! -e authority.key ]]; then fail "$directory has no authority: create it first"; fi
    ;;
  finish)
    cd "$directory" 2>/dev/null || fail "$directory does not exist: create it first"
    if [[ ! -e old-authority.crt ]]; then fail "no rotation is under way in $directory"; fi
    for name in service adapter adapter-client; do
      if ! openssl verify -CAfile authority.crt "$name.crt" >/dev/null 2>&1; then fail "$name.crt is of the old authority: renew, apply the overlay, and wait two minutes first"; fi
    done
    rm old-authority.crt
    component
    echo "only the new authority counts: apply the overlay"
    exit 0
    ;;
  *) usage ;;
esac
certificates
component
echo "certificates until $(openssl x509 -in adapter.crt -noout -enddate | cut -d= -f2) in $directory: apply the overlay"
