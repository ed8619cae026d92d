using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace PolicyService.Core.Attestations;

/// <summary>
/// A Sigstore bundle as JSON, v0.1 to v0.3, of which the DSSE envelope is read. Its verification material, certificates and entries of
/// logs among them, is passed over and trusted for nothing: keys come from attestors alone.
/// </summary>
public sealed record SigstoreBundle
{
    /// <summary>What the media type of every bundle begins with, in registries as in bundles.</summary>
    public const string MediaTypePrefix = "application/vnd.dev.sigstore.bundle";

    private static readonly string[] MediaTypes =
    [
        MediaTypePrefix + "+json;version=0.1", MediaTypePrefix + "+json;version=0.2", MediaTypePrefix + "+json;version=0.3",
        MediaTypePrefix + ".v0.1+json", MediaTypePrefix + ".v0.2+json", MediaTypePrefix + ".v0.3+json",
    ];

    private SigstoreBundle()
    {
    }

    /// <summary>Null: it holds the signature of a message, which is not read yet, or an envelope of what is no in-toto statement.</summary>
    public required DsseEnvelope? Envelope { get; init; }

    /// <summary>Why there is no <see cref="Envelope"/>.</summary>
    public required string? EnvelopeProblem { get; init; }

    /// <summary>The envelope exceeds the limit: what it says is unknown.</summary>
    public required bool IsTooLarge { get; init; }

    /// <summary>Whether a layer or an artifact of this media type may be a bundle that is read here.</summary>
    public static bool IsMediaType(string mediaType) => MediaTypes.Contains(mediaType);

    /// <summary>
    /// Reads a bundle of up to <see cref="Limits.BundleBytes"/>. Nothing of its verification material is kept or allocated, however large.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out SigstoreBundle? bundle, [NotNullWhen(false)] out string? problem)
    {
        bundle = null;
        if (json.Length > Limits.BundleBytes)
        {
            problem = "the bundle is larger than 16 MiB";
            return false;
        }

        if (!Utf8.IsValid(json))
        {
            problem = "the bundle is not UTF-8";
            return false;
        }

        try
        {
            problem = Read(json, out bundle);
        }
        catch (JsonException)
        {
            problem = $"the bundle is not strict JSON: one value, no byte order mark, no comments, at most {Limits.Depth} levels";
        }
        catch (InvalidOperationException)
        {
            problem = "the bundle has half of a surrogate pair in a string"; // the reader says so only when asked for the text
        }

        bundle = problem is null ? bundle : null;
        return bundle is not null;
    }

    private static string? Read(ReadOnlySpan<byte> json, out SigstoreBundle? bundle)
    {
        bundle = null;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Limits.Depth });
        reader.Read();
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            return "the bundle is not an object";
        }

        string? mediaType = null;
        var (hasMaterial, hasMessage) = (false, false);
        ReadOnlySpan<byte> envelope = default;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var (isType, isMaterial, isMessage, isEnvelope) = (
                reader.ValueTextEquals("mediaType"u8), reader.ValueTextEquals("verificationMaterial"u8), reader.ValueTextEquals("messageSignature"u8), reader.ValueTextEquals("dsseEnvelope"u8));
            if (!isType && !isMaterial && !isMessage && !isEnvelope)
            {
                return "the bundle has a field that no bundle has";
            }

            if ((isType && mediaType is not null) || (isMaterial && hasMaterial) || (isMessage && hasMessage) || (isEnvelope && !envelope.IsEmpty))
            {
                return "the bundle has a field twice";
            }

            (hasMaterial, hasMessage) = (hasMaterial || isMaterial, hasMessage || isMessage);
            reader.Read();
            if (isType)
            {
                mediaType = reader.TokenType is JsonTokenType.String ? reader.GetString()! : "";
            }
            else if (reader.TokenType is not JsonTokenType.StartObject)
            {
                return "a field of the bundle is no object";
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            envelope = isEnvelope ? json[start..(int)reader.BytesConsumed] : envelope;
        }

        // To the end: whatever follows the object makes it something else.
        while (reader.Read())
        {
        }

        return mediaType is null || !MediaTypes.Contains(mediaType) ? "the bundle's `mediaType` is of no bundle from v0.1 to v0.3"
            : hasMessage != envelope.IsEmpty ? "the bundle has not exactly one of `dsseEnvelope` and `messageSignature`"
            : ReadEnvelope(envelope, out bundle);
    }

    private static string? ReadEnvelope(ReadOnlySpan<byte> json, out SigstoreBundle? bundle)
    {
        var (envelope, problem) = json.IsEmpty ? (null, "signatures of messages are not read yet")
            : DsseEnvelope.TryParse(json, out var parsed, out var why) ? (parsed, null)
            : ((DsseEnvelope?)null, why);
        bundle = new SigstoreBundle { Envelope = envelope, EnvelopeProblem = problem, IsTooLarge = json.Length > Limits.EnvelopeBytes };
        return null;
    }
}
