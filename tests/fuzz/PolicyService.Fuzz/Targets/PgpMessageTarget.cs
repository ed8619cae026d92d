using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Fuzz.Targets;

/// <summary>
/// PGP messages, armored or binary, attached or detached: packets and armor say the same when written again, and none verifies without
/// one of the signatures that were made.
/// </summary>
internal static class PgpMessageTarget
{
    private static readonly Lazy<IReadOnlyList<PgpKey>> Keys = new(() => [.. Seed.Known("pgp-key").Select(PgpForm.Text).Select(text => PgpKeyBlock.Read(text).Key!)]);
    private static readonly Lazy<byte[]> Payload = new(() => Seed.Known("payload").Single());
    private static readonly Lazy<HashSet<string>> Made = new(() => [.. Seed.Known("pgp-message").SelectMany(Signatures)]);

    public static void Check(byte[] input)
    {
        var isTaken = PgpMessage.TryParse(input, out var message, out var problem);
        Finding.Unless(isTaken == (message is not null) && isTaken == (problem is null), "neither a message nor a problem, or both");
        PgpForm.Check(input);
        foreach (var key in Keys.Value)
        {
            if (PgpVerifier.TryVerify(key, input, Payload.Value, out var periods, out _))
            {
                Finding.Unless(periods.Count > 0, "a message verifies for no time");
                Finding.Unless(Signatures(input).Any(Made.Value.Contains), "a message verifies without a signature that was made");
                Finding.Unless(!PgpVerifier.TryVerify(key, input, Payload.Value.AsMemory(1), out _, out _), "a message verifies over another payload");
            }
        }
    }

    /// <summary>What each signature signs of itself, with its numbers. What is outside of that may differ, because it says nothing.</summary>
    private static IEnumerable<string> Signatures(byte[] input) => PgpMessage.TryParse(input, out var message, out _)
        ? message.Signatures.Select(part => PgpSignature.Read(part.Signature)).OfType<PgpSignature>()
            .Select(signature => $"{Convert.ToHexString(signature.Trailer.Span)} {string.Join(' ', signature.Numbers)}")
        : [];
}
