#!/usr/bin/env python3
"""
Writes the case folders and expected.tsv beside this file; README.md says how. Needs Python 3 and the `openssl` command.

The second argument of each case is what SEMANTICS.md says the answer is, written down before the engine was asked.
"""
import base64
import re
import sys

sys.dont_write_bytecode = True

from corpus import *

# Shapes many cases share.
ATTESTED = "ALLOW CONFORMANT ATTESTED"
BUILD = attestor("build", "build")
QA = attestor("qa", "qa")


def denied(*details):
    return "DENY NON_CONFORMANT " + ",".join(f"DENIED_BY_ATTESTOR:{detail}" for detail in details)


def attested_by_build(name, expect, *attestations, **more):
    """Requires `build`; its attestations are given."""
    case(name, expect, **({"policy": policy(require()), "attestors": [BUILD], "attestations": attestations} | more))


# --- modes (SEMANTICS 1 and 3) ---------------------------------------------------------------------------------------

case("mode-always-allow", "ALLOW CONFORMANT ALWAYS_ALLOW", policy(rule("allow")))
case("mode-always-allow-dry-run", "ALLOW CONFORMANT ALWAYS_ALLOW", policy(rule("allow", dry=True)))
case("mode-always-deny", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny")))
case("mode-always-deny-dry-run", "DRYRUN NON_CONFORMANT ALWAYS_DENY", policy(rule("deny", dry=True)))
attested_by_build("mode-require-attested", ATTESTED, attestation())
attested_by_build("mode-require-attested-dry-run", ATTESTED, attestation(), policy=policy(require(dry=True)))
attested_by_build("mode-require-unattested", denied("NO_ATTESTATION"))
attested_by_build("mode-require-unattested-dry-run", "DRYRUN NON_CONFORMANT DENIED_BY_ATTESTOR:NO_ATTESTATION", policy=policy(require(dry=True)))
attested_by_build("mode-preview-decides-alike", denied("NO_ATTESTATION"), preview=True)
attested_by_build("mode-explain-decides-alike", denied("NO_ATTESTATION"), explain=True)
case("documents-as-json", ATTESTED, files={
    "policy.json": policy(require()), "attestors/build.json": BUILD, "attestations/one.json": {"occurrences": [attestation()], "nextPageToken": ""}})
case("documents-attestations-as-list", ATTESTED, policy(require()), [BUILD], files={"attestations/list.yaml": [attestation(data=payload(OTHER_DIGEST)), attestation()]})
case("documents-attestations-as-several-yaml-documents", ATTESTED, policy(require()), [BUILD],
     files={"attestations/several.yaml": yaml(attestation(raw=b"junk")) + "---\n" + yaml(attestation())})
case("documents-attestor-in-v1beta1-shape", ATTESTED, policy(require()), attestations=[attestation()], attestors=[
    {"name": BUILD["name"], "userOwnedDrydockNote": BUILD["userOwnedGrafeasNote"]}])

# --- images ----------------------------------------------------------------------------------------------------------

attested_by_build("image-tag-is-no-digest", denied("NO_DIGEST"), attestation(), image=f"{REPOSITORY}:v1")
attested_by_build("image-neither-tag-nor-digest", denied("NO_DIGEST"), attestation(), image=REPOSITORY)
attested_by_build("image-tag-is-no-digest-dry-run", "DRYRUN NON_CONFORMANT DENIED_BY_ATTESTOR:NO_DIGEST", image=f"{REPOSITORY}:v1", policy=policy(require(dry=True)))
case("image-tag-two-attestors", denied("NO_DIGEST", "NO_DIGEST"), policy(require("build", "qa")), [BUILD, QA], image=f"{REPOSITORY}:v1")
case("image-tag-dangling-attestor", "DENY NON_CONFORMANT DENIED_BY_ATTESTOR:NO_DIGEST,POLICY_CONFIG_ERROR", policy(require("build", "gone")), [BUILD],
     image=f"{REPOSITORY}:v1")
case("image-tag-attestor-without-keys", denied("NO_DIGEST"), policy(require()), [attestor("build")], image=f"{REPOSITORY}:v1")
case("image-tag-under-always-allow", "ALLOW CONFORMANT ALWAYS_ALLOW", policy(rule("allow")), image=f"{REPOSITORY}:v1")
attested_by_build("image-tag-and-digest-attested", ATTESTED, attestation(), image=f"{REPOSITORY}:v1@{DIGEST}")
attested_by_build("image-tag-and-other-digest", denied("NO_ATTESTATION"), attestation(), image=f"{REPOSITORY}:v1@{OTHER_DIGEST}")
attested_by_build("image-bare-digest-attested", ATTESTED, attestation(), image=DIGEST)
attested_by_build("image-bare-digest-unattested", denied("NO_ATTESTATION"), attestation(), image=OTHER_DIGEST)
case("image-bare-digest-matches-no-pattern", "DENY NON_CONFORMANT ALWAYS_DENY",
     policy(rule("deny"), ["registry.example.com/**", DIGEST]), image=DIGEST)
attested_by_build("image-short-name-attested", ATTESTED, attestation(data=payload(reference="docker.io/library/nginx"), resource=f"https://docker.io/library/nginx@{DIGEST}"),
                  image=f"nginx@{DIGEST}")
for spelling in ("nginx", "library/nginx", "docker.io/nginx", "index.docker.io/library/nginx", "DOCKER.IO/library/nginx"):
    case("image-spelled-" + ("in-upper-case-" if spelling != spelling.lower() else "") + re.sub("[/.]", "-", spelling.lower()), "ALLOW CONFORMANT ALLOWLISTED",
         policy(rule("deny"), ["docker.io/library/nginx"]), image=spelling)
case("image-short-name-with-organisation", "ALLOW CONFORMANT ALLOWLISTED", policy(rule("deny"), ["docker.io/team/app"]), image="team/app")
case("image-host-in-upper-case", "ALLOW CONFORMANT ALLOWLISTED", policy(rule("deny"), ["registry.example.com/acme/*"]), image="REGISTRY.Example.com/acme/api")
case("image-gets-no-latest-tag", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), ["docker.io/library/nginx:latest"]), image="nginx")
case("image-port-is-part-of-the-host", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), ["registry.example.com/acme/*"]), image="registry.example.com:443/acme/api")
attested_by_build("image-sha512-is-no-digest", denied("NO_DIGEST"), image=f"{REPOSITORY}@sha512:{DIGEST[7:]}{DIGEST[7:]}")
attested_by_build("image-sha384-is-no-digest", denied("NO_DIGEST"), image=f"{REPOSITORY}@sha384:{DIGEST[7:]}{DIGEST[7:39]}")
attested_by_build("image-other-algorithm-is-no-digest", denied("NO_DIGEST"), image=f"{REPOSITORY}@md5:{DIGEST[7:39]}")
case("image-sha512-takes-part-in-matching", "ALLOW CONFORMANT ALLOWLISTED", policy(rule("deny"), ["registry.example.com/acme/api@*"]),
     image=f"{REPOSITORY}@sha512:{DIGEST[7:]}{DIGEST[7:]}")
for name, image in {
    "empty": "", "space": " ", "short-digest": IMAGE[:-1], "long-digest": IMAGE + "0", "upper-case-digest": f"{REPOSITORY}@sha256:{DIGEST[7:].upper()}",
    "upper-case-algorithm": f"{REPOSITORY}@SHA256:{DIGEST[7:]}", "two-digests": f"{IMAGE}@{DIGEST}", "trailing-newline": IMAGE + "\n",
    "url-scheme": f"https://{IMAGE}", "bare-sha512": f"sha512:{DIGEST[7:]}{DIGEST[7:]}", "bare-malformed-digest": DIGEST[:-1],
    "short-sha512": f"{REPOSITORY}@sha512:{DIGEST[7:]}", "upper-case-repository": f"registry.example.com/Acme/api@{DIGEST}",
    "percent-encoded": f"registry.example.com/acme%2Fapi@{DIGEST}", "look-alike-letter": f"registry.example.com/\u0430cme/api@{DIGEST}",
    "long-repository": f"registry.example.com/{'a' * 256}@{DIGEST}", "over-1024-bytes": f"{REPOSITORY}:{'a' * 1024}",
}.items():
    case(f"image-invalid-{name}", "INVALID_ARGUMENT image_digest", policy(rule("allow")), image=image)

# --- allowlist -------------------------------------------------------------------------------------------------------

for name, pattern, image, matches in (
    ("star-covers-digest", "registry.example.com/acme/api*", IMAGE, True),
    ("star-covers-tag", "registry.example.com/acme/api*", f"{REPOSITORY}:v1", True),
    ("star-covers-siblings", "registry.example.com/acme/*", IMAGE, True),
    ("star-stops-at-slash", "registry.example.com/acme*", IMAGE, False),
    ("star-stops-at-deeper-slash", "registry.example.com/acme/api*", f"{REPOSITORY}/worker@{DIGEST}", False),
    ("double-star-crosses-slash", "registry.example.com/acme**", IMAGE, True),
    ("double-star-covers-evil-sibling", "registry.example.com/acme**", f"registry.example.com/acme-evil/x@{DIGEST}", True),
    ("double-star-behind-slash-spares-evil-sibling", "registry.example.com/acme/**", f"registry.example.com/acme-evil/x@{DIGEST}", False),
    ("exact-name", REPOSITORY, REPOSITORY, True),
    ("exact-name-does-not-cover-digest", REPOSITORY, IMAGE, False),
    ("exact-name-does-not-cover-tag", REPOSITORY, f"{REPOSITORY}:v1", False),
    ("exact-tag", f"{REPOSITORY}:v1", f"{REPOSITORY}:v1", True),
    ("exact-tag-other-tag", f"{REPOSITORY}:v1", f"{REPOSITORY}:v2", False),
    ("exact-tag-does-not-cover-tag-and-digest", f"{REPOSITORY}:v1", f"{REPOSITORY}:v1@{DIGEST}", False),
    ("tag-takes-part-beside-digest", f"{REPOSITORY}:v1@*", f"{REPOSITORY}:v1@{DIGEST}", True),
    ("exact-digest", IMAGE, IMAGE, True),
    ("exact-digest-other-digest", IMAGE, f"{REPOSITORY}@{OTHER_DIGEST}", False),
    ("dot-is-literal", "registry.example.com/acme/a.i*", IMAGE, False),
    ("pattern-is-not-normalised", "docker.io/nginx*", "docker.io/nginx:1", False),
    ("other-registry", "registry.example.org/acme/*", IMAGE, False),
):
    case(f"allowlist-{name}", "ALLOW CONFORMANT ALLOWLISTED" if matches else "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), [pattern]), image=image)
case("allowlist-exempts-from-attestation", "ALLOW CONFORMANT ALLOWLISTED", policy(require(), ["registry.example.com/**"]), [BUILD])
case("allowlist-exempts-from-specific-rule", "ALLOW CONFORMANT ALLOWLISTED",
     policy(rule("deny"), ["registry.example.com/**"], clusterAdmissionRules={CLUSTER: rule("deny")}))

# --- system policy ---------------------------------------------------------------------------------------------------

SYSTEM = {"admissionWhitelistPatterns": [{"namePattern": "registry.example.com/system/**"}, {"namePattern": "registry.example.com/acme/**"}]}
case("system-policy-enabled", "ALLOW CONFORMANT SYSTEM_POLICY", policy(rule("deny"), system="ENABLE"), system=SYSTEM)
case("system-policy-precedes-allowlist", "ALLOW CONFORMANT SYSTEM_POLICY", policy(rule("deny"), ["registry.example.com/**"], system="ENABLE"), system=SYSTEM)
case("system-policy-disabled", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), system="DISABLE"), system=SYSTEM)
case("system-policy-unspecified", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny")), system=SYSTEM)
case("system-policy-spelled-unspecified", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), system="GLOBAL_POLICY_EVALUATION_MODE_UNSPECIFIED"), system=SYSTEM)
case("system-policy-without-match", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), system="ENABLE"), system=SYSTEM, image=f"registry.example.com/other/x@{DIGEST}")
case("system-policy-absent", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), system="ENABLE"))
case("system-policy-rules-do-not-allow", "DENY NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), system="ENABLE"),
     system={"defaultAdmissionRule": rule("allow")})
case("system-policy-rules-do-not-deny", "ALLOW CONFORMANT ALWAYS_ALLOW", policy(rule("allow"), system="ENABLE"),
     system={"defaultAdmissionRule": rule("deny")})

# --- rule maps -------------------------------------------------------------------------------------------------------

DENY_ALL, ALLOW_ALL = "DENY NON_CONFORMANT ALWAYS_DENY", "ALLOW CONFORMANT ALWAYS_ALLOW"


def rules(name, map, key, matches, **fields):
    """The specific rule allows, the default denies."""
    case(f"rule-{name}", ALLOW_ALL if matches else DENY_ALL, policy(rule("deny"), **{map: {key: rule("allow")}}), **fields)


