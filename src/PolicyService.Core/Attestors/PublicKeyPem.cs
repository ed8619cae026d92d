using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace PolicyService.Core.Attestors;

/// <summary>
/// The text form of a public key: one PEM block <c>PUBLIC KEY</c> and nothing else. Where a file holds more than one thing,
/// two readers can take two different keys from it. Problems never repeat the text: it may hold a secret.
/// </summary>
internal static class PublicKeyPem
{
    private const string Begin = "-----BEGIN ";
    private const string Label = "PUBLIC KEY";

    public static bool TryDecode(string? text, [NotNullWhen(true)] out byte[]? der, [NotNullWhen(false)] out string? problem)
    {
        der = null;
        var pem = text.AsSpan().Trim();
        problem = ProblemWithBlocks(pem);
        if (problem is not null)
        {
            return false;
        }

        // With one block this search is linear; the label and the whole length are checked because it also skips over text.
        if (!PemEncoding.TryFind(pem, out var fields) || pem[fields.Location].Length != pem.Length || !pem[fields.Label].SequenceEqual(Label))
        {
            problem = "the text is not exactly one PEM block `PUBLIC KEY`; "
                + "remove what stands around it, or export the key again with `openssl pkey -pubout`";
            return false;
        }

        der = Convert.FromBase64String(pem[fields.Base64Data].ToString());
        return true;
    }

    private static string? ProblemWithBlocks(ReadOnlySpan<char> pem)
    {
        if (pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            return "the text holds a private key; remove it, replace that key if anyone else could read it, "
                + "and give its public half (`openssl pkey -pubout`)";
        }

        return pem.Count(Begin) switch
        {
            0 => "the text holds no PEM block; give a block that starts with `-----BEGIN PUBLIC KEY-----`",
            > 1 => "the text holds more than one PEM block; give each key by itself",
            _ when pem.Contains("CERTIFICATE", StringComparison.Ordinal) =>
                "a certificate is not a public key; take the key out of it (`openssl x509 -pubkey -noout`)",
            _ when pem.StartsWith("-----BEGIN RSA PUBLIC KEY-----") =>
                "the block is a PKCS#1 `RSA PUBLIC KEY`; convert it to `PUBLIC KEY` (`openssl rsa -RSAPublicKey_in -pubout`)",
            _ when pem.StartsWith("-----BEGIN PGP ") => "a PGP key is not a PKIX key; give it as `asciiArmoredPgpPublicKey`",
            _ => null,
        };
    }
}
