using System.Diagnostics.CodeAnalysis;
using System.Text;
using PolicyService.Cli.Inputs;
using PolicyService.Core.Attestors;

namespace PolicyService.Cli.Registries;

/// <summary>A public key that signatures are tried with.</summary>
/// <param name="File">Where it was read.</param>
/// <param name="Key">The key, under one algorithm.</param>
internal sealed record SigningKey(string File, PublicKey Key)
{
    /// <summary>Most bytes of a key file; the largest key that is taken has well under a thousand.</summary>
    private const int KeyBytes = 64 * 1024;

    /// <summary>What cosign signs with, by the key.</summary>
    private static readonly SignatureAlgorithm[] OfCosign =
    [
        SignatureAlgorithm.EcdsaP256Sha256, SignatureAlgorithm.EcdsaP384Sha384, SignatureAlgorithm.EcdsaP521Sha512, SignatureAlgorithm.Ed25519,
        SignatureAlgorithm.RsaPkcs1With2048Sha256, SignatureAlgorithm.RsaPkcs1With3072Sha256, SignatureAlgorithm.RsaPkcs1With4096Sha256,
    ];

    /// <param name="file">One PEM block.</param>
    /// <param name="algorithm">What it signs with; unspecified: what cosign does.</param>
    /// <param name="key">The key.</param>
    /// <param name="problem">Why there is none.</param>
    public static bool TryRead(string file, SignatureAlgorithm algorithm, [NotNullWhen(true)] out SigningKey? key, [NotNullWhen(false)] out string? problem)
    {
        key = null;
        if (!InputFile.TryRead(file, null, KeyBytes, out var content, out problem))
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(content);
        foreach (var candidate in algorithm is SignatureAlgorithm.Unspecified ? OfCosign : [algorithm])
        {
            if (PublicKey.TryReadPem(text, candidate, out var read, out problem))
            {
                key = new SigningKey(file, read);
                return true;
            }
        }

        problem = algorithm is SignatureAlgorithm.Unspecified
            ? $"`{file}` is no public key that cosign signs with: give one PEM block PUBLIC KEY of P-256, P-384, P-521, Ed25519 or RSA, or say --algorithm"
            : $"`{file}` is not usable under {SignatureAlgorithms.Name(algorithm)}: {problem}";
        return false;
    }
}