rules("cluster-match", "clusterAdmissionRules", "us-east1.prod", True)
rules("cluster-other", "clusterAdmissionRules", "us-east1.prod", False, cluster="us-east1.staging")
rules("cluster-zone-is-not-region", "clusterAdmissionRules", "us-central1-a.c", False, cluster="us-central1.c")
rules("cluster-region-is-not-zone", "clusterAdmissionRules", "us-central1.c", False, cluster="us-central1-a.c")
rules("cluster-prefix", "clusterAdmissionRules", "us-east1.prod", False, cluster="us-east1.prod-2")
rules("cluster-not-listed-in-clusters", "clusterAdmissionRules", "us-east1.prod", True, clusters={"dc1.edge": bound()}, project="acme")
rules("namespace-match", "kubernetesNamespaceAdmissionRules", "payments", True, namespace="payments")
rules("namespace-other", "kubernetesNamespaceAdmissionRules", "payments", False, namespace="payments-2")
rules("namespace-absent", "kubernetesNamespaceAdmissionRules", "payments", False)
rules("service-account-match", "kubernetesServiceAccountAdmissionRules", "payments:api", True, namespace="payments", serviceAccount="api")
rules("service-account-of-other-namespace", "kubernetesServiceAccountAdmissionRules", "payments:api", False, namespace="web", serviceAccount="api")
rules("service-account-other", "kubernetesServiceAccountAdmissionRules", "payments:api", False, namespace="payments", serviceAccount="api-2")
rules("service-account-without-namespace", "kubernetesServiceAccountAdmissionRules", "payments:api", False, serviceAccount="api")
rules("service-account-absent", "kubernetesServiceAccountAdmissionRules", "payments:api", False, namespace="payments")
SPIFFE = "spiffe://cluster.local/ns/payments/sa/api"
rules("istio-match", "istioServiceIdentityAdmissionRules", SPIFFE, True, istioIdentity=SPIFFE)
rules("istio-request-without-scheme", "istioServiceIdentityAdmissionRules", SPIFFE, True, istioIdentity=SPIFFE[9:])
rules("istio-rule-without-scheme", "istioServiceIdentityAdmissionRules", SPIFFE[9:], True, istioIdentity=SPIFFE)
rules("istio-other-domain", "istioServiceIdentityAdmissionRules", SPIFFE, False, istioIdentity="spiffe://evil.local/ns/payments/sa/api")
rules("istio-other-account", "istioServiceIdentityAdmissionRules", SPIFFE, False, istioIdentity="spiffe://cluster.local/ns/payments/sa/api2")
rules("istio-absent", "istioServiceIdentityAdmissionRules", SPIFFE, False, namespace="payments", serviceAccount="api")
RUN = {CLUSTER: bound(platform="CLOUD_RUN")}
rules("cloud-run-uses-default-cluster", "clusterAdmissionRules", CLUSTER, False, clusters=RUN)
rules("cloud-run-uses-default-namespace", "kubernetesNamespaceAdmissionRules", "payments", False, clusters=RUN, namespace="payments")
rules("cloud-run-uses-default-service-account", "kubernetesServiceAccountAdmissionRules", "payments:api", False, clusters=RUN, namespace="payments", serviceAccount="api")
rules("cloud-run-uses-default-istio", "istioServiceIdentityAdmissionRules", SPIFFE, False, clusters=RUN, istioIdentity=SPIFFE)
case("rule-specific-denies-default-allows", DENY_ALL, policy(rule("allow"), clusterAdmissionRules={CLUSTER: rule("deny")}))
case("rule-specific-dry-run-default-enforced", "DRYRUN NON_CONFORMANT ALWAYS_DENY", policy(rule("deny"), clusterAdmissionRules={CLUSTER: rule("deny", dry=True)}))
case("rule-specific-enforced-default-dry-run", DENY_ALL, policy(rule("deny", dry=True), clusterAdmissionRules={CLUSTER: rule("deny")}))
case("rule-specific-has-its-own-attestors", ATTESTED, policy(require("qa"), kubernetesNamespaceAdmissionRules={"payments": require("build")}), [BUILD, QA],
     [attestation()], namespace="payments")
case("rule-default-has-its-own-attestors", denied("NO_ATTESTATION"), policy(require("qa"), kubernetesNamespaceAdmissionRules={"payments": require("build")}), [BUILD, QA],
     [attestation()], namespace="web")

# --- attestors -------------------------------------------------------------------------------------------------------

BOTH = {"policy": policy(require("build", "qa")), "attestors": [BUILD, QA]}
case("attestors-two-both-satisfied", "ALLOW CONFORMANT ATTESTED,ATTESTED", attestations=[attestation(), attestation("qa")], **BOTH)
case("attestors-two-first-missing", denied("NO_ATTESTATION"), attestations=[attestation("qa")], **BOTH)
case("attestors-two-second-missing", denied("NO_ATTESTATION"), attestations=[attestation()], **BOTH)
case("attestors-two-both-missing", denied("NO_ATTESTATION", "NO_ATTESTATION"), **BOTH)
case("attestors-two-with-different-faults", denied("SIGNATURE_INVALID", "KEY_UNKNOWN"),
     attestations=[attestation(raw=flipped(sign("build", payload()))), attestation("stranger", note="qa")], **BOTH)
case("attestors-same-one-listed-twice", ATTESTED, policy(require("build", "build")), [BUILD], [attestation()])
case("attestors-two-on-one-note", denied("KEY_UNKNOWN"), policy(require("build", "qa")), [BUILD, attestor("qa", "qa", note="build")], [attestation()])
VENDOR = attestor("projects/vendor/attestors/scan", "qa")
case("attestors-of-another-project", ATTESTED, policy(require("projects/vendor/attestors/scan")),
     attestors=[VENDOR], attestations=[attestation("qa", note="projects/vendor/notes/scan")])
case("attestors-of-another-project-folder", ATTESTED, project="acme", projects={
    "acme": {"policy": policy(require("projects/vendor/attestors/scan"))},
    "vendor": {"attestors": [VENDOR], "attestations": [attestation("qa", note="projects/vendor/notes/scan")]}})
case("attestors-of-another-project-attested-in-ours", ATTESTED, project="acme", projects={
    "acme": {"policy": policy(require("projects/vendor/attestors/scan")), "attestations": [attestation("qa", note="projects/vendor/notes/scan")]},
    "vendor": {"attestors": [VENDOR]}})
case("attestors-defined-by-a-stranger-folder", "DENY ERROR POLICY_CONFIG_ERROR", project="acme", projects={
    "acme": {"policy": policy(require()), "attestations": [attestation("stranger")]},
    "evil": {"attestors": [attestor("build", "stranger")]}})
case("attestors-dangling", "DENY ERROR POLICY_CONFIG_ERROR", policy(require("gone")))
case("attestors-dangling-dry-run", "DRYRUN ERROR POLICY_CONFIG_ERROR", policy(require("gone", dry=True)))
case("attestors-dangling-beside-unsatisfied", "DENY NON_CONFORMANT POLICY_CONFIG_ERROR,DENIED_BY_ATTESTOR:NO_ATTESTATION", policy(require("gone", "build")), [BUILD])
case("attestors-dangling-beside-unsatisfied-dry-run", "DRYRUN NON_CONFORMANT POLICY_CONFIG_ERROR,DENIED_BY_ATTESTOR:NO_ATTESTATION",
     policy(require("gone", "build", dry=True)), [BUILD])
case("attestors-dangling-beside-satisfied", "DENY ERROR POLICY_CONFIG_ERROR", policy(require("gone", "build")), [BUILD], [attestation()])
case("attestors-dangling-fail-open", "DENY ERROR POLICY_CONFIG_ERROR", policy(require("gone")), options={"failMode": "OPEN"})
case("attestors-dangling-in-unused-rule", ALLOW_ALL, policy(require("gone"), clusterAdmissionRules={CLUSTER: rule("allow")}))
case("attestors-dangling-yet-allowlisted", "ALLOW CONFORMANT ALLOWLISTED", policy(require("gone"), ["registry.example.com/**"]))
case("attestors-document-refused", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), attestations=[attestation()],
     files={"attestors/build.yaml": BUILD | {"unknownField": "x"}})
case("attestors-document-written-twice", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [BUILD], [attestation()], files={"attestors/copy.yaml": BUILD})
case("attestors-key-id-twice", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [attestor("build", key("build", id="k"), key("qa", id="k"))], [attestation(id="k")])
case("attestors-without-keys", denied("NO_KEYS"), policy(require()), [attestor("build")], [attestation()])
case("attestors-without-keys-dry-run", "DRYRUN NON_CONFORMANT DENIED_BY_ATTESTOR:NO_KEYS", policy(require(dry=True)), [attestor("build")])
MISDECLARED = key("build", id="broken", algorithm="ECDSA_P384_SHA384")
case("attestors-all-keys-unusable", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [attestor("build", MISDECLARED)], [attestation(id="broken")])
case("attestors-all-keys-unusable-dry-run", "DRYRUN ERROR POLICY_CONFIG_ERROR", policy(require(dry=True)), [attestor("build", MISDECLARED)], [attestation(id="broken")])
case("image-tag-attestor-with-unusable-keys", denied("NO_DIGEST"), policy(require()), [attestor("build", MISDECLARED)], image=f"{REPOSITORY}:v1")
case("attestors-all-keys-unusable-fail-open", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [attestor("build", MISDECLARED)], options={"failMode": "OPEN"})
case("attestors-one-key-unusable-other-signs", ATTESTED, policy(require()), [attestor("build", MISDECLARED, "qa")], [attestation("qa", note="build")])
case("attestors-one-key-unusable-and-named", denied("KEY_UNKNOWN"), policy(require()), [attestor("build", MISDECLARED, "qa")], [attestation(id="broken")])
case("attestors-unparseable-pem", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [attestor("build", key("build", pem="not a key"))])
KMS = "//cloudkms.googleapis.com/v1/projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
REMOTE = {"id": KMS}
case("attestors-kms-key-without-pin", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [attestor("build", REMOTE)], [attestation(id=KMS)])
case("attestors-kms-key-unreachable", "DENY ERROR KEY_UNAVAILABLE:KMS:NOT_FETCHED fail_mode=CLOSED", policy(require()), [attestor("build", REMOTE)], [attestation(id=KMS)],
     options={"pinnedKeys": {KMS: DIGEST}}, core_only="no key service is asked yet")
case("attestors-kms-key-not-named-by-any", denied("NO_ATTESTATION"), policy(require()), [attestor("build", REMOTE)], options={"pinnedKeys": {KMS: DIGEST}},
     core_only="no key service is asked yet")
case("attestors-shared-pinned-key-one-takes-inline", "DENY ERROR POLICY_CONFIG_ERROR,POLICY_CONFIG_ERROR", policy(require("build", "qa")),
     [attestor("build", REMOTE), attestor("qa", REMOTE)],
     options={"pinnedKeys": {KMS: DIGEST}, "attestors": {"projects/acme/attestors/qa": {"evidenceSources": ["INLINE"]}}})
attested_by_build("attestors-kms-id-with-pem", ATTESTED, attestation(id=KMS), attestors=[attestor("build", key("build", id=KMS))])
SHARED = {"policy": policy(require("build", "qa")), "attestors": [BUILD, attestor("qa", "build")]}
case("attestors-shared-key-one-note", denied("NO_ATTESTATION"), attestations=[attestation()], **SHARED)
case("attestors-shared-key-one-note-twice", denied("NO_ATTESTATION"), attestations=[attestation(), attestation(created="2026-06-01T01:00:00Z")], **SHARED)
case("attestors-shared-key-both-notes", "ALLOW CONFORMANT ATTESTED,ATTESTED", attestations=[attestation(), attestation(note="qa")], **SHARED)
case("attestors-shared-key-one-takes-inline", "DENY ERROR POLICY_CONFIG_ERROR,POLICY_CONFIG_ERROR", attestations=[attestation(), attestation(note="qa")],
     options={"attestors": {"projects/acme/attestors/qa": {"evidenceSources": ["INLINE"]}}}, **SHARED)
case("attestors-shared-key-one-takes-registry", "DENY ERROR POLICY_CONFIG_ERROR,POLICY_CONFIG_ERROR", attestations=[attestation(), attestation(note="qa")],
     options={"attestors": {"projects/acme/attestors/qa": {"evidenceSources": ["GRAFEAS", "REGISTRY"]}}}, **SHARED)
case("attestors-shared-key-registry-source-by-default", "DENY ERROR POLICY_CONFIG_ERROR,POLICY_CONFIG_ERROR",
     attestations=[attestation(), attestation(note="qa")], options={"registries": [{"host": "registry.example.com"}]}, **SHARED)
case("attestors-shared-key-in-different-rules", ATTESTED,
     policy(require("build"), kubernetesNamespaceAdmissionRules={"payments": require("qa")}), SHARED["attestors"], [attestation()],
     options={"attestors": {"projects/acme/attestors/qa": {"evidenceSources": ["INLINE"]}}})

# --- signatures ------------------------------------------------------------------------------------------------------

for signer, algorithm in (
    ("rsa2048", "RSA_PSS_2048_SHA256"), ("rsa3072", "RSA_PSS_3072_SHA256"), ("rsa4096", "RSA_PSS_4096_SHA256"), ("rsa4096", "RSA_PSS_4096_SHA512"),
    ("rsa2048", "RSA_SIGN_PKCS1_2048_SHA256"), ("rsa3072", "RSA_SIGN_PKCS1_3072_SHA256"), ("rsa4096", "RSA_SIGN_PKCS1_4096_SHA256"),
    ("rsa4096", "RSA_SIGN_PKCS1_4096_SHA512"), ("build", "ECDSA_P256_SHA256"), ("p384", "ECDSA_P384_SHA384"), ("p521", "ECDSA_P521_SHA512"),
    ("ed25519", "ED25519"), ("rsa2048", "RSA_SIGN_PSS_2048_SHA256"), ("rsa3072", "RSA_SIGN_PSS_3072_SHA256"), ("rsa4096", "RSA_SIGN_PSS_4096_SHA256"),
    ("rsa4096", "RSA_SIGN_PSS_4096_SHA512"), ("build", "EC_SIGN_P256_SHA256"), ("p384", "EC_SIGN_P384_SHA384"), ("p521", "EC_SIGN_P521_SHA512"),
    ("ed25519", "EC_SIGN_ED25519"),
):
    case(f"algorithm-{algorithm.lower().replace('_', '-')}", ATTESTED, policy(require()), [attestor("build", key(signer, algorithm=algorithm))],
         [attestation(signer, algorithm=algorithm)])
