using System.Collections.Frozen;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Linting;

/// <summary>
/// Registries where anybody can open an account and push. Whose an image is says the first part of its path there, so a pattern that
/// leaves that part open admits whatever an attacker pushes.
/// </summary>
internal static class PublicRegistries
{
    /// <summary>Pushing there needs no account: no name has an owner.</summary>
    private const string Anonymous = "ttl.sh";

    private static readonly FrozenSet<string> Hosts = new[]
    {
        "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "mirror.gcr.io",
        "ghcr.io", "docker.pkg.github.com", "registry.gitlab.com", "codeberg.org", "quay.io", "public.ecr.aws", Anonymous,
        "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "icr.io", "us.icr.io", "uk.icr.io", "de.icr.io", "au.icr.io", "jp.icr.io",
        "registry.digitalocean.com", "registry.fly.io", "registry.heroku.com", "docker.cloudsmith.io",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Regions before which stand: Artifact Registry, Oracle Cloud.</summary>
    private static readonly string[] Suffixes = ["-docker.pkg.dev", ".ocir.io"];

    /// <summary>Whether anybody can push to the host; <c>*</c> at its beginning stands for one part of the name.</summary>
    public static bool Contains(string host) => host.StartsWith('*')
        ? Hosts.Any(one => one.EndsWith(host[1..], StringComparison.OrdinalIgnoreCase))
            || Suffixes.Any(one => one.EndsWith(host[1..], StringComparison.OrdinalIgnoreCase) || host.EndsWith(one, StringComparison.OrdinalIgnoreCase))
        : WithoutPort(host) is var name && (Hosts.Contains(name) || Suffixes.Any(one => name.EndsWith(one, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether the pattern is <c>host/**</c>: everything a registry has.</summary>
    public static bool IsWholeRegistry(NamePattern pattern) => pattern.Kind is NamePatternKind.DoubleStar && pattern.Prefix.IndexOf('/', StringComparison.Ordinal) == pattern.Prefix.Length - 1;

    /// <summary>The host of a pattern, with its port.</summary>
    public static string HostOf(NamePattern pattern) => pattern.Prefix[..Math.Max(pattern.Prefix.IndexOf('/', StringComparison.Ordinal), 0)];

    /// <summary>The finding for a name pattern that names no owner; null if it names one, or none is needed.</summary>
    public static LintFinding? Lint(string file, NamePattern pattern, Mark mark)
    {
        var host = HostOf(pattern);
        var namesNoOwner = pattern.Prefix.Length == host.Length + 1 || (IsAnonymous(host) && !pattern.Prefix.Contains('@', StringComparison.Ordinal));
        return pattern.Kind is not NamePatternKind.Exact && namesNoOwner && Contains(host)
            ? Finding(file, pattern.Text, mark, host, pattern.Kind is NamePatternKind.Star ? "*" : "**")
            : null;
    }

    /// <summary>The same for a trusted directory: <c>d</c> alone holds what stands directly in a registry, where owners have nothing.</summary>
    public static LintFinding? LintDirectory(string file, string directory, Mark mark)
    {
        var host = directory.Split('/')[0];
        var isWhole = directory.Length > host.Length && directory[host.Length..] is "/*" or "/**";
        return (isWhole || IsAnonymous(host)) && Contains(host) ? Finding(file, directory, mark, host, "**") : null;
    }

    private static LintFinding Finding(string file, string text, Mark mark, string host, string star) => new(
        LintRule.PatternCoversRegistry,
        file,
        mark,
        $"`{Shown.Value(text)}` names no owner, so it covers images of everybody on {Shown.Value(host)}, where anybody can push",
        IsAnonymous(host) ? "copy the image to a registry of your own, or name its digest: nobody owns a name there"
            : $"name the owner: `{Shown.Value(host)}/<owner>/{star}`{(WithoutPort(host) is "docker.io" ? $", or `docker.io/library/{star}` for the images of Docker itself" : "")}");

    private static bool IsAnonymous(string host) => WithoutPort(host).Equals(Anonymous, StringComparison.OrdinalIgnoreCase);

    private static string WithoutPort(string host) => host.Split(':')[0];
}
