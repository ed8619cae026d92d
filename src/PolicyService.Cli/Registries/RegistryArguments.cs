using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using PolicyService.Cli.Inputs;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;

namespace PolicyService.Cli.Registries;

/// <summary>What is asked of a registry about one image.</summary>
/// <param name="Image">By tag or by digest.</param>
/// <param name="Repository">Where it lies, and how that is asked.</param>
/// <param name="Keys">What signatures are tried with.</param>
/// <param name="Settings">What is brought to the registry.</param>
internal sealed record RegistryTask(ImageReference Image, RegistryRepository Repository, IReadOnlyList<SigningKey> Keys, RegistrySettings Settings);

/// <summary>The arguments of the verbs that ask a registry about an image.</summary>
internal sealed class RegistryArguments
{
    /// <summary>Keys of one run; each is tried with every signature.</summary>
    private const int MaxKeys = 20;

    private readonly Argument<string> _image = new("REF") { Description = "The image by tag or by digest: registry/repository:tag" };
    private readonly Option<string[]> _keys;
    private readonly Option<string?> _algorithm = new("--algorithm") { HelpName = "ALG", Description = "What the keys sign with, e.g. RSA_PSS_3072_SHA256; by default what cosign does" };
    private readonly Option<string?> _dockerConfig = new("--docker-config") { HelpName = "FILE", Description = "Credentials as docker keeps them; by default $DOCKER_CONFIG/config.json or ~/.docker/config.json" };
    private readonly Option<string?> _ca = new("--ca") { HelpName = "FILE", Description = "Authorities in PEM that the registry's certificate may come from, beside the system's" };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "Ask the registry over plain HTTP" };
    private readonly Option<string[]> _privateHosts = new("--private-host") { HelpName = "HOST", Description = "Host with a private address that the registry may send us to; may be repeated" };
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "text|json", Description = "For people, or for programs", DefaultValueFactory = _ => "text" };

    /// <param name="needsKey">Without a key there is nothing to do.</param>
    public RegistryArguments(bool needsKey)
    {
        _keys = new Option<string[]>("--key") { Required = needsKey, HelpName = "FILE", Description = "Public key in PEM that signatures are tried with; may be repeated" };
        _algorithm.CompletionSources.Add([.. Enum.GetValues<SignatureAlgorithm>().Where(algorithm => algorithm is not SignatureAlgorithm.Unspecified).Select(SignatureAlgorithms.Name)]);
        _output.OneOf("text", "json");
        _image.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith('-')))
            {
                result.AddError($"there is no option `{token.Value}`");
            }
        });
    }

    public void AddTo(Command verb)
    {
        verb.Add(_image);
        foreach (var option in new Option[] { _keys, _algorithm, _dockerConfig, _ca, _insecure, _privateHosts, _output })
        {
            verb.Add(option);
        }
    }

    public bool IsJson(ParseResult parsed) => parsed.GetRequiredValue(_output) == "json";

    public bool TryRead(ParseResult parsed, [NotNullWhen(true)] out RegistryTask? task, [NotNullWhen(false)] out string? problem)
    {
        task = null;
        return TryReadImage(parsed, out var image, out problem)
            && TryReadHosts(parsed, out var privateHosts, out problem)
            && TryReadFiles(parsed, out problem)
            && TryReadKeys(parsed, out var keys, out problem)
            && (task = Task(parsed, image, privateHosts, keys)) is not null;
    }

    private RegistryTask Task(ParseResult parsed, ImageReference image, List<string> privateHosts, List<SigningKey> keys)
    {
        var slash = image.Name.IndexOf('/', StringComparison.Ordinal);
        var registry = new RegistryOptions(image.Name[..slash], parsed.GetValue(_insecure), [], RegistryCredentials.DockerConfig, privateHosts);
        var settings = new RegistrySettings { DockerConfigFile = parsed.GetValue(_dockerConfig), CaFile = parsed.GetValue(_ca) };
        return new RegistryTask(image, new RegistryRepository(registry, image.Name[(slash + 1)..]), keys, settings);
    }

    private bool TryReadImage(ParseResult parsed, [NotNullWhen(true)] out ImageReference? image, [NotNullWhen(false)] out string? problem)
    {
        var text = parsed.GetRequiredValue(_image);
        if (!ImageReference.TryParse(text, out image, out problem))
        {
            problem = $"`{text}` is not an image: {problem}";
            return false;
        }

        problem = image.Name.Length == 0 ? $"`{text}` names no repository: write registry/repository@{text}"
            : image.HasUnusableDigest ? $"the digest of `{text}` is no sha256: write one, or a tag alone"
            : image.Digest is null && image.Tag is null ? $"`{text}` has no tag and no digest: write the tag, `latest` is not added"
            : !RegistryOptions.TryParseHost(image.Name[..image.Name.IndexOf('/', StringComparison.Ordinal)], out _) ? $"`{text}` lies at no host that can be asked: write registry.example.com or 10.0.0.1:5000"
            : null;
        return problem is null;
    }

    private bool TryReadHosts(ParseResult parsed, out List<string> hosts, [NotNullWhen(false)] out string? problem)
    {
        (hosts, problem) = ([], null);
        foreach (var text in parsed.GetValue(_privateHosts) ?? [])
        {
            if (!RegistryOptions.TryParseHost(text, out var host))
            {
                problem = $"--private-host: `{text}` is no host as images have it: write registry.example.com or 10.0.0.1:5000";
                return false;
            }

            hosts.Add(host);
        }

        return true;
    }

    /// <summary>A file that is named and not there would else be passed over in silence, or look like a registry that fails.</summary>
    private bool TryReadFiles(ParseResult parsed, [NotNullWhen(false)] out string? problem)
    {
        foreach (var option in new[] { _dockerConfig, _ca })
        {
            if (parsed.GetValue(option) is { } file && !InputFile.TryRead(file, null, Core.Limits.CredentialFileBytes, out _, out problem))
            {
                problem = $"{option.Name}: {problem}";
                return false;
            }
        }

        problem = null;
        return true;
    }

    private bool TryReadKeys(ParseResult parsed, out List<SigningKey> keys, [NotNullWhen(false)] out string? problem)
    {
        (keys, problem) = ([], null);
        var algorithm = SignatureAlgorithm.Unspecified;
        if (parsed.GetValue(_algorithm) is { } name && !SignatureAlgorithms.TryParse(name, out algorithm))
        {
            problem = $"--algorithm: `{name}` is none: write a signatureAlgorithm as ECDSA_P256_SHA256, RSA_PSS_3072_SHA256, RSA_SIGN_PKCS1_3072_SHA256 or ED25519";
            return false;
        }

        foreach (var file in parsed.GetValue(_keys) ?? [])
        {
            if (!SigningKey.TryRead(file, algorithm, out var key, out problem))
            {
                problem = $"--key: {problem}";
                return false;
            }

            keys.Add(key);
        }

        problem = keys.Count > MaxKeys ? $"--key: at most {MaxKeys} of them" : null;
        return problem is null;
    }
}