case("algorithm-pss-signature-pkcs1-key", denied("SIGNATURE_INVALID"), policy(require()), [attestor("build", key("rsa2048", algorithm="RSA_SIGN_PKCS1_2048_SHA256"))],
     [attestation("rsa2048", algorithm="RSA_PSS_2048_SHA256")])
case("algorithm-pkcs1-signature-pss-key", denied("SIGNATURE_INVALID"), policy(require()), [attestor("build", "rsa2048")],
     [attestation("rsa2048", algorithm="RSA_SIGN_PKCS1_2048_SHA256")])
case("algorithm-sha512-signature-sha256-key", denied("SIGNATURE_INVALID"), policy(require()), [attestor("build", "rsa4096")],
     [attestation("rsa4096", algorithm="RSA_PSS_4096_SHA512")])
case("algorithm-declared-larger-than-key", "DENY ERROR POLICY_CONFIG_ERROR", policy(require()), [attestor("build", key("rsa2048", algorithm="RSA_PSS_4096_SHA256"))],
     [attestation("rsa2048")])

GOOD = sign("build", payload())
attested_by_build("signature-flipped-bit", denied("SIGNATURE_INVALID"), attestation(raw=flipped(GOOD)))
attested_by_build("signature-trailing-byte", denied("SIGNATURE_INVALID"), attestation(raw=GOOD + b"\0"))
attested_by_build("signature-empty", denied("SIGNATURE_INVALID"), attestation(raw=b""))
attested_by_build("signature-list-empty", denied("NO_ATTESTATION"), attestation() | {"attestation": {"serializedPayload": base64.b64encode(payload()).decode(), "signatures": []}})
attested_by_build("signature-over-other-payload", denied("SIGNATURE_INVALID"), attestation(signed=payload(OTHER_DIGEST)))
attested_by_build("signature-payload-changed-after-signing", denied("SIGNATURE_INVALID"), attestation(data=payload(), signed=payload(reference="registry.example.com/acme/other")))
attested_by_build("signature-over-pae", ATTESTED, attestation(signed=pae(payload())))
attested_by_build("signature-over-pae-of-other-type", denied("SIGNATURE_INVALID"), attestation(signed=pae(payload(), "application/vnd.in-toto+json")))
attested_by_build("signature-over-pae-of-other-payload", denied("SIGNATURE_INVALID"), attestation(signed=pae(payload(OTHER_DIGEST))))
attested_by_build("signature-by-stranger-under-our-key-id", denied("SIGNATURE_INVALID"), attestation("stranger", note="build", id=key_id("build")))
attested_by_build("signature-base64-url-alphabet", ATTESTED,
                  attestation(signatures=[signature() | {"signature": signature()["signature"].replace("+", "-").replace("/", "_").rstrip("=")}]))
attested_by_build("signatures-bad-then-good", ATTESTED, attestation(signatures=[signature(raw=flipped(GOOD)), signature()]))
attested_by_build("signatures-good-then-bad", ATTESTED, attestation(signatures=[signature(), signature(raw=flipped(GOOD))]))
attested_by_build("signatures-stranger-then-good", ATTESTED, attestation(signatures=[signature("stranger"), signature()]))
attested_by_build("signatures-bad-attestation-newer-than-good", ATTESTED, attestation(), attestation(raw=flipped(GOOD), created="2026-06-01T11:00:00Z"))
attested_by_build("signatures-one-good-ninety-nine-bad", ATTESTED,
                  attestation(signatures=[signature(raw=bytes([index]) * 8) for index in range(99)] + [signature()]))
attested_by_build("signatures-one-good-a-hundred-bad", "DENY ERROR EVIDENCE_LIMIT:SIGNATURES_PER_KEY fail_mode=CLOSED",
                  attestation(signatures=[signature(raw=bytes([index]) * 8) for index in range(100)] + [signature()]))
attested_by_build("signatures-a-hundred-bad-under-foreign-ids", ATTESTED,
                  attestation(signatures=[signature(raw=bytes([index]) * 8, id=f"foreign-{index % 2}") for index in range(202)] + [signature()]))

# --- key ids ---------------------------------------------------------------------------------------------------------

attested_by_build("key-id-unknown", denied("KEY_UNKNOWN"), attestation("stranger", note="build"))
attested_by_build("key-id-unknown-though-key-is-right", denied("KEY_UNKNOWN"), attestation(id="some-other-id"))
attested_by_build("key-id-in-other-case", denied("KEY_UNKNOWN"), attestation(id=key_id("build").replace("ni:///sha-256", "NI:///sha-256")))
attested_by_build("key-id-percent-encoded", denied("KEY_UNKNOWN"), attestation(id=key_id("build").replace(";", "%3B")))
attested_by_build("key-id-chosen", ATTESTED, attestation(id="build-2026"), attestors=[attestor("build", key("build", id="build-2026"))])
attested_by_build("key-id-chosen-replaces-the-default-one", denied("KEY_UNKNOWN"), attestation(), attestors=[attestor("build", key("build", id="build-2026"))])
attested_by_build("key-id-of-the-other-key", denied("SIGNATURE_INVALID"), attestation("qa", note="build", id=key_id("build")), attestors=[attestor("build", "build", "qa")])
attested_by_build("key-id-swapped-between-keys", denied("SIGNATURE_INVALID"), attestation(), attestors=[attestor("build", key("build", id=key_id("qa")), key("qa", id=key_id("build")))])
attested_by_build("key-id-two-for-one-key", ATTESTED, attestation(id="second"), attestors=[attestor("build", key("build", id="first"), key("build", id="second"))])
case("key-id-two-for-one-key-is-one-attestor", denied("NO_ATTESTATION"), policy(require("build", "qa")), [attestor("build", key("build", id="first"), key("build", id="second")), QA],
     [attestation(signatures=[signature(id="first"), signature(id="second")])])
attested_by_build("key-second-of-two-signs", ATTESTED, attestation("qa", note="build"), attestors=[attestor("build", "build", "qa")])
case("note-of-another-attestor", denied("NO_ATTESTATION"), attestations=[attestation(note="qa"), attestation("qa")], **BOTH)
attested_by_build("note-unlike-the-attestor", ATTESTED, attestation(note="vendor-note"), attestors=[attestor("build", "build", note="vendor-note")])
attested_by_build("note-of-same-id-in-another-project", denied("NO_ATTESTATION"), attestation(note="projects/evil/notes/build"))

# --- what is signed --------------------------------------------------------------------------------------------------

attested_by_build("payload-cosign-type-in-an-occurrence", denied("PAYLOAD_INVALID"), attestation(data=payload(type=COSIGN_TYPE)))
TEXT = payload().decode()
for name, data in {
    "unknown-type": payload(type="some other signature"),
    "type-missing": TEXT.replace(f',\n    "type": "{BINAUTHZ_TYPE}"', "").encode(),
    "duplicate-digest": TEXT.replace('"image": {', f'"image": {{\n      "docker-manifest-digest": "{OTHER_DIGEST}",').encode(),
    "duplicate-critical": TEXT.replace('{\n  "critical"', '{\n  "critical": {},\n  "critical"', 1).encode(),
    "case-variant-key": TEXT.replace("docker-manifest-digest", "Docker-Manifest-Digest").encode(),
    "unknown-field": TEXT.replace('"image": {', '"image": {\n      "more": "x",').encode(),
    "digest-in-upper-case": TEXT.replace(DIGEST, "sha256:" + DIGEST[7:].upper()).encode(),
    "digest-missing": TEXT.replace(f'"docker-manifest-digest": "{DIGEST}"', "").encode(),
    "byte-order-mark": b"\xef\xbb\xbf" + payload(),
    "not-json": b"attested: yes\n",
    "empty": b"",
    "array": b"[]",
    "two-values": payload() + payload(),
    "not-utf8": payload().replace(b"acme", b"ac\xffe"),
}.items():
    attested_by_build(f"payload-{name}", denied("PAYLOAD_INVALID"), attestation(data=data))
attested_by_build("payload-with-optional", ATTESTED, attestation(data=TEXT.replace("\n  }\n}\n", '\n  },\n  "optional": {"creator": "ci"}\n}\n').encode()))
attested_by_build("payload-in-one-line", ATTESTED, attestation(data=json.dumps(json.loads(TEXT)).encode()))
attested_by_build("digest-of-another-image-replayed", denied("DIGEST_MISMATCH"), attestation(data=payload(OTHER_DIGEST)))
attested_by_build("digest-resource-of-another-image", denied("NO_ATTESTATION"), attestation(resource=f"https://{REPOSITORY}@{OTHER_DIGEST}"))
attested_by_build("digest-covers-any-repository", ATTESTED, attestation(), image=f"mirror.example.net/copy@{DIGEST}")
attested_by_build("resource-without-scheme", ATTESTED, attestation(resource=IMAGE))
attested_by_build("resource-with-http", ATTESTED, attestation(resource=f"http://{IMAGE}"))
attested_by_build("resource-with-tag", ATTESTED, attestation(resource=f"https://{REPOSITORY}:v1@{DIGEST}"))
attested_by_build("attestation-file-malformed-is-skipped", ATTESTED, attestation(), files={"attestations/bad.yaml": "kind: ATTESTATION\nnoteName: nonsense\n"})
attested_by_build("attestation-file-malformed-is-no-evidence", denied("NO_ATTESTATION"), files={"attestations/bad.yaml": attestation() | {"unknown": "x"}})

# The detail is the furthest step any attestation reached (SEMANTICS 9, "Details").
OPTIONS_AGE = {"maxAttestationAge": "24h"}
OLD = "2026-05-01T00:00:00Z"
BAD_SIGNATURE, BAD_PAYLOAD, BAD_DIGEST = attestation(raw=flipped(GOOD)), attestation(data=payload(type=COSIGN_TYPE)), attestation(data=payload(OTHER_DIGEST))
BAD_REFERENCE = attestation(data=payload(reference="registry.example.com/acme/other"))
STRANGER = attestation("stranger", note="build")
attested_by_build("furthest-signature-over-key", denied("SIGNATURE_INVALID"), BAD_SIGNATURE, STRANGER)
attested_by_build("furthest-payload-over-signature", denied("PAYLOAD_INVALID"), BAD_SIGNATURE, BAD_PAYLOAD, STRANGER)
attested_by_build("furthest-digest-over-payload", denied("DIGEST_MISMATCH"), BAD_DIGEST, BAD_PAYLOAD, BAD_SIGNATURE)
attested_by_build("furthest-reference-over-digest", denied("REFERENCE_MISMATCH"), BAD_DIGEST, BAD_REFERENCE, BAD_PAYLOAD, options={"bindRepository": True})
attested_by_build("furthest-expired-over-signature", denied("EXPIRED"), BAD_SIGNATURE, attestation(created=OLD), options=OPTIONS_AGE)
attested_by_build("furthest-none-hurts-a-good-one", ATTESTED, STRANGER, BAD_SIGNATURE, BAD_PAYLOAD, BAD_DIGEST, attestation())

# --- revocations -----------------------------------------------------------------------------------------------------


def revoked(digest=DIGEST, attestor=None):
    one = {"digest": digest, "reason": "CVE-2026-1", "author": "alice@example.com"}
    return {"revocations": [one | ({"attestor": attestor_name(attestor)} if attestor else {})]}


REVOKED = "DENY NON_CONFORMANT REVOKED"
attested_by_build("revoked-digest", REVOKED, attestation(), options=revoked())
attested_by_build("revoked-other-digest", ATTESTED, attestation(), options=revoked(OTHER_DIGEST))
case("revoked-digest-beats-allowlist", REVOKED, policy(rule("allow"), ["registry.example.com/**"]), options=revoked())
case("revoked-digest-beats-system-policy", REVOKED, policy(rule("allow"), system="ENABLE"), options=revoked(), system=SYSTEM)
case("revoked-digest-beats-always-allow", REVOKED, policy(rule("allow")), options=revoked())
case("revoked-digest-is-enforced-in-dry-run", REVOKED, policy(rule("allow", dry=True)), options=revoked())
case("revoked-digest-bare", REVOKED, policy(rule("allow")), options=revoked(), image=DIGEST)
case("revoked-digest-beside-tag", REVOKED, policy(rule("allow")), options=revoked(), image=f"{REPOSITORY}:v1@{DIGEST}")
case("revoked-digest-does-not-touch-tags", ALLOW_ALL, policy(rule("allow")), options=revoked(), image=f"{REPOSITORY}:v1")
case("revoked-digest-ends-the-evaluation", REVOKED, policy(rule("allow")), options=revoked(), clusters={CLUSTER: bound(base="ENFORCE")}, platform=[gke(check_set(always_deny()))])
case("revoked-digest-beats-dangling-attestor", REVOKED, policy(require("gone")), options=revoked())
case("revoked-digest-of-another-project", ALLOW_ALL, project="acme", projects={
    "acme": {"policy": policy(rule("allow"))}, "other": {"policy": policy(rule("allow"), project="other"), "options": revoked()}})
