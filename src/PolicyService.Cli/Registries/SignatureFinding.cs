using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Registries;

namespace PolicyService.Cli.Registries;

/// <summary>What one thing that was signed beside an image is worth.</summary>
/// <param name="Place">The manifest it was found in.</param>
/// <param name="Format">How it is signed: <c>simple signing</c> or <c>DSSE</c>.</param>
/// <param name="PredicateType">What kind of statement it is; empty: simple signing, or nothing that is read.</param>
/// <param name="By">The key that made it; null: none of those given.</param>
/// <param name="Problem">Why it is no signature of the image all the same; null: it is one.</param>
internal sealed record SignatureFinding(string Place, string Format, string PredicateType, SigningKey? By, string? Problem)
{
    public const string SimpleSigning = "simple signing";
    public const string Dsse = "DSSE";

    /// <summary>Said of what no given key made. Who is in a certificate is not looked at.</summary>
    public const string NotMade = "no given key made it; keyless certificates are not verified yet";

    /// <summary>It is the key's own word for the image.</summary>
    public bool IsVerified => By is not null && Problem is null;

    /// <summary>Whether it vouches for the image as cosign signs, rather than saying something about it.</summary>
    public bool IsSignature => Format == SimpleSigning || PredicateType == InTotoStatement.CosignSignature;

    /// <summary>Tries every key with every signature of one entry.</summary>
    public static SignatureFinding Of(RegistrySignature entry, Digest digest, IReadOnlyList<SigningKey> keys)
    {
        var attestation = entry.Attestation;
        if (attestation.Signatures[0].Format is SignatureFormat.Dsse)
        {
            return OfStatement(attestation.Name, attestation.Payload.Span, [.. attestation.Signatures.Select(signature => signature.Value.ToArray())], digest, keys);
        }

        foreach (var key in keys)
        {
            foreach (var signature in attestation.Signatures)
            {
                switch (AttestationVerifier.VerifySignature(key.Key, attestation, signature))
                {
                    case VerificationResult.Verified { Payload: var payload }:
                        return new SignatureFinding(attestation.Name, SimpleSigning, "", key, ProblemOf(payload, digest));
                    case VerificationResult.Rejected { Reason: not RejectionReason.SignatureInvalid } rejected:
                        return new SignatureFinding(attestation.Name, SimpleSigning, "", key, rejected.Explanation);
                }
            }
        }

        return new SignatureFinding(attestation.Name, SimpleSigning, "", null, NotMade);
    }

    /// <summary>A statement, with its signatures over the encoding of payload and type.</summary>
    public static SignatureFinding OfStatement(string place, ReadOnlySpan<byte> payload, IReadOnlyList<byte[]> signatures, Digest digest, IReadOnlyList<SigningKey> keys)
    {
        var encoded = DssePae.Encode(DsseEnvelope.InTotoType, payload);
        var by = keys.FirstOrDefault(key => signatures.Any(signature => key.Key.Verify(encoded, signature)));
        if (!InTotoStatement.TryParse(payload, out var statement, out var problem))
        {
            return new SignatureFinding(place, Dsse, "", by, by is null ? NotMade : problem);
        }

        // Of what nobody verified the type is a claim; the output says so.
        problem = by is null ? NotMade
            : !statement.Subjects.Any(subject => subject.Digest == digest) ? $"it is about other things than {digest}"
            // As strict as the service is with what vouches for an image.
            : statement.PredicateType == InTotoStatement.CosignSignature && !statement.TryReadSignature(out _, out var why) ? why
            : null;
        return new SignatureFinding(place, Dsse, statement.PredicateType, by, problem);
    }

    private static string? ProblemOf(SimpleSigningPayload payload, Digest digest) =>
        payload.Type is not SimpleSigningType.Cosign ? "what was signed is of another type than cosign's"
        : payload.Digest != digest ? $"what was signed is about {payload.Digest}"
        : null;
}
