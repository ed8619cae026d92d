"""Words in which the cases of generate.py are written: documents, keys, signatures, and the folders they end up in."""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.abspath(__file__))
KEYS = os.path.join(ROOT, "keys")
TIME = "2026-06-01T12:00:00Z"
CREATED = "2026-06-01T00:00:00Z"
REPOSITORY = "registry.example.com/acme/api"
CLUSTER = "us-east1.prod"
BINAUTHZ_TYPE = "Google cloud binauthz container signature"
COSIGN_TYPE = "cosign container image signature"
PAE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_LIMIT = 16 * 1024


def digest_of(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


DIGEST = digest_of("api")
OTHER_DIGEST = digest_of("another image")
IMAGE = f"{REPOSITORY}@{DIGEST}"


# --- keys and signatures ---------------------------------------------------------------------------------------------

KINDS = {
    "build": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "qa": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "stranger": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "ed25519": ["-algorithm", "ED25519"],
}
_public, _signatures = {}, {}


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def private_key(name):
    path = os.path.join(KEYS, f"{name}.pem")
    if not os.path.exists(path):
        openssl("genpkey", *KINDS[name], "-out", path)
    return path


def public_pem(name):
    if name not in _public:
        _public[name] = openssl("pkey", "-in", private_key(name), "-pubout").decode()
    return _public[name]


def key_id(name):
    der = openssl("pkey", "-in", private_key(name), "-pubout", "-outform", "DER")
    return "ni:///sha-256;" + base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def default_algorithm(name):
    return {
        "p384": "ECDSA_P384_SHA384", "p521": "ECDSA_P521_SHA512", "ed25519": "ED25519",
        "rsa2048": "RSA_PSS_2048_SHA256", "rsa3072": "RSA_PSS_3072_SHA256", "rsa4096": "RSA_PSS_4096_SHA256",
    }.get(name, "ECDSA_P256_SHA256")


def sign(name, data, algorithm=None):
    """A signature, from keys/signatures.json if it was made before: ECDSA is random, and the corpus should not be."""
    algorithm = algorithm or default_algorithm(name)
    index = f"{name} {algorithm} {hashlib.sha256(data).hexdigest()}"
    if not _signatures:
        path = os.path.join(KEYS, "signatures.json")
        _signatures.update(json.load(open(path)) if os.path.exists(path) else {})
    if index not in _signatures:
        _signatures[index] = base64.b64encode(make_signature(name, data, algorithm)).decode()
    return base64.b64decode(_signatures[index])


def make_signature(name, data, algorithm):
    key = private_key(name)
    with tempfile.NamedTemporaryFile() as message:
        message.write(data)
        message.flush()
        if algorithm.endswith("ED25519"):
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", message.name)
        hash_name = "-" + algorithm.rsplit("_", 1)[1].lower()
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if "PSS" in algorithm else []
        return openssl("dgst", hash_name, "-sign", key, *pss, message.name)


def kept(index, make):
    """Bytes from keys/signatures.json if they were made before."""
    sign("build", b"")  # reads the file
    if index not in _signatures:
        _signatures[index] = base64.b64encode(make()).decode()
    return base64.b64decode(_signatures[index])


# --- PGP -------------------------------------------------------------------------------------------------------------

PGP_MADE, PGP_SIGNED = "20260101T000000", "20260501T000000"
PGP_KINDS = {  # algorithm, expiry, algorithm of a signing subkey
    "build": ("ed25519", "never", "ed25519"),
    "qa": ("nistp256", "never", None),
    "stranger": ("rsa2048", "never", None),
    "expired": ("ed25519", "20260520T000000", None),
    "revoked": ("ed25519", "never", None),
}


def gpg(home, *arguments, data=b"", time=PGP_SIGNED):
    base = ["gpg", "--homedir", home, "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time", time + "!"]
    return subprocess.run([*base, *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


class PgpHome:
    """A home with the named keys; its agent ends with it."""

    def __init__(self, *names):
        self.names = names

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        for name in self.names:
            gpg(self.folder, "--import", data=open(pgp_file(name, "secret"), "rb").read())
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["gpgconf", "--homedir", self.folder, "--kill", "all"], check=True)
        shutil.rmtree(self.folder)


def pgp_file(name, kind):
    path = os.path.join(KEYS, f"pgp-{name}.{kind}.asc")
    if not os.path.exists(path):
        algorithm, expiry, subkey = PGP_KINDS[name]
        with PgpHome() as home:
            status = gpg(home, "--status-fd", "1", "--quick-generate-key", f"{name} <{name}@example.com>", algorithm, "sign,cert", expiry, time=PGP_MADE)
            fingerprint = re.search(rb"KEY_CREATED \S+ (\S+)", status).group(1).decode()
            if subkey:
                gpg(home, "--quick-add-key", fingerprint, subkey, "sign", "never", time=PGP_MADE)
            write(os.path.join(KEYS, f"pgp-{name}.secret.asc"), gpg(home, "--armor", "--export-secret-keys", fingerprint))
            if name == "revoked":
                certificate = open(os.path.join(home, "openpgp-revocs.d", fingerprint + ".rev")).read()
                gpg(home, "--import", data=certificate[certificate.index(":-----BEGIN") + 1:].encode())
            write(os.path.join(KEYS, f"pgp-{name}.public.asc"), gpg(home, "--armor", "--export", fingerprint))
    return path


def pgp_ids(name):
    """Fingerprints of a key and its subkeys."""
    def list_keys():
        with PgpHome() as home:
            listing = gpg(home, "--with-colons", "--import-options", "show-only", "--import", data=open(pgp_file(name, "public"), "rb").read())
            return b" ".join(line.split(b":")[9] for line in listing.split(b"\n") if line.startswith(b"fpr:"))
    return kept(f"pgp ids {name}", list_keys).decode().split()


def pgp_key(name, id=None, text=None):
    return ({"id": id} if id else {}) | {"asciiArmoredPgpPublicKey": text or open(pgp_file(name, "public")).read()}


def pgp_sign(name, data, *options, signer=None, others=()):
    """Signs as `gpg --sign` does, armored, unless the options say otherwise."""
    def make():
        with PgpHome(name, *others) as home:
            users = [part for user in (signer or pgp_ids(name)[0], *(pgp_ids(other)[0] for other in others)) for part in ("--local-user", user + "!")]
            mode = [] if "--detach-sign" in options or "--clear-sign" in options else ["--armor", "--sign"]
            return gpg(home, *users, *options, *mode, data=data)
    return kept(" ".join(("pgp", name, signer or "", *others, *options, hashlib.sha256(data).hexdigest())), make)


def pgp_attestation(raw=None, by="build", id=None, **more):
    more.setdefault("note", "build")
    return attestation(by, id=id or pgp_ids(by)[0], raw=raw if raw is not None else pgp_sign(by, more.get("data") or payload()), **more)


# --- JWT -------------------------------------------------------------------------------------------------------------

JWS_WIDTHS = {"ES256": 32, "ES384": 48, "ES512": 66}


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def fixed_width(der, width):
    """The two numbers of an ECDSA signature in DER, each in its full width."""
    position, numbers = (3 if der[1] == 0x81 else 2), b""
    for _ in range(2):
        length = der[position + 1]
        numbers += der[position + 2:position + 2 + length].lstrip(b"\0").rjust(width, b"\0")
        position += 2 + length
    return numbers


def jwt(by="build", alg="ES256", algorithm=None, kid=None, header=None, claims=None, data=None, secret=None, **more_claims):
    """A compact JWT. `alg` is what it says; `algorithm` is how it is signed, `secret` the key of an HMAC instead."""
    body = claims if claims is not None else json.dumps(json.loads(data or payload()) | more_claims, separators=(",", ":")).encode()
    head = header if header is not None else {"alg": alg, "kid": kid or key_id(by), "typ": "JWT"}
    text = f"{base64url(json.dumps(head, separators=(',', ':')).encode())}.{base64url(body)}"
    if alg == "none":
        return text + "."
    if secret:
        return f"{text}.{base64url(hmac.new(secret, text.encode(), 'sha256').digest())}"
    value = sign(by, text.encode(), algorithm)
    return f"{text}.{base64url(fixed_width(value, JWS_WIDTHS[alg]) if alg in JWS_WIDTHS else value)}"


def jwt_attestation(*tokens, note="build", resource=None, created=CREATED, **body):
    document = {"kind": "ATTESTATION", "noteName": note_name(note), "resourceUri": resource or f"https://{IMAGE}", "createTime": created}
    document["attestation"] = {"jwts": [{"compactJwt": token} for token in tokens]} | body
    return document


def keep_signatures():
    with open(os.path.join(KEYS, "signatures.json"), "w") as file:
        json.dump(_signatures, file, indent=0, sort_keys=True)
        file.write("\n")


# --- documents -------------------------------------------------------------------------------------------------------

def attestor_name(name):
    return name if "/" in name else f"projects/acme/attestors/{name}"


def note_name(name):
    return name if "/" in name else f"projects/acme/notes/{name}"


def key(name, id=None, algorithm=None, pem=None):
    document = {"id": id} if id else {}
    document["pkixPublicKey"] = {"publicKeyPem": pem or public_pem(name), "signatureAlgorithm": algorithm or default_algorithm(name)}
    return document


def attestor(name, *keys, note=None):
    full = attestor_name(name)
    return {
        "name": full,
        "userOwnedGrafeasNote": {
            "noteReference": note_name(note or full.replace("/attestors/", "/notes/")),
            "publicKeys": [key(one) if isinstance(one, str) else one for one in keys],
        },
    }


def rule(mode, *attestors, dry=False):
    document = {
        "evaluationMode": {"allow": "ALWAYS_ALLOW", "deny": "ALWAYS_DENY", "require": "REQUIRE_ATTESTATION"}[mode],
        "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY" if dry else "ENFORCED_BLOCK_AND_AUDIT_LOG",
    }
    if attestors:
        document["requireAttestationsBy"] = [attestor_name(one) for one in attestors]
    return document


def require(*attestors, dry=False):
    return rule("require", *(attestors or ("build",)), dry=dry)


def policy(default, allow=(), project="acme", system=None, **maps):
    document = {"name": f"projects/{project}/policy"}
    if system:
        document["globalPolicyEvaluationMode"] = system
    if allow:
        document["admissionWhitelistPatterns"] = [{"namePattern": pattern} for pattern in allow]
    document.update(maps)
    document["defaultAdmissionRule"] = default
    return document


def payload(digest=DIGEST, reference=REPOSITORY, type=BINAUTHZ_TYPE):
    """The bytes Binary Authorization clients sign."""
    document = {
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digest},
            "type": type,
        },
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def pae(data, type=PAE_TYPE):
    return b"DSSEv1 %d %s %d %s" % (len(type), type.encode(), len(data), data)


def signature(by="build", data=None, id=None, algorithm=None, raw=None):
    value = raw if raw is not None else sign(by, data if data is not None else payload(), algorithm)
    return {"publicKeyId": id or key_id(by), "signature": base64.b64encode(value).decode()}


def flipped(data):
    return bytes([data[0], *data[1:-1], data[-1] ^ 1])


def attestation(by="build", data=None, note=None, id=None, algorithm=None, raw=None, resource=None, created=CREATED, signed=None,
                signatures=None):
    data = data if data is not None else payload()
    document = {
        "kind": "ATTESTATION",
        "noteName": note_name(note or (by if by in ("build", "qa") else "build")),
        "resourceUri": resource or f"https://{IMAGE}",
    }
    if created:
        document["createTime"] = created
    document["attestation"] = {
        "serializedPayload": base64.b64encode(data).decode(),
        "signatures": signatures or [signature(by, signed if signed is not None else data, id, algorithm, raw)],
    }
    return document


def inline(by="build", attestor="build", data=None, id=None, raw=None):
    data = data if data is not None else payload()
    one = signature(by, data, id, raw=raw)
    return {
        "serializedPayload": base64.b64encode(data).decode(),
        "signature": one["signature"],
        "publicKeyId": one["publicKeyId"],
        "attestor": attestor_name(attestor),
    }


def platform_policy_name(name):
    return name if "/" in name else f"projects/acme/platforms/gke/policies/{name}"


def bound(project="acme", platform="GKE", **policies):
    """A cluster's entry; keyword: name of a platform policy = mode."""
    entry = {"project": project, "platform": platform}
    kind = "cloudRun" if platform == "CLOUD_RUN" else "gke"
    if policies:
        entry["platformPolicies"] = [{"name": f"projects/acme/platforms/{kind}/policies/{name}", "mode": mode} for name, mode in policies.items()]
    return entry


def gke(*sets, allow=(), name="base"):
    body = {"imageAllowlist": {"allowPattern": list(allow)}} if allow else {}
    if sets:
        body["checkSets"] = list(sets)
    return {"name": platform_policy_name(name), "gkePolicy": body}


def check_set(*checks, namespace=None, account=None, allow=(), name="set"):
    document = {"displayName": name}
    if namespace or account:
        document["scope"] = {"kubernetesNamespace": namespace} if namespace else {"kubernetesServiceAccount": account}
    if allow:
        document["imageAllowlist"] = {"allowPattern": list(allow)}
    if checks:
        document["checks"] = list(checks)
    return document


def authenticator(*keys, name="builder"):
    """Names of keys, or keys as `authenticator_key` writes them."""
    return {"displayName": name, "pkixPublicKeySet": {"pkixPublicKeys": [authenticator_key(one) if isinstance(one, str) else one for one in keys]}}


def authenticator_key(name, id=None, pem=None):
    return {"publicKeyPem": pem or public_pem(name), "signatureAlgorithm": default_algorithm(name)} | ({"keyId": id} if id else {})


def signing(*authenticators, projects=("acme",), allow=()):
    body = {"containerAnalysisAttestationProjects": [f"projects/{project}" for project in projects]} if projects else {}
    return check("simpleSigningAttestationCheck", body | ({"attestationAuthenticators": list(authenticators)} if authenticators else {}), allow)


def check(type, body, allow=()):
    document = {"displayName": type, type: body}
    if allow:
        document["imageAllowlist"] = {"allowPattern": list(allow)}
    return document


def always_deny(allow=()):
    return check("alwaysDeny", True, allow)


def trusted(*patterns, allow=()):
    return check("trustedDirectoryCheck", {"trustedDirPatterns": list(patterns)}, allow)


# --- folders ---------------------------------------------------------------------------------------------------------

CASES = {}
PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@+=-]*(:[A-Za-z0-9_./@+=;-]+)*\Z")
NOT_STRINGS = {"true", "false", "null"}