attested_by_build("revoked-pair", denied("REVOKED"), attestation(), options=revoked(attestor="build"))
attested_by_build("revoked-pair-dry-run", "DRYRUN NON_CONFORMANT DENIED_BY_ATTESTOR:REVOKED", attestation(), options=revoked(attestor="build"), policy=policy(require(dry=True)))
attested_by_build("revoked-pair-of-other-digest", ATTESTED, attestation(), options=revoked(OTHER_DIGEST, "build"))
case("revoked-pair-spares-the-other-attestor", denied("REVOKED"), attestations=[attestation(), attestation("qa")], options=revoked(attestor="build"), **BOTH)
attested_by_build("revoked-pair-of-unused-attestor", ATTESTED, attestation(), options=revoked(attestor="qa"))
case("revoked-pair-does-not-touch-allowlist", "ALLOW CONFORMANT ALLOWLISTED", policy(require(), ["registry.example.com/**"]), [BUILD], options=revoked(attestor="build"))
attested_by_build("revoked-pair-and-expired", denied("REVOKED"), attestation(created=OLD), options=revoked(attestor="build") | OPTIONS_AGE)
attested_by_build("revoked-pair-and-other-repository", denied("REFERENCE_MISMATCH"), BAD_REFERENCE, options=revoked(attestor="build") | {"bindRepository": True})
case("revoked-pair-holds-for-another-projects-attestor", denied("REVOKED"), policy(require("projects/vendor/attestors/scan")),
     attestors=[VENDOR], attestations=[attestation("qa", note="projects/vendor/notes/scan")], options=revoked(attestor="projects/vendor/attestors/scan"))
case("revoked-pair-in-the-owners-options-does-not-hold", ATTESTED, project="acme", projects={
    "acme": {"policy": policy(require("projects/vendor/attestors/scan"))},
    "vendor": {"policy": policy(rule("deny"), project="vendor"), "attestors": [VENDOR], "attestations": [attestation("qa", note="projects/vendor/notes/scan")],
               "options": revoked(attestor="projects/vendor/attestors/scan")}})
attested_by_build("revoked-pair-evidence-unavailable-fail-open", denied("REVOKED"), options=revoked(attestor="build") | {"failMode": "OPEN"},
                  facts={"failures": [{"attestor": "projects/acme/attestors/build", "code": "EVIDENCE_UNAVAILABLE", "detail": "GRAFEAS:TIMEOUT", "ownFault": True}]})

# --- age -------------------------------------------------------------------------------------------------------------

attested_by_build("age-exactly-the-maximum", ATTESTED, attestation(created="2026-05-31T12:00:00Z"), options=OPTIONS_AGE)
attested_by_build("age-one-second-over", denied("EXPIRED"), attestation(created="2026-05-31T11:59:59Z"), options=OPTIONS_AGE)
attested_by_build("age-unlimited-by-default", ATTESTED, attestation(created="2001-01-01T00:00:00Z"))
attested_by_build("age-expired-dry-run", "DRYRUN NON_CONFORMANT DENIED_BY_ATTESTOR:EXPIRED", attestation(created=OLD), options=OPTIONS_AGE, policy=policy(require(dry=True)))
attested_by_build("age-one-expired-one-fresh", ATTESTED, attestation(created=OLD), attestation(), options=OPTIONS_AGE)
attested_by_build("age-unknown-counts-as-expired", denied("EXPIRED"), attestation(created=None), options=OPTIONS_AGE)
attested_by_build("age-unknown-without-maximum", ATTESTED, attestation(created=None))
attested_by_build("age-in-the-future", denied("EXPIRED"), attestation(created="2026-06-01T12:05:01Z"), options=OPTIONS_AGE)
attested_by_build("age-ahead-within-clock-skew", ATTESTED, attestation(created="2026-06-01T12:05:00Z"), options=OPTIONS_AGE)
attested_by_build("age-in-the-future-without-maximum", ATTESTED, attestation(created="2027-01-01T00:00:00Z"))
attested_by_build("age-attestor-longer-than-project", ATTESTED, attestation(created=OLD),
                  options=OPTIONS_AGE | {"attestors": {"projects/acme/attestors/build": {"maxAttestationAge": "1000h"}}})
attested_by_build("age-attestor-shorter-than-project", denied("EXPIRED"), attestation(), options={"maxAttestationAge": "1000h", "attestors": {"projects/acme/attestors/build": {"maxAttestationAge": "1h"}}})
attested_by_build("age-of-another-attestor", ATTESTED, attestation(created=OLD), options={"attestors": {"projects/acme/attestors/qa": {"maxAttestationAge": "1h"}}})

# --- bindRepository --------------------------------------------------------------------------------------------------

BIND = {"bindRepository": True}
attested_by_build("bind-same-repository", ATTESTED, attestation(), options=BIND)
attested_by_build("bind-other-repository", denied("REFERENCE_MISMATCH"), attestation(), options=BIND, image=f"mirror.example.net/copy@{DIGEST}")
attested_by_build("bind-tag-in-payload-is-ignored", ATTESTED, attestation(data=payload(reference=f"{REPOSITORY}:v1")), options=BIND)
attested_by_build("bind-tag-of-image-is-ignored", ATTESTED, attestation(), options=BIND, image=f"{REPOSITORY}:v2@{DIGEST}")
attested_by_build("bind-bare-digest-mismatches", denied("REFERENCE_MISMATCH"), attestation(), options=BIND, image=DIGEST)
attested_by_build("bind-names-are-normalised", ATTESTED, attestation(data=payload(reference="index.docker.io/library/nginx")), options=BIND, image=f"nginx@{DIGEST}")
attested_by_build("bind-reference-is-no-name", denied("REFERENCE_MISMATCH"), attestation(data=payload(reference="not a name")), options=BIND)
case("bind-does-not-bind-checks", "ALLOW CONFORMANT ALWAYS_ALLOW,CHECKS_PASSED", policy(rule("allow")), options=BIND, image=f"mirror.example.net/acme/api@{DIGEST}",
     clusters={CLUSTER: bound(base="ENFORCE")}, platform=[gke(check_set(trusted("mirror.example.net/acme")))])

# --- inline attestations ---------------------------------------------------------------------------------------------

INLINE = {"attestors": {"projects/acme/attestors/build": {"evidenceSources": ["GRAFEAS", "INLINE"]}}}


def sent(name, expect, *attestations, **more):
    attested_by_build(name, expect, **({"options": INLINE, "request": {"attestations": list(attestations)}} | more))


sent("inline-granted", ATTESTED, inline())
sent("inline-not-granted", denied("NO_ATTESTATION"), inline(), facts={"grants": {"inlineAttestations": False}})
sent("inline-is-no-source", denied("NO_ATTESTATION"), inline(), options=None)
sent("inline-is-no-source-of-this-attestor", denied("NO_ATTESTATION"), inline(), options={"attestors": {"projects/acme/attestors/qa": {"evidenceSources": ["INLINE"]}}})
sent("inline-source-of-the-project", ATTESTED, inline(), options={"evidenceSources": ["INLINE"]})
sent("inline-for-another-attestor", denied("NO_ATTESTATION"), inline(attestor="qa"))
sent("inline-cosign-type", denied("PAYLOAD_INVALID"), inline(data=payload(type=COSIGN_TYPE)))
sent("inline-of-another-digest", denied("DIGEST_MISMATCH"), inline(data=payload(OTHER_DIGEST)))
sent("inline-key-unknown", denied("KEY_UNKNOWN"), inline("stranger"))
sent("inline-signature-invalid", denied("SIGNATURE_INVALID"), inline(raw=flipped(GOOD)))
sent("inline-bad-beside-stored-good", ATTESTED, inline(raw=flipped(GOOD)), attestations=[attestation()])
sent("inline-is-newer-than-anything-stored", ATTESTED, inline(),
     attestations=[attestation(signatures=[signature(raw=bytes([index]) * 8) for index in range(100)], created="2026-06-01T11:59:59Z")])
sent("inline-stored-does-not-count-when-only-inline", denied("NO_ATTESTATION"), options={"attestors": {"projects/acme/attestors/build": {"evidenceSources": ["INLINE"]}}},
     attestations=[attestation()])
sent("inline-only-source-satisfied", ATTESTED, inline(), options={"attestors": {"projects/acme/attestors/build": {"evidenceSources": ["INLINE"]}}})
sent("inline-signature-at-the-limit", denied("SIGNATURE_INVALID"), inline(raw=b"\0" * SIGNATURE_LIMIT))
sent("inline-signature-oversized", "DENY ERROR EVIDENCE_LIMIT:SIGNATURE_BYTES fail_mode=CLOSED", inline(raw=b"\0" * (SIGNATURE_LIMIT + 1)))
sent("inline-signature-oversized-fail-open", "DENY ERROR EVIDENCE_LIMIT:SIGNATURE_BYTES", inline(raw=b"\0" * (SIGNATURE_LIMIT + 1)), options=INLINE | {"failMode": "OPEN"})
sent("inline-signature-oversized-dry-run", "DRYRUN ERROR EVIDENCE_LIMIT:SIGNATURE_BYTES", inline(raw=b"\0" * (SIGNATURE_LIMIT + 1)), policy=policy(require(dry=True)))
sent("inline-signature-oversized-beside-good", ATTESTED, inline(raw=b"\0" * (SIGNATURE_LIMIT + 1)), inline())
sent("inline-signature-oversized-of-a-stranger", denied("KEY_UNKNOWN"), inline("stranger", raw=b"\0" * (SIGNATURE_LIMIT + 1)))
sent("inline-age-is-unknown", denied("EXPIRED"), inline(), options=INLINE | OPTIONS_AGE)
sent("inline-allowlisted-anyway", "ALLOW CONFORMANT ALLOWLISTED", inline(raw=b"junk"), policy=policy(require(), ["registry.example.com/**"]))
attested_by_build("stored-signature-oversized", "DENY ERROR EVIDENCE_LIMIT:SIGNATURE_BYTES fail_mode=CLOSED", attestation(raw=b"\0" * (SIGNATURE_LIMIT + 1)))

# --- PGP -------------------------------------------------------------------------------------------------------------

PGP = {"attestors": [attestor("build", pgp_key("build"))]}
PGP_GOOD = pgp_sign("build", payload())
PGP_PRIMARY, PGP_SUBKEY = pgp_ids("build")


def pgp(name, expect, *attestations, **more):
    attested_by_build(f"pgp-{name}", expect, *attestations, **(PGP | more))


pgp("attached", ATTESTED, pgp_attestation())
pgp("detached", ATTESTED, pgp_attestation(pgp_sign("build", payload(), "--detach-sign")))
pgp("detached-and-armored", ATTESTED, pgp_attestation(pgp_sign("build", payload(), "--detach-sign", "--armor")))
pgp("not-compressed", ATTESTED, pgp_attestation(pgp_sign("build", payload(), "--compress-algo", "none")))
pgp("ecdsa", ATTESTED, pgp_attestation(by="qa"), attestors=[attestor("build", pgp_key("qa"))])
pgp("rsa", ATTESTED, pgp_attestation(by="stranger"), attestors=[attestor("build", pgp_key("stranger"))])
pgp("by-subkey", ATTESTED, pgp_attestation(pgp_sign("build", payload(), signer=PGP_SUBKEY)))
pgp("two-signers", ATTESTED, pgp_attestation(pgp_sign("build", payload(), others=("stranger",))))
pgp("two-signers-ours-second", ATTESTED, pgp_attestation(pgp_sign("stranger", payload(), others=("build",))))
pgp("id-given-is-not-the-fingerprint", ATTESTED, pgp_attestation(), attestors=[attestor("build", pgp_key("build", id="our-key"))])
pgp("id-given-counts-for-nothing", denied("KEY_UNKNOWN"), pgp_attestation(id="our-key"), attestors=[attestor("build", pgp_key("build", id="our-key"))])
pgp("id-of-the-subkey", denied("KEY_UNKNOWN"), pgp_attestation(pgp_sign("build", payload(), signer=PGP_SUBKEY), id=PGP_SUBKEY))
pgp("id-in-lower-case", denied("KEY_UNKNOWN"), pgp_attestation(id=PGP_PRIMARY.lower()))
pgp("by-stranger", denied("KEY_UNKNOWN"), pgp_attestation(by="stranger"))
pgp("by-stranger-under-our-id", denied("SIGNATURE_INVALID"), pgp_attestation(pgp_sign("stranger", payload())))
pgp("flipped", denied("SIGNATURE_INVALID"), pgp_attestation(flipped(pgp_sign("build", payload(), "--detach-sign"))))
pgp("truncated", denied("SIGNATURE_INVALID"), pgp_attestation(PGP_GOOD[:-40]))
pgp("bad-then-good", ATTESTED, pgp_attestation(PGP_GOOD[:-40]), pgp_attestation())
pgp("attached-is-another-payload", denied("SIGNATURE_INVALID"), pgp_attestation(pgp_sign("build", payload(OTHER_DIGEST))))
pgp("cleartext", denied("SIGNATURE_INVALID"), pgp_attestation(pgp_sign("build", payload(), "--clear-sign")))
pgp("text-mode", denied("SIGNATURE_INVALID"), pgp_attestation(pgp_sign("build", payload(), "--textmode", "--detach-sign")))
pgp("sha1", denied("SIGNATURE_INVALID"), pgp_attestation(pgp_sign("stranger", payload(), "--digest-algo", "SHA1", "--allow-weak-digest-algos"), by="stranger"),
    attestors=[attestor("build", pgp_key("stranger"))])
