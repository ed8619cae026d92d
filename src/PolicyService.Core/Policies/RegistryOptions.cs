using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Where the credentials for a registry come from.</summary>
public enum RegistryCredentials
{
    /// <summary>None are sent.</summary>
    None = 0,

    /// <summary>The service's docker config file and the credential helpers it names.</summary>
    DockerConfig,

    /// <summary>The service's Google credentials; they go to Google's registries alone.</summary>
    Google,

    /// <summary>The service's AWS credentials; they go to ECR alone.</summary>
    Ecr,

    /// <summary>The service's Azure credentials; they go to ACR alone.</summary>
    Acr,
}

/// <summary>A registry that evidence may be fetched from. Two that say the same are equal.</summary>
public sealed record RegistryOptions
{
    /// <param name="host">As normalised image names have it.</param>
    /// <param name="isInsecure">Plain HTTP.</param>
    /// <param name="mirrors">Hosts that hold the same, asked before it.</param>
    /// <param name="credentials">Where its credentials come from.</param>
    /// <param name="privateHosts">Hosts at private addresses that it may send us to.</param>
    public RegistryOptions(string host, bool isInsecure, IReadOnlyList<string> mirrors, RegistryCredentials credentials, IReadOnlyList<string> privateHosts)
    {
        (Host, IsInsecure, Mirrors, Credentials, PrivateHosts) = (host, isInsecure, mirrors, credentials, privateHosts);
        // Hosts hold neither spaces nor commas.
        Configuration = $"{host} insecure={isInsecure} mirrors={string.Join(',', mirrors)} credentials={credentials} private={string.Join(',', privateHosts)}";
    }

    /// <summary>Host as normalised image names have it, with the port if it has one: <c>docker.io</c>, <c>registry.example.com:5000</c>.</summary>
    public string Host { get; }

    /// <summary>Plain HTTP, for it and its mirrors.</summary>
    public bool IsInsecure { get; }

    /// <summary>Hosts that hold the same; asked first, in this order. What they do not have, the host itself is asked for.</summary>
    public IReadOnlyList<string> Mirrors { get; }

    public RegistryCredentials Credentials { get; }

    /// <summary>
    /// Hosts that the registry's realm and its redirections may lead to although they have private or link-local addresses; with a port,
    /// that port alone.
    /// </summary>
    public IReadOnlyList<string> PrivateHosts { get; }

    /// <summary>All of it as text: answers of one configuration are never another's.</summary>
    public string Configuration { get; }

    public bool Equals(RegistryOptions? other) => other is not null && other.Configuration == Configuration;

    public override int GetHashCode() => Configuration.GetHashCode(StringComparison.Ordinal);

    /// <summary>Reads a host as names of images have it: lower case, <c>index.docker.io</c> as <c>docker.io</c>.</summary>
    public static bool TryParseHost(string? text, [NotNullWhen(true)] out string? host)
    {
        // Whatever an image's name can begin with, and nothing else: a host that no image names would be a mistake.
        var valid = ImageReference.TryParse($"{text}/image", out var image) && image.Name.Length > 0 && ReferenceGrammar.NamesHost(text);
        host = valid ? image!.Name[..image.Name.IndexOf('/')] : null;
        // The grammar takes ports and addresses that nobody can be asked at.
        return valid && text!.IndexOf('/') < 0 && Uri.TryCreate($"https://{host}/", UriKind.Absolute, out _);
    }
}
