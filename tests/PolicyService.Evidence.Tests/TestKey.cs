using System.Security.Cryptography;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Tests;

/// <summary>A P-256 key with the attestations it makes.</summary>
internal sealed class TestKey
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestKey()
    {
        Assert.True(PublicKey.TryReadPem(_key.ExportSubjectPublicKeyInfoPem(), SignatureAlgorithm.EcdsaP256Sha256, out var key, out var problem), problem);
        Public = key;
    }

    public PublicKey Public { get; }

    public KeyId Id => Public.DefaultId;

    public byte[] Sign(byte[] payload) => _key.SignData(payload, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>A signature of this key that verifies; <paramref name="flipped"/> with one bit changed.</summary>
    public AttestationSignature Signature(byte[] payload, bool flipped = false)
    {
        var signature = Sign(payload);
        signature[^1] ^= (byte)(flipped ? 1 : 0);
        return new AttestationSignature(Id, signature);
    }
}

/// <summary>Attestations as sources give them.</summary>
internal static class Attestations
{
    public static readonly Digest Image = Digest.Of("image"u8);

    public static readonly byte[] Payload = SimpleSigningPayload.Write("a.test/i", Image);

    public static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    public static NoteName Note(string id = "qa") => NoteName.TryParse($"projects/acme/notes/{id}", out var note) ? note : throw new ArgumentException(id);

    public static KeyId KeyId(string text) => Core.Attestors.KeyId.TryParse(text, out var id) ? id : throw new ArgumentException(text);

    public static Attestation Of(byte[] payload, params AttestationSignature[] signatures) => Of(EvidenceSource.Grafeas, payload, Start, signatures);

    public static Attestation Of(EvidenceSource source, byte[] payload, DateTimeOffset? seen, params AttestationSignature[] signatures) =>
        new(payload, signatures) { Source = source, Note = Note(), ResourceDigest = source is EvidenceSource.Grafeas ? Image : null, FirstSeen = seen };

    /// <summary>Bytes that are no signature, each number its own: they are refused before any arithmetic.</summary>
    public static AttestationSignature Garbage(KeyId key, int number) => new(key, BitConverter.GetBytes(number));
}