pgp("other-digest", denied("DIGEST_MISMATCH"), pgp_attestation(data=payload(OTHER_DIGEST)))
pgp("payload-is-no-payload", denied("PAYLOAD_INVALID"), pgp_attestation(data=b"text"))
pgp("key-expired", denied("EXPIRED"), pgp_attestation(by="expired"), attestors=[attestor("build", pgp_key("expired"))])
pgp("signature-expired", denied("EXPIRED"), pgp_attestation(pgp_sign("build", payload(), "--default-sig-expire", "10")))
pgp("signature-not-yet-expired", ATTESTED, pgp_attestation(pgp_sign("build", payload(), "--default-sig-expire", "60")))
pgp("expired-beside-good", ATTESTED, pgp_attestation(pgp_sign("build", payload(), "--default-sig-expire", "10")), pgp_attestation())
pgp("expired-and-other-digest", denied("DIGEST_MISMATCH"), pgp_attestation(pgp_sign("build", payload(OTHER_DIGEST), "--default-sig-expire", "10"), data=payload(OTHER_DIGEST)))
pgp("key-revoked", "DENY ERROR POLICY_CONFIG_ERROR", pgp_attestation(by="revoked"), attestors=[attestor("build", pgp_key("revoked"))])
pgp("key-revoked-beside-good-key", denied("KEY_UNKNOWN"), pgp_attestation(by="revoked"), attestors=[attestor("build", pgp_key("revoked"), "qa")])
pgp("key-is-private", "DENY ERROR POLICY_CONFIG_ERROR", pgp_attestation(),
    attestors=[attestor("build", pgp_key("build", text=open(pgp_file("build", "secret")).read()))])
pgp("key-beside-pkix-key", "DENY ERROR POLICY_CONFIG_ERROR", pgp_attestation(), attestors=[attestor("build", pgp_key("build") | key("build"))])
pgp("and-pkix-keys-in-one-attestor", ATTESTED, attestation(), attestors=[attestor("build", pgp_key("build"), "build")])
pgp("raw-signature-under-its-id", denied("SIGNATURE_INVALID"), attestation(id=PGP_PRIMARY))
attested_by_build("pgp-message-under-a-pkix-id", denied("SIGNATURE_INVALID"), attestation(raw=PGP_GOOD))
sent("pgp-inline", ATTESTED, inline(id=PGP_PRIMARY, raw=PGP_GOOD), **PGP)
case("pgp-shared-key-one-takes-inline", "DENY ERROR POLICY_CONFIG_ERROR,POLICY_CONFIG_ERROR", policy(require("build", "qa")),
     [attestor("build", pgp_key("build")), attestor("qa", pgp_key("build"))], options=INLINE)

# --- JWT -------------------------------------------------------------------------------------------------------------


def jwts(name, expect, *tokens, **more):
    attested_by_build(f"jwt-{name}", expect, jwt_attestation(*tokens), **more)


JWT_GOOD = jwt()
NOON = 1780315200  # the time of every case
for name, by, alg, algorithm in (
    ("es256", "build", "ES256", None), ("es384", "p384", "ES384", None), ("es512", "p521", "ES512", None), ("eddsa", "ed25519", "EdDSA", None),
    ("ps256-2048", "rsa2048", "PS256", None), ("ps256-3072", "rsa3072", "PS256", None), ("ps256-4096", "rsa4096", "PS256", None),
    ("ps512-4096", "rsa4096", "PS512", "RSA_PSS_4096_SHA512"), ("rs256-2048", "rsa2048", "RS256", "RSA_SIGN_PKCS1_2048_SHA256"),
    ("rs256-3072", "rsa3072", "RS256", "RSA_SIGN_PKCS1_3072_SHA256"), ("rs256-4096", "rsa4096", "RS256", "RSA_SIGN_PKCS1_4096_SHA256"),
    ("rs512-4096", "rsa4096", "RS512", "RSA_SIGN_PKCS1_4096_SHA512"),
):
    jwts(f"algorithm-{name}", ATTESTED, jwt(by, alg, algorithm), attestors=[attestor("build", key(by, algorithm=algorithm))])
jwts("alg-none", denied("SIGNATURE_INVALID"), jwt(alg="none"))
jwts("alg-hs256-with-the-public-key", denied("SIGNATURE_INVALID"), jwt(alg="HS256", secret=public_pem("build").encode()))
jwts("alg-rs384", denied("SIGNATURE_INVALID"), jwt("rsa4096", "RS384", "RSA_SIGN_PKCS1_4096_SHA512"), attestors=[attestor("build", key("rsa4096", algorithm="RSA_SIGN_PKCS1_4096_SHA512"))])
jwts("alg-rs256-under-a-pss-key", denied("SIGNATURE_INVALID"), jwt("rsa2048", "RS256", "RSA_SIGN_PKCS1_2048_SHA256"), attestors=[attestor("build", "rsa2048")])
jwts("kid-unknown", denied("KEY_UNKNOWN"), jwt("stranger"))
jwts("kid-of-ours-by-stranger", denied("SIGNATURE_INVALID"), jwt("stranger", kid=key_id("build")))
jwts("kid-missing", denied("NO_ATTESTATION"), jwt(header={"alg": "ES256"}))
jwts("header-with-jwk", denied("NO_ATTESTATION"), jwt("stranger", header={"alg": "ES256", "kid": key_id("build"), "jwk": {"kty": "EC"}}))
jwts("malformed", denied("NO_ATTESTATION"), "not a token")
jwts("malformed-beside-good", ATTESTED, "not a token", JWT_GOOD)
jwts("flipped", denied("SIGNATURE_INVALID"), JWT_GOOD[:-10] + ("A" if JWT_GOOD[-10] != "A" else "B") + JWT_GOOD[-9:])
jwts("padded", denied("SIGNATURE_INVALID"), JWT_GOOD + "==")
jwts("four-parts", denied("SIGNATURE_INVALID"), JWT_GOOD + ".AA")
jwts("other-digest", denied("DIGEST_MISMATCH"), jwt(data=payload(OTHER_DIGEST)))
jwts("without-digest", denied("PAYLOAD_INVALID"), jwt(claims=b'{"sub":"image"}'))
jwts("nested", denied("PAYLOAD_INVALID"), jwt(claims=JWT_GOOD.encode()))
jwts("cosign-type", denied("PAYLOAD_INVALID"), jwt(data=payload(type=COSIGN_TYPE)))
jwts("for-an-audience", denied("PAYLOAD_INVALID"), jwt(aud="somebody"))
jwts("with-registered-claims", ATTESTED, jwt(iss="ci", sub="api", jti="1", iat=NOON - 60, nbf=NOON, exp=NOON + 1))
jwts("expired", denied("EXPIRED"), jwt(exp=NOON))
jwts("not-yet", denied("EXPIRED"), jwt(nbf=NOON + 1))
jwts("issued-in-the-future", denied("EXPIRED"), jwt(iat=NOON + 301))
jwts("expired-beside-good", ATTESTED, jwt(exp=NOON), JWT_GOOD)
jwts("expired-and-other-digest", denied("DIGEST_MISMATCH"), jwt(exp=NOON, data=payload(OTHER_DIGEST)))
jwts("expired-dry-run", "DRYRUN NON_CONFORMANT DENIED_BY_ATTESTOR:EXPIRED", jwt(exp=NOON), policy=policy(require(dry=True)))
jwts("exp-is-text", denied("PAYLOAD_INVALID"), jwt(exp="1980315200"))
jwts("over-pae", denied("SIGNATURE_INVALID"),
     ".".join(JWT_GOOD.split(".")[:2] + [base64url(fixed_width(sign("build", pae(JWT_GOOD.rsplit(".", 1)[0].encode())), 32))]))
jwts("under-a-pgp-key", denied("SIGNATURE_INVALID"), jwt(kid=PGP_PRIMARY), attestors=[attestor("build", pgp_key("build"))])
jwts("oversized", "DENY ERROR EVIDENCE_LIMIT:JWT_BYTES fail_mode=CLOSED", jwt(optional={"x": "x" * 65536}))
jwts("oversized-beside-good", ATTESTED, jwt(optional={"x": "x" * 65536}), JWT_GOOD)
attested_by_build("jwt-ignores-the-serialized-payload", ATTESTED, jwt_attestation(JWT_GOOD, serializedPayload=base64.b64encode(payload(OTHER_DIGEST)).decode()))
attested_by_build("jwt-beside-a-bad-signature", ATTESTED,
                  jwt_attestation(JWT_GOOD, serializedPayload=base64.b64encode(payload()).decode(), signatures=[signature(raw=flipped(GOOD))]))
attested_by_build("jwt-bad-beside-a-signature", ATTESTED,
                  jwt_attestation(jwt(alg="none"), serializedPayload=base64.b64encode(payload()).decode(), signatures=[signature()]))
attested_by_build("jwt-of-another-note", denied("NO_ATTESTATION"), jwt_attestation(JWT_GOOD, note="qa"))
attested_by_build("jwt-resource-of-another-image", denied("NO_ATTESTATION"), jwt_attestation(JWT_GOOD, resource=f"https://{REPOSITORY}@{OTHER_DIGEST}"))
attested_by_build("jwt-as-a-signature", denied("SIGNATURE_INVALID"), attestation(raw=JWT_GOOD.encode()))
attested_by_build("jwt-older-than-the-maximum", denied("EXPIRED"), jwt_attestation(JWT_GOOD, created=OLD), options=OPTIONS_AGE)
attested_by_build("jwt-hundred-and-first-with-signatures", "DENY ERROR EVIDENCE_LIMIT:SIGNATURES_PER_KEY fail_mode=CLOSED",
                  jwt_attestation(*[jwt(alg="none")] * 40, JWT_GOOD, serializedPayload=base64.b64encode(payload()).decode(), signatures=[signature(raw=flipped(GOOD))] * 60))

# --- break-glass -----------------------------------------------------------------------------------------------------

GLASS = {"breakGlass": {"justification": "INC-1: restore the shop"}}


def glass(name, codes, conformance, over, *more_expected, **more):
    case(f"break-glass-{name}", f"ALLOW {conformance} BREAK_GLASS,{codes} " + " ".join((f"over={over}/{conformance}", *more_expected)), **({"request": GLASS} | more))


UNATTESTED = {"policy": policy(require()), "attestors": [BUILD]}
glass("over-denial", "DENIED_BY_ATTESTOR:NO_ATTESTATION", "NON_CONFORMANT", "DENY", **UNATTESTED)
glass("over-always-deny", "ALWAYS_DENY", "NON_CONFORMANT", "DENY", policy=policy(rule("deny")))
glass("over-dry-run", "ALWAYS_DENY", "NON_CONFORMANT", "DRYRUN", policy=policy(rule("deny", dry=True)))
glass("over-conformant", "ATTESTED", "CONFORMANT", "ALLOW", attestations=[attestation()], **UNATTESTED)
glass("over-allowlisted", "ALLOWLISTED", "CONFORMANT", "ALLOW", policy=policy(rule("deny"), ["registry.example.com/**"]))
glass("over-no-policy", "NO_POLICY", "NON_CONFORMANT", "DENY")
glass("over-revoked", "REVOKED", "NON_CONFORMANT", "DENY", policy=policy(rule("allow")), options=revoked())
glass("over-config-error", "POLICY_CONFIG_ERROR", "ERROR", "DENY", policy=policy(require("gone")))
glass("over-cluster-unknown", "CLUSTER_UNKNOWN", "NON_CONFORMANT", "DENY", policy=policy(rule("allow")), clusters={"dc1.edge": bound(base="ENFORCE")},
      platform=[gke(check_set(always_deny()))])
glass("over-check", "CHECK_FAILED:alwaysDeny", "NON_CONFORMANT", "DENY", policy=policy(rule("allow")), clusters={CLUSTER: bound(base="ENFORCE")},
      platform=[gke(check_set(always_deny()))])
glass("over-oversized-evidence", "EVIDENCE_LIMIT:SIGNATURE_BYTES", "ERROR", "DENY", "fail_mode=CLOSED", attestations=[attestation(raw=b"\0" * (SIGNATURE_LIMIT + 1))], **UNATTESTED)
glass("over-fail-open", "FAILED_OPEN,EVIDENCE_UNAVAILABLE:GRAFEAS:TIMEOUT", "ERROR", "ALLOW", "fail_mode=OPEN", options={"failMode": "OPEN"},
      facts={"failures": [{"attestor": "projects/acme/attestors/build", "code": "EVIDENCE_UNAVAILABLE", "detail": "GRAFEAS:TIMEOUT", "ownFault": True}]}, **UNATTESTED)
glass("over-stale", "STALE_POLICY", "ERROR", "DENY", "fail_mode=CLOSED", "stale", policy=policy(rule("allow")), facts={"snapshotAge": {"stale": True, "age": "25h"}})
glass("with-empty-justification", "ALWAYS_DENY", "NON_CONFORMANT", "DENY", policy=policy(rule("deny")), request={"breakGlass": {}})
case("break-glass-not-granted", DENY_ALL, policy(rule("deny")), request=GLASS, facts={"grants": {"breakGlass": False}})
case("break-glass-not-granted-conformant", ALLOW_ALL, policy(rule("allow")), request=GLASS, facts={"grants": {"breakGlass": False}})
case("break-glass-requires-signed-grant", DENY_ALL, policy(rule("deny")), request=GLASS, options={"breakGlass": {"requireGrant": True}})
case("break-glass-options-refused", "DENY ERROR POLICY_CONFIG_ERROR", policy(rule("deny")), request=GLASS,
     files={"options.yaml": {"breakGlass": {"requireGrant": True}, "unknown": 1}})
case("break-glass-requires-no-signed-grant", "ALLOW NON_CONFORMANT BREAK_GLASS,ALWAYS_DENY over=DENY/NON_CONFORMANT", policy(rule("deny")), request=GLASS,
     options={"breakGlass": {"requireGrant": False}})