def case(name, expect, policy=None, attestors=(), attestations=(), options=None, clusters=None, default=None, platform=(), system=None,
         projects=None, request=None, facts=None, core_only=None, image=IMAGE, cluster=CLUSTER, files=None, **fields):
    """
    One case. `expect` is read off SEMANTICS.md: `VERDICT CONFORMANCE CODE[:DETAIL],… [key=value …]`, or `INVALID_ARGUMENT field`.
    """
    assert name not in CASES, name
    documents = layout("", policy, attestors, attestations, options, platform)
    for project, parts in (projects or {}).items():
        documents.update(layout(f"projects/{project}/", *(parts.get(part) for part in ("policy", "attestors", "attestations", "options", "platform"))))
    if system:
        documents["system-policy.yaml"] = system
    if clusters is not None or default is not None:
        documents["clusters.yaml"] = {"clusters": clusters or {}} | ({"default": default} if default else {})
    documents.update(files or {})
    asked = {"request": {"imageDigest": image, "cluster": cluster} | (request or {}) | fields, "evaluateTime": TIME}
    if core_only or facts:
        asked["coreOnly"] = core_only or "facts are supplied"
    if facts:
        asked["facts"] = facts
    CASES[name] = (expect, asked, documents)


def layout(folder, policy, attestors, attestations, options, platform):
    documents = {}
    if policy:
        documents[f"{folder}policy.yaml"] = policy
    for one in attestors or ():
        documents[f"{folder}attestors/{one['name'].rsplit('/', 1)[1]}.yaml"] = one
    for index, one in enumerate(attestations or (), 1):
        documents[f"{folder}attestations/{index:02}.yaml"] = one
    if options:
        documents[f"{folder}options.yaml"] = options
    for one in platform or ():
        documents[f"{folder}platform-policies/{one['name'].rsplit('/', 1)[1]}.yaml"] = one
    return documents


