using PolicyService.Core.Access;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>What would make a denied image conform: commands a person can run, where there are some.</summary>
internal static class Remedies
{
    public static string For(Selection selection, RequiredAttestor required, AttestorDetail detail) => detail switch
    {
        AttestorDetail.NoDigest => "name the image by digest: <repository>@sha256:<digest>",
        AttestorDetail.NoKeys => $"add a public key to {required.Name}",
        AttestorDetail.NoPermission => Grant(required.Name, Member.OfProject(selection.Binding.Project)),
        AttestorDetail.Revoked => "run another digest; only the removal of the revocation from options.yaml makes these attestations count",
        _ => Commands(selection, required),
    };

    public static string For(EvidenceFailure failure) => failure.Code switch
    {
        ReasonCode.EvidenceLimit => "delete attestations of the digest that are not needed",
        ReasonCode.PolicyConfigError => "mend the documents; /healthz/ready lists their problems",
        ReasonCode.Deadline => "ask again with a longer deadline",
        ReasonCode.KeyUnavailable => "make the key service answer, or put the public key's PEM into the attestor",
        _ => "make the source of the evidence answer, then ask again",
    };

    /// <summary>The binding, for whoever looks after the attestor: by the API, or in the access file.</summary>
    private static string Grant(AttestorName attestor, string member) =>
        $"gcloud container binauthz attestors add-iam-policy-binding {attestor.Id} --project={attestor.Project} --member={member} --role={Roles.AttestorsVerifier}"
        + $"; or in the access file: bindings: [{{role: {Roles.AttestorsVerifier}, members: [\"{member}\"], resources: [\"{attestor}\"]}}]";

    /// <summary>Ready for a shell: payload, signature, occurrence; or, for an attestor that takes no occurrences, what cosign does in one step.</summary>
    private static string Commands(Selection selection, RequiredAttestor required)
    {
        if (required.TakesRegistry && !required.TakesOccurrences && selection.Request.Image is { Digest: { } beside, Name.Length: > 0 } image)
        {
            return RegistryReasons.IsAsked(selection)
                ? $"cosign sign --key KEY {image.Name}@{beside}"
                : $"list the image's registry under `registries` in options.yaml, then cosign sign --key KEY {image.Name}@{beside}";
        }

        var key = required.Attestor!.Keys.FirstOrDefault(candidate => candidate.Key is not null);
        if (key is null || selection.Request.Image.Digest is not { } digest)
        {
            return $"sign the image's payload with a key of {required.Name}";
        }

        var name = selection.Request.Image.Name is { Length: > 0 } repository ? repository : "<repository>";
        return $"""
            policyctl payload {name}@{digest} > payload.json
            {Sign(key.Key!)}
            printf '%s\n' 'kind: ATTESTATION' 'noteName: {required.Attestor.Note}' 'resourceUri: https://{name}@{digest}' "createTime: '$(date -u +%FT%TZ)'" 'attestation:' "  serializedPayload: $(base64 -w0 payload.json)" '  signatures:' {Quote($"  - publicKeyId: \"{key.Id}\"")} "    signature: $(base64 -w0 signature.bin)" > attestations/{required.Name.Id}-{digest.Hex[..12]}.yaml
            """;
    }

    private static string Sign(VerificationKey key) => key is PublicKey pkix
        ? Sign(pkix.Algorithm)
        : $"gpg --local-user {key.DefaultId} --armor --output signature.bin --sign payload.json";

    private static string Sign(SignatureAlgorithm algorithm)
    {
        var name = SignatureAlgorithms.Name(algorithm);
        if (algorithm is SignatureAlgorithm.Ed25519)
        {
            return "openssl pkeyutl -sign -rawin -inkey KEY.pem -in payload.json -out signature.bin";
        }

        var hash = name.EndsWith("SHA512", StringComparison.Ordinal) ? "sha512" : name.EndsWith("SHA384", StringComparison.Ordinal) ? "sha384" : "sha256";
        var padding = name.Contains("PSS", StringComparison.Ordinal) ? " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest" : "";
        return $"openssl dgst -{hash} -sign KEY.pem{padding} -out signature.bin payload.json";
    }

    /// <summary>A shell word. Key ids may hold quotes, and a remedy is pasted into a shell.</summary>
    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