case("break-glass-annotation-alone-does-nothing", DENY_ALL, policy(rule("deny")), request={"annotations": {"image-policy.k8s.io/break-glass": "true"}})
case("break-glass-label-alone-does-nothing", DENY_ALL, policy(rule("deny")), request={"labels": {"image-policy.k8s.io/break-glass": "true"}})
case("break-glass-does-not-mend-a-project-mismatch", "INVALID_ARGUMENT project", policy(rule("allow")), clusters={CLUSTER: bound()}, request=GLASS, project="other")
case("break-glass-does-not-mend-a-bad-image", "INVALID_ARGUMENT image_digest", policy(rule("allow")), request=GLASS, image="not an image")

# --- fail modes ------------------------------------------------------------------------------------------------------


def failure(attestor="build", code="EVIDENCE_UNAVAILABLE", detail="GRAFEAS:TIMEOUT", own=True):
    return {"attestor": attestor_name(attestor), "code": code, "detail": detail, "ownFault": own}


def failing(name, expect, *failures, **more):
    case(f"fail-{name}", expect, **({"facts": {"failures": list(failures or (failure(),))}} | UNATTESTED | more))


TIMEOUT = "EVIDENCE_UNAVAILABLE:GRAFEAS:TIMEOUT"
OPEN = {"failMode": "OPEN"}
failing("closed-by-default", f"DENY ERROR {TIMEOUT} fail_mode=CLOSED")
failing("closed-written", f"DENY ERROR {TIMEOUT} fail_mode=CLOSED", options={"failMode": "CLOSED"})
failing("open-own-fault", f"ALLOW ERROR FAILED_OPEN,{TIMEOUT} fail_mode=OPEN", options=OPEN)
failing("open-author-caused", "DENY ERROR EVIDENCE_UNAVAILABLE:REGISTRY:NOT_FOUND", failure(detail="REGISTRY:NOT_FOUND", own=False), options=OPEN)
failing("closed-author-caused", "DENY ERROR EVIDENCE_UNAVAILABLE:REGISTRY:NOT_FOUND fail_mode=CLOSED", failure(detail="REGISTRY:NOT_FOUND", own=False))
failing("open-own-fault-beside-author-caused", f"DENY ERROR {TIMEOUT},EVIDENCE_UNAVAILABLE:REGISTRY:NOT_FOUND", failure(), failure(detail="REGISTRY:NOT_FOUND", own=False),
        options=OPEN)
failing("dry-run-closed", f"DRYRUN ERROR {TIMEOUT}", policy=policy(require(dry=True)))
failing("dry-run-open", f"DRYRUN ERROR {TIMEOUT}", policy=policy(require(dry=True)), options=OPEN)
failing("dry-run-author-caused", "DRYRUN ERROR EVIDENCE_UNAVAILABLE:REGISTRY:NOT_FOUND", failure(detail="REGISTRY:NOT_FOUND", own=False), policy=policy(require(dry=True)))
failing("satisfied-all-the-same", ATTESTED, attestations=[attestation()])
failing("beside-a-bad-attestation", f"DENY ERROR {TIMEOUT} fail_mode=CLOSED", attestations=[BAD_SIGNATURE])
failing("key-unavailable", "DENY ERROR KEY_UNAVAILABLE:KMS:TIMEOUT fail_mode=CLOSED", failure(code="KEY_UNAVAILABLE", detail="KMS:TIMEOUT"))
failing("key-unavailable-open", "ALLOW ERROR FAILED_OPEN,KEY_UNAVAILABLE:KMS:TIMEOUT fail_mode=OPEN", failure(code="KEY_UNAVAILABLE", detail="KMS:TIMEOUT"), options=OPEN)
failing("deadline", "DENY ERROR DEADLINE:GRAFEAS fail_mode=CLOSED", failure(code="DEADLINE", detail="GRAFEAS"))
failing("deadline-spent-on-the-author-open", "DENY ERROR DEADLINE:REGISTRY", failure(code="DEADLINE", detail="REGISTRY", own=False), options=OPEN)
failing("limit-open", "DENY ERROR EVIDENCE_LIMIT:MANIFEST_BYTES", failure(code="EVIDENCE_LIMIT", detail="MANIFEST_BYTES", own=False), options=OPEN)
failing("two-attestors-both-ours-open", f"ALLOW ERROR FAILED_OPEN,{TIMEOUT},{TIMEOUT} fail_mode=OPEN", failure(), failure("qa"), options=OPEN, **BOTH)
failing("one-attestor-satisfied-other-ours-open", f"ALLOW ERROR FAILED_OPEN,{TIMEOUT} fail_mode=OPEN", failure("qa"), options=OPEN, attestations=[attestation()], **BOTH)
failing("one-attestor-ours-other-unsatisfied-open", f"DENY NON_CONFORMANT {TIMEOUT},DENIED_BY_ATTESTOR:NO_ATTESTATION", options=OPEN, **BOTH)
failing("one-attestor-ours-other-dangling-open", f"DENY ERROR {TIMEOUT},POLICY_CONFIG_ERROR", options=OPEN, policy=policy(require("build", "gone")))
for platform in ("GKE", "ON_PREM", "CLOUD_RUN"):
    for open_platform in ("GKE", "ON_PREM", "CLOUD_RUN"):
        failing(f"open-on-{open_platform}-asked-on-{platform}".lower().replace("_", "-"),
                f"ALLOW ERROR FAILED_OPEN,{TIMEOUT} fail_mode=OPEN" if platform == open_platform else f"DENY ERROR {TIMEOUT} fail_mode=CLOSED",
                options={"failMode": {open_platform: "OPEN"}}, clusters={CLUSTER: bound(platform=platform)})
failing("unlisted-cluster-is-on-prem", f"ALLOW ERROR FAILED_OPEN,{TIMEOUT} fail_mode=OPEN", options={"failMode": {"ON_PREM": "OPEN"}})
failing("no-digest-needs-no-evidence", denied("NO_DIGEST"), options=OPEN, image=f"{REPOSITORY}:v1")
failing("open-yet-platform-policy-denies", "DENY NON_CONFORMANT CHECK_FAILED:alwaysDeny", options=OPEN, clusters={CLUSTER: bound(base="ENFORCE")},
        platform=[gke(check_set(always_deny()))])
failing("open-and-platform-policy-passes", f"ALLOW ERROR FAILED_OPEN,{TIMEOUT},CHECKS_PASSED fail_mode=OPEN", options=OPEN, clusters={CLUSTER: bound(base="ENFORCE")},
        platform=[gke(check_set(trusted("registry.example.com/acme")))])
failing("closed-beside-dry-run-check", f"DENY ERROR {TIMEOUT} fail_mode=CLOSED", clusters={CLUSTER: bound(base="DRYRUN")}, platform=[gke(check_set(always_deny()))])

# --- staleness -------------------------------------------------------------------------------------------------------


def stale(name, expect, age, **more):
    case(f"stale-{name}", expect, **({"facts": {"snapshotAge": {"stale": True, "age": age}}, "policy": policy(rule("allow"))} | more))


stale("young-serves", "ALLOW CONFORMANT ALWAYS_ALLOW stale", "1h")
stale("exactly-the-maximum-serves", "ALLOW CONFORMANT ALWAYS_ALLOW stale", "24h")
stale("too-old", "DENY ERROR STALE_POLICY fail_mode=CLOSED stale", "24h1s")
stale("too-old-open", "ALLOW ERROR FAILED_OPEN,STALE_POLICY fail_mode=OPEN stale", "25h", options=OPEN)
stale("too-old-dry-run", "DRYRUN ERROR STALE_POLICY stale", "25h", policy=policy(rule("allow", dry=True)))
stale("longer-maximum-serves", "ALLOW CONFORMANT ALWAYS_ALLOW stale", "25h", options={"maxSnapshotAge": "48h"})
stale("shorter-maximum", "DENY ERROR STALE_POLICY fail_mode=CLOSED stale", "2h", options={"maxSnapshotAge": "1h"})
stale("too-old-yet-allowlisted", "DENY ERROR STALE_POLICY fail_mode=CLOSED stale", "25h", policy=policy(rule("deny"), ["registry.example.com/**"]))
stale("revoked-comes-first", "DENY NON_CONFORMANT REVOKED stale", "25h", options=revoked())
stale("no-policy-comes-first", "DENY NON_CONFORMANT NO_POLICY stale", "25h", policy=None)
stale("too-old-dry-run-rule-enforced-platform-policy", "DENY ERROR STALE_POLICY fail_mode=CLOSED stale", "25h", policy=policy(rule("allow", dry=True)),
      clusters={CLUSTER: bound(base="ENFORCE")}, platform=[gke(check_set(always_deny()))])
stale("too-old-dry-run-rule-monitored-platform-policy", "DRYRUN ERROR STALE_POLICY stale", "25h", policy=policy(rule("allow", dry=True)),
      clusters={CLUSTER: bound(base="MONITOR")}, platform=[gke(check_set(always_deny()))])
case("stale-not-however-old", "ALLOW CONFORMANT ALWAYS_ALLOW", policy(rule("allow")), facts={"snapshotAge": {"stale": False, "age": "100h"}})

# --- no policy, refused documents ------------------------------------------------------------------------------------

NO_POLICY = "DENY NON_CONFORMANT NO_POLICY"
case("no-policy-no-documents", NO_POLICY)
case("no-policy-attestors-only", NO_POLICY, attestors=[BUILD])
case("no-policy-project-that-does-not-exist", NO_POLICY, policy(rule("allow")), project="nobody")
case("no-policy-document-refused", NO_POLICY, files={"policy.yaml": policy(rule("allow")) | {"unknownField": "x"}})
case("no-policy-document-not-yaml", NO_POLICY, files={"policy.yaml": "defaultAdmissionRule: [\n"})
case("no-policy-document-not-utf8", NO_POLICY, files={"policy.yaml": b"name: projects/\xff/policy\n"})
case("no-policy-two-rule-maps", NO_POLICY, policy(rule("allow"), clusterAdmissionRules={CLUSTER: rule("allow")}, kubernetesNamespaceAdmissionRules={"a": rule("allow")}))
case("no-policy-written-twice", NO_POLICY, policy(rule("allow")), files={"policy.json": policy(rule("allow"))})
case("no-policy-in-a-folder-of-another-project", NO_POLICY, project="acme", files={"projects/acme/policy.yaml": policy(rule("allow"), project="other")})
case("no-policy-in-the-clusters-project", NO_POLICY, clusters={CLUSTER: bound(project="empty")}, projects={"acme": {"policy": policy(rule("allow"))}})
case("no-policy-beats-cluster-unknown", NO_POLICY, clusters={"dc1.edge": bound(project="empty", base="ENFORCE")}, project="empty", projects={"acme": {"policy": policy(rule("allow"))}})
case("no-policy-revocation-does-not-show", NO_POLICY, options=revoked())
case("documents-options-refused", "DENY ERROR POLICY_CONFIG_ERROR", policy(rule("allow")), files={"options.yaml": {"failmode": "OPEN"}})
case("documents-options-refused-dry-run", "DRYRUN ERROR POLICY_CONFIG_ERROR", policy(rule("allow", dry=True)), files={"options.yaml": {"failmode": "OPEN"}})
case("documents-options-refused-yet-allowlisted", "DENY ERROR POLICY_CONFIG_ERROR", policy(rule("deny"), ["registry.example.com/**"]), files={"options.yaml": {"failmode": "OPEN"}})
case("documents-options-refused-dry-run-rule-enforced-platform-policy", "DENY ERROR POLICY_CONFIG_ERROR", policy(rule("allow", dry=True)),
     files={"options.yaml": {"failmode": "OPEN"}}, clusters={CLUSTER: bound(base="ENFORCE")}, platform=[gke(check_set(always_deny()))])
case("documents-options-refused-of-another-project", ALLOW_ALL, project="acme", projects={"acme": {"policy": policy(rule("allow"))}},
     files={"projects/other/options.yaml": {"failmode": "OPEN"}})
case("documents-clusters-refused", "DENY ERROR POLICY_CONFIG_ERROR", policy(rule("allow")), files={"clusters.yaml": {"clusters": {CLUSTER: {"platform": "GKE"}}}})
case("documents-unknown-files-are-not-read", ALLOW_ALL, policy(rule("allow")), files={"notes.yaml": "anything", "policies/policy.yaml": policy(rule("deny"))})

# --- clusters and projects -------------------------------------------------------------------------------------------

UNKNOWN = "DENY NON_CONFORMANT CLUSTER_UNKNOWN"
DENY_POLICY = [gke(check_set(always_deny()))]
ALLOWING = {"policy": policy(rule("allow"))}
case("cluster-unknown", UNKNOWN, clusters={"dc1.edge": bound(base="ENFORCE")}, platform=DENY_POLICY, **ALLOWING)
case("cluster-unknown-is-enforced-in-dry-run", UNKNOWN, policy(rule("deny", dry=True)), clusters={"dc1.edge": bound(base="ENFORCE")}, platform=DENY_POLICY)
case("cluster-unknown-beats-allowlist", UNKNOWN, policy(rule("deny"), ["registry.example.com/**"]), clusters={"dc1.edge": bound(base="ENFORCE")}, platform=DENY_POLICY)
case("cluster-unknown-comes-after-revoked", REVOKED, options=revoked(), clusters={"dc1.edge": bound(base="ENFORCE")}, platform=DENY_POLICY, **ALLOWING)
case("cluster-unknown-even-if-the-policy-dangles", UNKNOWN, clusters={"dc1.edge": bound(base="ENFORCE")}, **ALLOWING)
case("cluster-unlisted-nothing-enforced", ALLOW_ALL, clusters={"dc1.edge": bound(base="DRYRUN"), "dc2.edge": bound(base="MONITOR")}, platform=DENY_POLICY, **ALLOWING)
case("cluster-unlisted-enforced-for-another-project", ALLOW_ALL, project="acme", clusters={"dc1.edge": bound(project="other", base="ENFORCE")},
     projects={"acme": {"policy": policy(rule("allow")), "platform": DENY_POLICY}, "other": {"policy": policy(rule("allow"), project="other")}})
