using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using PolicyService.Cli.Attestations;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;
using PolicyService.Core;
using PolicyService.Core.Attestors;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl verify attestation</c>: one signature, one payload, one key, one image; files in, an exit code out.</summary>
internal sealed class VerifyVerb(Terminal terminal)
{
    private const string Pgp = "PGP";

    /// <summary>Most bytes of a key file; the largest key that is taken has well under a thousand.</summary>
    private const int KeyBytes = 64 * 1024;

    private readonly Option<string> _image = new("--image") { Required = true, HelpName = "REF", Description = "The image by digest" };
    private readonly Option<string> _key = new("--public-key") { Required = true, HelpName = "FILE", Description = "The public key in PEM, or an armored PGP key block" };
    private readonly Option<string> _algorithm = new("--algorithm") { Required = true, HelpName = "ALG", Description = "What the key signs with, e.g. ECDSA_P256_SHA256, RSA_SIGN_PKCS1_3072_SHA256, ED25519 or PGP" };
    private readonly Option<string> _payload = new("--payload") { Required = true, HelpName = "FILE", Description = "What was signed, as `policyctl payload` prints it" };
    private readonly Option<string> _signature = new("--signature") { Required = true, HelpName = "FILE", Description = "The signature, its bytes and no text form of them" };

    public static Command Create(Terminal terminal) => new Verb(
        "verify",
        "Verifies signatures, without a server.",
        """
        policyctl verify attestation --image registry.example.com/shop/web@sha256:0d4b…c81a \
          --public-key key.pub --algorithm ECDSA_P256_SHA256 --payload payload.json --signature signature.bin
        """)
    {
        new VerifyVerb(terminal).Build(),
        VerifyImageVerb.Create(terminal),
    };

    private Verb Build()
    {
        var verb = new Verb(
            "attestation",
            "Verifies that a signature of a payload vouches for an image.",
            """
            policyctl verify attestation --image registry.example.com/shop/web@sha256:0d4b…c81a \
              --public-key key.pub --algorithm ECDSA_P256_SHA256 --payload payload.json --signature signature.bin
            """)
        {
            ExitCodes = """
            0  verified
            1  refused: the signature does not verify, or what it signs does not vouch for the image
            2  wrong usage or unusable input
            3  stdout could not be written
            """,
        };
        foreach (var option in new Option[] { _image, _key, _algorithm, _payload, _signature })
        {
            verb.Add(option);
        }

        _algorithm.CompletionSources.Add([.. Enum.GetValues<SignatureAlgorithm>().Where(algorithm => algorithm is not SignatureAlgorithm.Unspecified).Select(SignatureAlgorithms.Name)]);
        verb.SetAction(Run);
        return verb;
    }

    private int Run(ParseResult parsed)
    {
        if (!TryRead(parsed, out var question, out var problem))
        {
            terminal.Say(problem);
            return ExitCodes.Usage;
        }

        if (question.Refusal() is { } refusal)
        {
            terminal.Say($"refused: {refusal}");
            return ExitCodes.Denied;
        }

        terminal.Text.WriteLine($"verified: {question.Digest} is vouched for by the key {question.Key.DefaultId}");
        return ExitCodes.Admitted;
    }

    private bool TryRead(ParseResult parsed, [NotNullWhen(true)] out AttestationQuestion? question, [NotNullWhen(false)] out string? problem)
    {
        question = null;
        if (!ImageArgument.TryParse(parsed.GetRequiredValue(_image), out _, out var digest, out problem))
        {
            problem = $"--image: {problem}";
            return false;
        }

        if (!TryReadKey(parsed, out var key, out problem)
            || !TryReadFile(parsed, _payload, Limits.PayloadBytes, out var payload, out problem)
            || !TryReadFile(parsed, _signature, Limits.SignatureBytes, out var signature, out problem))
        {
            return false;
        }

        question = new AttestationQuestion(digest, key, payload, signature, TimeProvider.System.GetUtcNow());
        return true;
    }

    private bool TryReadKey(ParseResult parsed, [NotNullWhen(true)] out VerificationKey? key, [NotNullWhen(false)] out string? problem)
    {
        key = null;
        var name = parsed.GetRequiredValue(_algorithm);
        var algorithm = SignatureAlgorithm.Unspecified;
        if (name != Pgp && !SignatureAlgorithms.TryParse(name, out algorithm))
        {
            problem = $"--algorithm: `{name}` is none: write a signatureAlgorithm as ECDSA_P256_SHA256, RSA_PSS_3072_SHA256, RSA_SIGN_PKCS1_3072_SHA256, ED25519 or PGP";
            return false;
        }

        if (!TryReadFile(parsed, _key, KeyBytes, out var content, out problem))
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(content);
        if (name == Pgp)
        {
            var reading = PgpKeyBlock.Read(text);
            (key, problem) = (reading.Key, reading.Problem);
        }
        else
        {
            key = PublicKey.TryReadPem(text, algorithm, out var pkix, out problem) ? pkix : null;
        }

        if (key is null)
        {
            problem = $"{_key.Name}: `{parsed.GetValue(_key)}` is not usable under {name}: {problem}";
            return false;
        }

        problem = null;
        return true;
    }

    private static bool TryReadFile(ParseResult parsed, Option<string> option, int limit, [NotNullWhen(true)] out byte[]? content, [NotNullWhen(false)] out string? problem)
    {
        if (InputFile.TryRead(parsed.GetRequiredValue(option), null, limit, out content, out problem))
        {
            return true;
        }

        problem = $"{option.Name}: {problem}";
        return false;
    }
}
