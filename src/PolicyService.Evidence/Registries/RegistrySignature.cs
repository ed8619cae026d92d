using System.Security.Cryptography;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// One thing that was signed beside an image, cut down to what an attestation is made of: a simple-signing payload with a signature, or
/// the payload of a DSSE envelope with its signatures. Nothing in it is verified.
/// </summary>
public sealed class RegistrySignature
{
    private const string SimpleSigning = "simplesigning";
    private const string Dsse = "dsse";

    /// <summary>Longest name that is kept: a repository with a digest fits.</summary>
    private const int MaxName = Limits.LongStringBytes + 128;

    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };

    private int _isOffered;

    private RegistrySignature(byte[] content, Attestation attestation)
    {
        (Content, Attestation) = (content, attestation);
        Identity = Convert.ToHexStringLower(SHA256.HashData(content));
    }

    /// <summary>JSON, always the same for the same attestation; what caches and the archive keep.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>SHA-256 of the content.</summary>
    public string Identity { get; }

    /// <summary>Its signatures name no keys; its name says which manifest they were found in.</summary>
    public Attestation Attestation { get; }

    /// <summary>True once only: whoever gets it offers it to the archive.</summary>
    public bool TryOffer() => Volatile.Read(ref _isOffered) == 0 && Interlocked.Exchange(ref _isOffered, 1) == 0;

    /// <summary>Reads what was kept, within the same limits. Which image it is about, its signed payload says.</summary>
    /// <param name="content">As <see cref="Content"/> was.</param>
    /// <param name="digest">The image beside which it lay.</param>
    /// <returns>Null: it is nothing that was kept by this version.</returns>
    public static RegistrySignature? ReadKept(ReadOnlyMemory<byte> content, Digest digest)
    {
        try
        {
            using var document = JsonDocument.Parse(content, Reading);
            return Read(document.RootElement, digest);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            // Text that is none is found only when it is asked for.
            return null;
        }
    }

    /// <param name="name">The manifest it was found in: <c>registry.example.com/acme/api@sha256:…</c>.</param>
    /// <param name="digest">The image beside which it lay.</param>
    /// <param name="format">What the signatures cover.</param>
    /// <param name="payload">What was signed, within the limit.</param>
    /// <param name="signatures">At least one, each within the limit.</param>
    internal static RegistrySignature Of(string name, Digest digest, SignatureFormat format, byte[] payload, IReadOnlyList<byte[]> signatures)
    {
        var attestation = new Attestation(payload, [.. signatures.Select(value => new AttestationSignature(null, value, format))])
        {
            Source = EvidenceSource.Registry,
            Name = name,
            ResourceDigest = digest,
        };
        return new RegistrySignature(Write(attestation, format), attestation);
    }

    private static RegistrySignature? Read(JsonElement root, Digest digest)
    {
        if (root.ValueKind is not JsonValueKind.Object || root.GetPropertyCount() != 4
            || !root.TryGetProperty("name", out var name) || name.GetString() is not { Length: <= MaxName } text
            || !root.TryGetProperty("format", out var format) || FormatOf(format.GetString()) is not { } known
            || !root.TryGetProperty("payload", out var payload) || !payload.TryGetBytesFromBase64(out var signed) || signed.Length > Limits.PayloadBytes
            || !root.TryGetProperty("signatures", out var list) || list.GetArrayLength() is 0 or > Limits.SignaturesPerDigest)
        {
            return null;
        }

        var signatures = list.EnumerateArray().Select(item => item.GetBytesFromBase64()).ToArray();
        return signatures.All(signature => signature.Length is > 0 and <= Limits.SignatureBytes) ? Of(text, digest, known, signed, signatures) : null;
    }

    private static SignatureFormat? FormatOf(string? name) => name switch
    {
        SimpleSigning => SignatureFormat.OverPayload,
        Dsse => SignatureFormat.Dsse,
        _ => null,
    };

    private static byte[] Write(Attestation attestation, SignatureFormat format)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("name", attestation.Name);
            writer.WriteString("format", format is SignatureFormat.Dsse ? Dsse : SimpleSigning);
            writer.WriteBase64String("payload", attestation.Payload.Span);
            writer.WriteStartArray("signatures");
            foreach (var signature in attestation.Signatures)
            {
                writer.WriteBase64StringValue(signature.Value.Span);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