case("cluster-unlisted-default-without-policies", ALLOW_ALL, clusters={"dc1.edge": bound(base="ENFORCE")}, default=bound(), platform=DENY_POLICY, **ALLOWING)
case("cluster-unlisted-default-with-policies", "DENY NON_CONFORMANT CHECK_FAILED:alwaysDeny", clusters={"dc1.edge": bound()}, default=bound(base="ENFORCE"),
     platform=DENY_POLICY, **ALLOWING)
case("cluster-listed-does-not-get-the-default", ALLOW_ALL, clusters={CLUSTER: bound()}, default=bound(base="ENFORCE"), platform=DENY_POLICY, **ALLOWING)
case("cluster-unlisted-gets-the-default-rule", DENY_ALL, policy(rule("deny"), clusterAdmissionRules={"dc1.edge": rule("allow")}))
for name, cluster in {
    "empty": "", "empty-location": ".prod", "empty-id": "us-east1.", "no-dot": "prod", "extra-dot": "us-east1.prod.x", "upper-case": "US-east1.prod",
    "trailing-newline": "us-east1.prod\n", "over-256-bytes": f"{'a' * 250}.{'b' * 60}",
}.items():
    case(f"cluster-invalid-{name}", "INVALID_ARGUMENT cluster", cluster=cluster, **ALLOWING)
case("namespace-invalid", "INVALID_ARGUMENT namespace", namespace="Payments", **ALLOWING)
case("service-account-invalid-with-namespace", "INVALID_ARGUMENT service_account", namespace="payments", serviceAccount="payments:api", **ALLOWING)
case("istio-identity-invalid", "INVALID_ARGUMENT istio_identity", istioIdentity="spiffe://cluster.local/sa/api", **ALLOWING)
case("projects-invalid-name", "INVALID_ARGUMENT project", project="projects/acme", **ALLOWING)
TWO = {"acme": {"policy": policy(rule("allow"))}, "shop": {"policy": policy(rule("deny"), project="shop")}}
case("projects-named-acme", ALLOW_ALL, project="acme", projects=TWO)
case("projects-named-shop", DENY_ALL, project="shop", projects=TWO)
case("projects-none-named", "INVALID_ARGUMENT project", projects=TWO)
case("projects-none-named-cluster-unlisted", "INVALID_ARGUMENT project", projects=TWO, clusters={"dc1.edge": bound()})
case("projects-one-needs-no-name", ALLOW_ALL, projects={"acme": TWO["acme"]})
case("projects-root-and-folder", DENY_ALL, policy(rule("allow")), projects={"shop": TWO["shop"]}, project="shop")
case("projects-root-without-name-is-default", ALLOW_ALL, {"defaultAdmissionRule": rule("allow")}, project="default")
case("projects-root-counts-over-folder", ALLOW_ALL, policy(rule("allow")), projects={"acme": {"policy": policy(rule("deny"))}}, project="acme")
case("projects-by-cluster", DENY_ALL, clusters={CLUSTER: bound(project="shop")}, projects=TWO)
case("projects-by-cluster-and-named-alike", DENY_ALL, clusters={CLUSTER: bound(project="shop")}, projects=TWO, project="shop")
case("projects-by-default-cluster", DENY_ALL, default=bound(project="shop"), projects=TWO)
MISMATCH = "INVALID_ARGUMENT project"
case("projects-mismatch", MISMATCH, clusters={CLUSTER: bound(project="shop")}, projects=TWO, project="acme")
case("projects-mismatch-under-default", MISMATCH, default=bound(project="shop"), projects=TWO, project="acme")
case("projects-mismatch-with-nobody", MISMATCH, clusters={CLUSTER: bound(project="shop")}, projects=TWO, project="nobody")
case("projects-mismatch-precedes-revoked", MISMATCH, policy(rule("allow")), options=revoked(), clusters={CLUSTER: bound()}, project="other")
case("projects-mismatch-precedes-no-policy", MISMATCH, clusters={CLUSTER: bound()}, project="other")
case("projects-policies-do-not-mix", DENY_ALL, project="shop", projects={
    "acme": {"policy": policy(rule("allow"), ["registry.example.com/**"], clusterAdmissionRules={CLUSTER: rule("allow")})}, "shop": TWO["shop"]})

# --- platform policies -----------------------------------------------------------------------------------------------

PASSED, FAILED_DENY = "CHECKS_PASSED", "CHECK_FAILED:alwaysDeny"


def platform(name, expect, *policies, mode="ENFORCE", **more):
    """The project allows unless told otherwise; `base` is bound to the cluster."""
    case(f"platform-{name}", expect, **(ALLOWING | {"clusters": {CLUSTER: bound(base=mode)}, "platform": policies} | more))


PASSES = f"ALLOW CONFORMANT ALWAYS_ALLOW,{PASSED}"
FAILS = f"DENY NON_CONFORMANT {FAILED_DENY}"
OUTSIDE = "DENY NON_CONFORMANT CHECK_FAILED:trustedDirectoryCheck"
platform("always-deny-enforced", FAILS, *DENY_POLICY)
platform("always-deny-dry-run", f"DRYRUN NON_CONFORMANT {FAILED_DENY}", *DENY_POLICY, mode="DRYRUN")
platform("always-deny-monitored", ALLOW_ALL, *DENY_POLICY, mode="MONITOR")
platform("mode-is-monitor-by-default", ALLOW_ALL, *DENY_POLICY, clusters={CLUSTER: {"project": "acme", "platform": "GKE", "platformPolicies": [{"name": platform_policy_name("base")}]}})
platform("applies-to-on-prem", FAILS, *DENY_POLICY, clusters={CLUSTER: bound(platform="ON_PREM", base="ENFORCE")})
for name, pattern, inside in (
    ("direct", "registry.example.com/acme", True), ("parent", "registry.example.com", False), ("sibling-prefix", "registry.example.com/ac", False),
    ("star-reaches-one-level", "registry.example.com/*", True), ("star-is-not-its-own", "registry.example.com/acme/*", False),
    ("double-star-is-its-own", "registry.example.com/acme/**", True), ("double-star-is-deeper", "registry.example.com/**", True),
    ("host-part", "*.example.com/acme", True), ("other-host", "registry.example.org/acme", False),
):
    platform(f"trusted-directory-{name}", PASSES if inside else OUTSIDE, gke(check_set(trusted(pattern))))
platform("trusted-directory-host-part-is-one-part", OUTSIDE, gke(check_set(trusted("*.example.com/acme"))), image=f"eu.registry.example.com/acme/api@{DIGEST}")
platform("trusted-directory-host-part-before-a-hyphen", PASSES, gke(check_set(trusted("*-docker.pkg.dev/acme/images"))), image=f"europe-west1-docker.pkg.dev/acme/images/api@{DIGEST}")
platform("trusted-directory-host-part-crosses-no-dot", OUTSIDE, gke(check_set(trusted("*-docker.pkg.dev/acme/images"))), image=f"evil.x-docker.pkg.dev/acme/images/api@{DIGEST}")
platform("trusted-directory-pattern-too-wide", "DENY ERROR POLICY_CONFIG_ERROR", gke(check_set(trusted("*.com/acme"))))
platform("trusted-directory-second-pattern", PASSES, gke(check_set(trusted("registry.example.org/x", "registry.example.com/acme"))))
platform("trusted-directory-tag-will-do", PASSES, gke(check_set(trusted("registry.example.com/acme"))), image=f"{REPOSITORY}:v1")
platform("trusted-directory-bare-digest", OUTSIDE, gke(check_set(trusted("registry.example.com/**"))), image=DIGEST)
platform("checks-all-must-pass", OUTSIDE, gke(check_set(trusted("registry.example.com/acme"), trusted("registry.example.org/acme"))))
platform("checks-each-failure-is-listed", f"DENY NON_CONFORMANT CHECK_FAILED:trustedDirectoryCheck,{FAILED_DENY}", gke(check_set(trusted("registry.example.org/acme"), always_deny())))
platform("checks-empty", PASSES, gke(check_set()))
platform("check-sets-empty", PASSES, gke())
SCOPED = gke(check_set(always_deny(), account="payments:api", name="account"), check_set(trusted("registry.example.org/x"), namespace="payments", name="namespace"), check_set(name="rest"))
platform("scope-service-account", FAILS, SCOPED, namespace="payments", serviceAccount="api")
platform("scope-namespace", OUTSIDE, SCOPED, namespace="payments", serviceAccount="other")
platform("scope-service-account-of-other-namespace", PASSES, SCOPED, namespace="web", serviceAccount="api")
platform("scope-service-account-without-namespace", PASSES, SCOPED, serviceAccount="api")
platform("scope-none", PASSES, SCOPED)
platform("scope-only-the-most-specific-counts", PASSES, gke(check_set(account="payments:api"), check_set(always_deny(), namespace="payments"), check_set(always_deny())),
         namespace="payments", serviceAccount="api")
ALLOWED = ["registry.example.com/acme/*"]
EXEMPT = f"ALLOW CONFORMANT ALWAYS_ALLOW,{PASSED}:ALLOWLISTED"
platform("allowlist-of-the-policy", EXEMPT, gke(check_set(always_deny()), allow=ALLOWED))
platform("allowlist-of-the-policy-without-match", FAILS, gke(check_set(always_deny()), allow=["registry.example.com/other/*"]))
platform("allowlist-of-the-set", EXEMPT, gke(check_set(always_deny(), allow=ALLOWED)))
platform("allowlist-of-the-set-without-match", FAILS, gke(check_set(always_deny(), allow=["registry.example.com/other/*"])))
platform("allowlist-of-another-set", FAILS, gke(check_set(always_deny(), namespace="web", allow=ALLOWED), check_set(always_deny())))
platform("allowlist-of-the-check", PASSES, gke(check_set(always_deny(allow=ALLOWED))))
platform("allowlist-of-the-check-without-match", FAILS, gke(check_set(always_deny(allow=["registry.example.com/other/*"]))))
platform("allowlist-of-one-check-spares-only-it", OUTSIDE, gke(check_set(always_deny(allow=ALLOWED), trusted("registry.example.org/x"))))
platform("allowlist-never-covers-a-bare-digest", FAILS, gke(check_set(always_deny()), allow=["registry.example.com/**"]), image=DIGEST)
CHECKS = {
    "sigstoreSignatureCheck": {"sigstoreAuthorities": []},
    "slsaCheck": {"rules": [{"trustedBuilder": "GOOGLE_CLOUD_BUILD"}]},
    "vulnerabilityCheck": {"maximumFixableSeverity": "MEDIUM", "maximumUnfixableSeverity": "HIGH"},
    "imageFreshnessCheck": {"maxUploadAgeDays": 30},
}
LATER = "the check has no evidence in this version"
for type, body in CHECKS.items():
    platform(f"unavailable-{type}", f"DENY ERROR EVIDENCE_UNAVAILABLE:{type}:UNAVAILABLE fail_mode=CLOSED", gke(check_set(check(type, body))), core_only=LATER)
UNSCANNED = check("vulnerabilityCheck", CHECKS["vulnerabilityCheck"])
platform("unavailable-dry-run", "DRYRUN ERROR EVIDENCE_UNAVAILABLE:vulnerabilityCheck:UNAVAILABLE", gke(check_set(UNSCANNED)), mode="DRYRUN", core_only=LATER)
platform("unavailable-monitored", ALLOW_ALL, gke(check_set(UNSCANNED)), mode="MONITOR", core_only=LATER)
platform("unavailable-yet-allowlisted", PASSES, gke(check_set(check("vulnerabilityCheck", CHECKS["vulnerabilityCheck"], allow=ALLOWED))))
platform("non-conformant-beats-error", "DENY NON_CONFORMANT EVIDENCE_UNAVAILABLE:vulnerabilityCheck:UNAVAILABLE,CHECK_FAILED:alwaysDeny", gke(check_set(UNSCANNED, always_deny())),
         core_only=LATER)
# Authenticators are ORed, so are their keys; what counts is the project of the attestation, never its note.
UNSIGNED = "DENY NON_CONFORMANT CHECK_FAILED:simpleSigningAttestationCheck"
SIGNED = gke(check_set(signing(authenticator("build"))))
ELSEWHERE = {"name": "projects/shop/occurrences/1"}
KEY_ID = "https://keys.example.com/build"
platform("signing-attested", PASSES, SIGNED, attestations=[attestation()])
platform("signing-missing", UNSIGNED, SIGNED)
platform("signing-wrong-key", UNSIGNED, SIGNED, attestations=[attestation("stranger")])
platform("signing-wrong-key-under-our-id", UNSIGNED, SIGNED, attestations=[attestation("stranger", id=key_id("build"))])
platform("signing-flipped-bit", UNSIGNED, SIGNED, attestations=[attestation(raw=flipped(sign("build", payload())))])
platform("signing-bad-beside-good", PASSES, SIGNED, attestations=[attestation("stranger"), attestation(), attestation(raw=b"junk")])
platform("signing-any-note", PASSES, SIGNED, attestations=[attestation(note="anything")])
platform("signing-wrong-project", UNSIGNED, SIGNED, attestations=[attestation() | ELSEWHERE])
platform("signing-project-of-its-name", PASSES, gke(check_set(signing(authenticator("build"), projects=["shop"]))), attestations=[attestation() | ELSEWHERE])
platform("signing-second-project", PASSES, gke(check_set(signing(authenticator("build"), projects=["shop", "acme"]))), attestations=[attestation()])
for name, project, passes in (("project-of-its-folder", "shop", True), ("project-of-another-folder", "acme", False)):
    case(f"platform-signing-{name}", PASSES if passes else UNSIGNED, clusters={CLUSTER: bound(base="ENFORCE")}, projects={
        "acme": {"policy": policy(rule("allow")), "platform": [gke(check_set(signing(authenticator("build"), projects=[project])))]},
        "shop": {"policy": policy(rule("allow"), project="shop"), "attestations": [attestation()]}})