def yaml(value, indent=0):
    """Block YAML; strings that could be read as anything else are quoted."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{scalar(name, 0)}:{nested(one, indent + 1)}" for name, one in value.items())
    lines = []
    for one in value:
        if isinstance(one, dict) and one:
            lines.append(pad + "- " + yaml(one, indent + 1)[len(pad) + 2:])
        else:
            lines.append(f"{pad}-{nested(one, indent + 1)}")
    return "".join(lines)


def nested(value, indent):
    if isinstance(value, (dict, list)) and value:
        return "\n" + yaml(value, indent)
    if isinstance(value, (dict, list)):
        return " {}\n" if isinstance(value, dict) else " []\n"
    return f" {scalar(value, indent)}\n"


def scalar(value, indent):
    if value is True or value is False:
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    if "\n" in value:
        return "|\n" + "\n".join("  " * indent + line for line in value.rstrip("\n").split("\n"))
    return value if PLAIN.match(value) and value not in NOT_STRINGS else json.dumps(value, ensure_ascii=False)


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def write_all():
    for name in os.listdir(ROOT):
        folder = os.path.join(ROOT, name)
        if os.path.isdir(folder) and name != "keys":
            for entry in os.listdir(folder):
                path = os.path.join(folder, entry)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                elif entry != "want.json" or name not in CASES:
                    os.remove(path)
            if name not in CASES:
                os.rmdir(folder)
    for name, (_, asked, documents) in CASES.items():
        folder = os.path.join(ROOT, name)
        write(os.path.join(folder, "request.json"), json.dumps(asked, indent=2, ensure_ascii=False) + "\n")
        for path, document in documents.items():
            text = document if isinstance(document, (str, bytes)) else json.dumps(document, indent=2) + "\n" if path.endswith(".json") else yaml(document)
            write(os.path.join(folder, path), text)
    write(os.path.join(ROOT, "expected.tsv"), expected())
    keep_signatures()
    print(f"{len(CASES)} cases")


def expected():
    lines = ["case\tverdict\tconformance\treasons\tmore"]
    for name in sorted(CASES):
        verdict, conformance, *rest = CASES[name][0].split()
        reasons = "" if verdict == "INVALID_ARGUMENT" else rest.pop(0)
        lines.append("\t".join((name, verdict, conformance, reasons, " ".join(rest))))
    return "\n".join(lines) + "\n"
