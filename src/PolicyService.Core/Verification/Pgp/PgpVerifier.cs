using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Attestations;
using static PolicyService.Core.Verification.VerificationResult;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// Verifies a PGP message over a payload with a key of the attestor. Of several signatures any one suffices; those of other keys,
/// and bad ones, neither help nor hurt.
/// </summary>
internal static class PgpVerifier
{
    public static VerificationResult Verify(PgpKey key, Attestation attestation, AttestationSignature signature)
    {
        if (!TryVerify(key, signature.Value, attestation.Payload, out var periods, out var problem))
        {
            return new Rejected(RejectionReason.SignatureInvalid, problem);
        }

        return SimpleSigningPayload.TryParse(attestation.Payload.Span, out var payload, out problem)
            ? new Verified(payload) { Periods = periods }
            : new Rejected(RejectionReason.PayloadInvalid, problem);
    }

    /// <summary>When the good signatures of the message by the key hold, one period for each.</summary>
    internal static bool TryVerify(
        PgpKey key, ReadOnlyMemory<byte> value, ReadOnlyMemory<byte> payload, out IReadOnlyList<ValidityPeriod> periods, [NotNullWhen(false)] out string? problem)
    {
        periods = [];
        if (!PgpMessage.TryParse(value, out var message, out problem))
        {
            return false;
        }

        // What is judged is the payload; a message about anything else says nothing of it.
        if (message.IsAttached && !message.Literal.Span.SequenceEqual(payload.Span))
        {
            problem = "the message holds other data than the payload";
            return false;
        }

        var good = new List<ValidityPeriod>();
        foreach (var part in message.Signatures)
        {
            if (PgpSignature.Read(part.Signature) is { } made && SignerOf(key, made) is { } signer)
            {
                var refusal = Refusal(signer, made, part, payload);
                if (refusal is null)
                {
                    good.Add(PeriodOf(signer, made));
                }

                problem ??= refusal;
            }
        }

        periods = good;
        problem = good.Count > 0 ? null : problem ?? "no signature of the message is by the key";
        return problem is null;
    }

    private static PgpSigner? SignerOf(PgpKey key, PgpSignature signature)
    {
        foreach (var signer in key.Signers)
        {
            if (signature.IsIssuedBy(signer.Material))
            {
                return signer;
            }
        }

        return null;
    }

    /// <summary>Why a signature that names the signer does not count, at any time; null if it does.</summary>
    private static string? Refusal(PgpSigner signer, PgpSignature signature, PgpSignedPart part, ReadOnlyMemory<byte> payload) =>
        signer.Problem is { } problem ? $"the key that signed may not: {problem}"
        : signature.Type is not PgpSignatureType.BinaryDocument ? "the signature is not one over a binary document (sign without `--textmode`)"
        : !signature.HasStrongHash ? "the signature's hash is none of SHA-256, SHA-384 and SHA-512"
        : signature.Subpackets.Problem is { } flaw ? $"the signature is malformed: {flaw}"
        : !signature.Subpackets.HasOnlyIssuersUnhashed ? "the signature says more than its issuer outside its signed part"
        : signature.Created < signer.Material.Created ? "the signature is older than its key"
        : part.IsAnnounced && !Announces(part.Announcement.Span, signature, signer.Material) ? "the signature is not the one its message announces"
        : !signer.Material.Verify(signature, payload) ? "the signature does not verify"
        : null;

    /// <summary>Version 3: type, hash, key algorithm, key id, and whether another follows.</summary>
    private static bool Announces(ReadOnlySpan<byte> announcement, PgpSignature signature, PgpKeyMaterial key) =>
        announcement.Length == 13
        && announcement[0] == 3
        && announcement[1] == (byte)signature.Type
        && announcement[2] == signature.Trailer.Span[3]
        && announcement[3] == (byte)signature.KeyAlgorithm
        && announcement[4..12].SequenceEqual(key.Fingerprint.Span[^8..]);

    /// <summary>When the signature holds: after it was made, until it or its key expires. The clocks of signers are not exact.</summary>
    private static ValidityPeriod PeriodOf(PgpSigner signer, PgpSignature signature)
    {
        var period = signer.Period.Within(new ValidityPeriod(signature.Created, signature.Until));
        return period.From < period.Until ? period with { From = period.From.Subtract(Limits.ClockSkew) } : default;
    }
}