platform("signing-no-projects", UNSIGNED, gke(check_set(signing(authenticator("build"), projects=[]))), attestations=[attestation()])
platform("signing-other-digest", UNSIGNED, SIGNED, attestations=[attestation(resource=f"https://{REPOSITORY}@{OTHER_DIGEST}", data=payload(OTHER_DIGEST))])
platform("signing-payload-of-other-digest", UNSIGNED, SIGNED, attestations=[attestation(data=payload(OTHER_DIGEST))])
platform("signing-resource-of-other-digest", UNSIGNED, SIGNED, attestations=[attestation(resource=f"https://{REPOSITORY}@{OTHER_DIGEST}")])
platform("signing-payload-of-cosign", UNSIGNED, SIGNED, attestations=[attestation(data=payload(type="cosign container image signature"))])
platform("signing-over-pae", PASSES, SIGNED, attestations=[attestation(signed=pae(payload()))])
platform("signing-tag", UNSIGNED, SIGNED, attestations=[attestation()], image=f"{REPOSITORY}:v1")
platform("signing-bare-digest", PASSES, SIGNED, attestations=[attestation()], image=DIGEST)
platform("signing-repository-is-not-bound", PASSES, SIGNED, attestations=[attestation(data=payload(reference="registry.example.com/other"))], options={"bindRepository": True})
platform("signing-second-authenticator", PASSES, gke(check_set(signing(authenticator("qa", name="qa"), authenticator("build")))), attestations=[attestation()])
platform("signing-second-key", PASSES, gke(check_set(signing(authenticator("qa", "build")))), attestations=[attestation()])
platform("signing-two-checks-both-must-pass", UNSIGNED, gke(check_set(signing(authenticator("build")), signing(authenticator("qa")))), attestations=[attestation()])
NAMED = gke(check_set(signing(authenticator(authenticator_key("build", KEY_ID)))))
platform("signing-key-id", PASSES, NAMED, attestations=[attestation(id=KEY_ID)])
platform("signing-key-id-is-exact", UNSIGNED, NAMED, attestations=[attestation()])
platform("signing-no-keys", UNSIGNED, gke(check_set(signing(authenticator()))), attestations=[attestation()])
platform("signing-one-key-unusable", PASSES, gke(check_set(signing(authenticator(authenticator_key("qa", pem="nonsense"), "build")))), attestations=[attestation()])
platform("signing-all-keys-unusable", "DENY ERROR POLICY_CONFIG_ERROR", gke(check_set(signing(authenticator(authenticator_key("build", pem="nonsense"))))), attestations=[attestation()])
for name, refused in (("no-authenticators", signing()), ("key-id-twice", signing(authenticator("build", "build"))),
                      ("eleven-projects", signing(authenticator("build"), projects=[f"p{index}" for index in range(11)])),
                      ("project-number-sign", signing(authenticator("build"), projects=["a/b"]))):
    platform(f"signing-refused-{name}", "DENY ERROR POLICY_CONFIG_ERROR", gke(check_set(refused)), attestations=[attestation()])
platform("signing-oversized", "DENY ERROR EVIDENCE_LIMIT:PAYLOAD_BYTES fail_mode=CLOSED", SIGNED, attestations=[attestation(data=b" " * 65537, raw=b"junk")])
platform("signing-oversized-never-fails-open", "DENY ERROR EVIDENCE_LIMIT:PAYLOAD_BYTES", SIGNED, attestations=[attestation(data=b" " * 65537, raw=b"junk")], options=OPEN)
platform("signing-oversized-beside-good", PASSES, SIGNED, attestations=[attestation(data=b" " * 65537, raw=b"junk"), attestation()])
OTHERS = ["registry.example.com/other/*"]
platform("signing-allowlist-of-the-policy", EXEMPT, gke(check_set(signing(authenticator("build"))), allow=ALLOWED))
platform("signing-allowlist-of-the-policy-without-match", UNSIGNED, gke(check_set(signing(authenticator("build"))), allow=OTHERS))
platform("signing-allowlist-of-the-set", EXEMPT, gke(check_set(signing(authenticator("build")), allow=ALLOWED)))
platform("signing-allowlist-of-the-set-without-match", UNSIGNED, gke(check_set(signing(authenticator("build")), allow=OTHERS)))
platform("signing-allowlist-of-the-check", PASSES, gke(check_set(signing(authenticator("build"), allow=ALLOWED))))
platform("signing-allowlist-of-the-check-without-match", UNSIGNED, gke(check_set(signing(authenticator("build"), allow=OTHERS))))
SIGNED_SCOPES = gke(check_set(signing(authenticator("qa")), account="payments:api", name="account"), check_set(signing(authenticator("build")), namespace="payments", name="namespace"),
                    check_set(always_deny(), name="rest"))
platform("signing-scope-service-account", UNSIGNED, SIGNED_SCOPES, attestations=[attestation()], namespace="payments", serviceAccount="api")
platform("signing-scope-namespace", PASSES, SIGNED_SCOPES, attestations=[attestation()], namespace="payments", serviceAccount="other")
platform("signing-scope-none", FAILS, SIGNED_SCOPES, attestations=[attestation()])
platform("signing-monitored", ALLOW_ALL, SIGNED, mode="MONITOR")
platform("signing-dry-run", "DRYRUN NON_CONFORMANT CHECK_FAILED:simpleSigningAttestationCheck", SIGNED, mode="DRYRUN")
platform("signing-attested-dry-run", PASSES, SIGNED, mode="DRYRUN", attestations=[attestation()])
platform("signing-enforced-beside-dry-run", "DRYRUN NON_CONFORMANT CHECK_FAILED:simpleSigningAttestationCheck", gke(check_set(signing(authenticator("build"))), name="first"),
         gke(check_set(signing(authenticator("qa"))), name="second"), attestations=[attestation()], clusters={CLUSTER: bound(first="ENFORCE", second="DRYRUN")})
platform("signing-dry-run-beside-enforced", UNSIGNED, gke(check_set(signing(authenticator("build"))), name="first"),
         gke(check_set(signing(authenticator("qa"))), name="second"), attestations=[attestation()], clusters={CLUSTER: bound(first="DRYRUN", second="ENFORCE")})
platform("signing-enforced-beside-monitored", PASSES, gke(check_set(signing(authenticator("build"))), name="first"),
         gke(check_set(signing(authenticator("qa"))), name="second"), attestations=[attestation()], clusters={CLUSTER: bound(first="ENFORCE", second="MONITOR")})
platform("signing-non-conformant-beats-error", "DENY NON_CONFORMANT EVIDENCE_UNAVAILABLE:vulnerabilityCheck:UNAVAILABLE,CHECK_FAILED:simpleSigningAttestationCheck",
         gke(check_set(UNSCANNED, signing(authenticator("build")))), core_only=LATER)
platform("signing-and-attestor", f"ALLOW CONFORMANT ATTESTED,{PASSED}", SIGNED, policy=policy(require()), attestors=[BUILD], attestations=[attestation()])
platform("signing-does-not-spare-the-attestor", denied("NO_ATTESTATION"), SIGNED, policy=policy(require()), attestors=[BUILD], attestations=[attestation(note="anything")])
platform("dangling-enforced", "DENY ERROR POLICY_CONFIG_ERROR")
platform("dangling-enforced-fail-open", "DENY ERROR POLICY_CONFIG_ERROR", options=OPEN)
platform("dangling-dry-run", "DRYRUN ERROR POLICY_CONFIG_ERROR", mode="DRYRUN")
platform("dangling-monitored", ALLOW_ALL, mode="MONITOR")
platform("document-refused", "DENY ERROR POLICY_CONFIG_ERROR", files={"platform-policies/base.yaml": DENY_POLICY[0] | {"unknownField": "x"}})
platform("two-policies-both-must-pass", FAILS, gke(check_set(), name="first"), gke(check_set(always_deny()), name="second"),
         clusters={CLUSTER: bound(first="ENFORCE", second="ENFORCE")})
platform("two-policies-deny-beats-dry-run", FAILS, gke(check_set(trusted("registry.example.org/x")), name="first"), gke(check_set(always_deny()), name="second"),
         clusters={CLUSTER: bound(first="DRYRUN", second="ENFORCE")})
platform("two-policies-dry-run-beats-allow", "DRYRUN NON_CONFORMANT CHECK_FAILED:alwaysDeny", gke(check_set(), name="first"), gke(check_set(always_deny()), name="second"),
         clusters={CLUSTER: bound(first="ENFORCE", second="DRYRUN")})
platform("two-policies-non-conformant-beats-error", "DENY NON_CONFORMANT POLICY_CONFIG_ERROR,CHECK_FAILED:alwaysDeny", gke(check_set(always_deny()), name="second"),
         clusters={CLUSTER: bound(first="ENFORCE", second="ENFORCE")})
platform("project-denies-too", "DENY NON_CONFORMANT ALWAYS_DENY,CHECK_FAILED:alwaysDeny", *DENY_POLICY, policy=policy(rule("deny")))
platform("project-denies-check-unavailable", "DENY NON_CONFORMANT ALWAYS_DENY,EVIDENCE_UNAVAILABLE:vulnerabilityCheck:UNAVAILABLE", gke(check_set(UNSCANNED)),
         policy=policy(rule("deny")), core_only=LATER)
platform("project-denies-checks-pass", DENY_ALL, gke(), policy=policy(rule("deny")))
platform("project-dry-run-check-enforced", FAILS, *DENY_POLICY, policy=policy(rule("deny", dry=True)))
platform("project-enforced-check-dry-run", DENY_ALL, *DENY_POLICY, policy=policy(rule("deny")), mode="DRYRUN")
platform("project-dry-run-check-dry-run", "DRYRUN NON_CONFORMANT ALWAYS_DENY,CHECK_FAILED:alwaysDeny", *DENY_POLICY, policy=policy(rule("deny", dry=True)), mode="DRYRUN")
platform("project-config-error-check-fails", "DENY NON_CONFORMANT POLICY_CONFIG_ERROR,CHECK_FAILED:alwaysDeny", *DENY_POLICY, policy=policy(require("gone")))
platform("project-dry-run-denial-check-error", "DENY ERROR POLICY_CONFIG_ERROR", policy=policy(rule("deny", dry=True)))
platform("project-allowlist-does-not-exempt", FAILS, *DENY_POLICY, policy=policy(rule("deny"), ["registry.example.com/**"]))
platform("system-policy-does-not-exempt", FAILS, *DENY_POLICY, policy=policy(rule("deny"), system="ENABLE"), system=SYSTEM)
platform("allowlist-does-not-exempt-from-project", DENY_ALL, gke(check_set(always_deny()), allow=ALLOWED), policy=policy(rule("deny")))
platform("attested-and-checked", f"ALLOW CONFORMANT ATTESTED,{PASSED}", gke(check_set(trusted("registry.example.com/acme"))), policy=policy(require()), attestors=[BUILD],
         attestations=[attestation()])
case("platform-policy-of-another-project", FAILS, clusters={CLUSTER: {"project": "acme", "platform": "GKE", "platformPolicies": [
    {"name": "projects/shop/platforms/gke/policies/base", "mode": "ENFORCE"}]}},
     projects={"acme": TWO["acme"], "shop": {"policy": policy(rule("allow"), project="shop"), "platform": [gke(check_set(always_deny()), name="projects/shop/platforms/gke/policies/base")]}})
platform("written-twice", "DENY ERROR POLICY_CONFIG_ERROR", gke(), files={"platform-policies/copy.yaml": gke()})


def cloud_run(name, expect, body, mode="ENFORCE", **more):
    case(f"cloud-run-{name}", expect, **(ALLOWING | {"clusters": {CLUSTER: bound(platform="CLOUD_RUN", base=mode)},
                                                     "platform": [{"name": "projects/acme/platforms/cloudRun/policies/base", "cloudRunPolicy": body}]} | more))


cloud_run("policy-allows", PASSES, {"rule": rule("allow")})
cloud_run("policy-denies", FAILS, {"rule": rule("deny")})
cloud_run("policy-denies-dry-run-binding", f"DRYRUN NON_CONFORMANT {FAILED_DENY}", {"rule": rule("deny")}, mode="DRYRUN")
cloud_run("policy-denies-dry-run-rule", f"DRYRUN NON_CONFORMANT {FAILED_DENY}", {"rule": rule("deny", dry=True)})
cloud_run("policy-denies-monitored", ALLOW_ALL, {"rule": rule("deny")}, mode="MONITOR")
cloud_run("policy-allowlist", EXEMPT, {"allowlistPatterns": [{"namePattern": ALLOWED[0]}], "rule": rule("deny")})
cloud_run("policy-allowlist-without-match", FAILS, {"allowlistPatterns": [{"namePattern": "registry.example.com/other/*"}], "rule": rule("deny")})
cloud_run("policy-attestors-unavailable", "DENY ERROR EVIDENCE_UNAVAILABLE:requiredAttestors:UNAVAILABLE fail_mode=CLOSED",
          {"rule": rule("require") | {"requiredAttestors": [{"id": "build", "attestationNote": "projects/acme/notes/build"}]}}, core_only=LATER)

write_all()
