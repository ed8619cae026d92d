using Org.BouncyCastle.Math.EC.Rfc8032;

namespace PolicyService.Core.Verification;

/// <summary>Ed25519 (RFC 8032), which the base library lacks.</summary>
public static class Ed25519Signature
{
    /// <summary>
    /// The point of a key; null unless it is canonical, on the curve and of the full prime order. Under a key of small order one
    /// signature fits many messages; no honest key has a part of small order.
    /// </summary>
    public static Ed25519.PublicPoint? ReadKey(ReadOnlySpan<byte> key) =>
        key.Length == Ed25519.PublicKeySize ? Ed25519.ValidatePublicKeyFullExport(key) : null;

    public static bool Verify(Ed25519.PublicPoint key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == Ed25519.SignatureSize && Ed25519.Verify(signature, key, data);
}
