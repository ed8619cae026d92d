using System.Collections.Frozen;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Reads <c>options.yaml</c> (SEMANTICS section 8).</summary>
public static class OptionsParser
{
    private const string HostForm = "write the registry's host as image names have it, with its port if it has one";

    private static readonly Platform[] AllPlatforms = [Platform.Gke, Platform.OnPrem, Platform.CloudRun];

    public static ProjectOptions? Parse(DocumentNode? node, ProblemList problems)
    {
        if (MappingReader.Of(node, "the options document", problems) is not { } reader)
        {
            return null;
        }

        var revocations = reader.Mappings("revocations", ParseRevocation);
        var options = new ProjectOptions
        {
            FailModes = ParseFailModes(reader),
            BindRepository = reader.Boolean("bindRepository"),
            IndexCoversChildren = reader.Boolean("indexCoversChildren"),
            MaxAttestationAge = Duration(reader, "maxAttestationAge"),
            MaxSnapshotAge = Duration(reader, "maxSnapshotAge") ?? ProjectOptions.Default.MaxSnapshotAge,
            EvidenceSources = ParseSources(reader),
            Attestors = ParseAttestors(reader),
            PinnedKeys = ParsePins(reader),
            RevokedDigests = RevokedDigests(revocations),
            RevokedPairs = revocations.Where(revocation => revocation.Attestor is not null)
                .DistinctBy(revocation => (revocation.Attestor!.Value, revocation.Digest))
                .ToFrozenDictionary(revocation => (revocation.Attestor!.Value, revocation.Digest)),
            EvidenceGrace = Duration(reader, "evidenceGrace") ?? ProjectOptions.Default.EvidenceGrace,
            RevokeOnKmsDisable = reader.Boolean("revokeOnKmsDisable"),
            Registries = ParseRegistries(reader),
            ContainerAnalysis = ParseContainerAnalysis(reader),
            RequireGrant = ParseBreakGlass(reader),
        };
        reader.End();
        return problems.HasErrors ? null : options;
    }

    private static TimeSpan? Duration(MappingReader reader, string field)
    {
        var value = reader.Value<TimeSpan>(field, ValueParsers.Duration);
        return value == TimeSpan.Zero ? null : value;
    }

    private static FrozenDictionary<Platform, FailMode> ParseFailModes(MappingReader reader)
    {
        switch (reader.Take("failMode"))
        {
            case null:
                return FrozenDictionary<Platform, FailMode>.Empty;
            case MappingNode mapping:
                var byPlatform = new MappingReader(mapping, reader.Problems);
                var modes = AllPlatforms.ToFrozenDictionary(
                    platform => platform, platform => byPlatform.Value<FailMode>(NameOf(platform), ParseFailMode));
                byPlatform.End();
                return modes.Where(pair => pair.Value is not FailMode.Unspecified).ToFrozenDictionary();
            case var node:
                return reader.Parse<FailMode>(node, "failMode", ParseFailMode, out var mode)
                    ? AllPlatforms.ToFrozenDictionary(platform => platform, _ => mode)
                    : FrozenDictionary<Platform, FailMode>.Empty;
        }
    }

    private static string NameOf(Platform platform) => platform switch
    {
        Platform.Gke => "GKE",
        Platform.CloudRun => "CLOUD_RUN",
        _ => "ON_PREM",
    };

    private static EvidenceSource[]? ParseSources(MappingReader reader)
    {
        const string Field = "evidenceSources";
        var given = reader.Node.Entries.Any(entry => entry.Key == Field && !entry.Value.IsNull);
        var sources = reader.Values<EvidenceSource>(Field, ParseSource);
        if (given && sources.Count == 0)
        {
            reader.Problems.Error(reader.MarkOf(Field), "no evidence source is left", "name GRAFEAS, REGISTRY or INLINE, or remove the field");
        }

        return given ? [.. sources.Distinct()] : null;
    }

    private static FrozenDictionary<AttestorName, AttestorOptions> ParseAttestors(MappingReader reader)
    {
        var attestors = new Dictionary<AttestorName, AttestorOptions>();
        foreach (var entry in reader.Entries("attestors"))
        {
            if (!AttestorName.TryParse(entry.Key, out var name))
            {
                reader.Problems.Error(entry.Mark, $"`{Shown.Value(entry.Key)}` names no attestor", "write projects/<project>/attestors/<attestor>");
            }

            if (MappingReader.Of(entry.Value, "the attestor's options", reader.Problems) is { } item)
            {
                attestors[name] = new AttestorOptions(ParseSources(item), Duration(item, "maxAttestationAge"));
                item.End();
            }
        }

        return attestors.ToFrozenDictionary();
    }

    private static FrozenDictionary<KmsKeyName, Digest> ParsePins(MappingReader reader)
    {
        var pins = new Dictionary<KmsKeyName, Digest>();
        foreach (var entry in reader.Entries("pinnedKeys"))
        {
            if (!KmsKeyName.TryParse(entry.Key, out var name))
            {
                reader.Problems.Error(entry.Mark, $"`{Shown.Value(entry.Key)}` is not the id of a key version in Cloud KMS", $"write {KmsKeyName.Form}, as `policyctl attestor pin` does");
            }
            else if (reader.Parse<Digest>(entry.Value, "pinnedKeys", ParseDigest, out var digest) && !pins.TryAdd(name, digest) && pins[name] != digest)
            {
                // Which of the two would verify must not depend on their order.
                reader.Problems.Error(entry.Mark, $"the key `{Shown.Value(entry.Key)}` is pinned twice, differently", "keep the pin that is right");
            }
        }

        return pins.ToFrozenDictionary();
    }

    private static Revocation? ParseRevocation(MappingReader reader)
    {
        var digest = reader.Required<Digest>("digest", ParseDigest, "name the revoked digest");
        var hasAttestor = reader.Node.Entries.Any(entry => entry.Key == "attestor" && !entry.Value.IsNull);
        var attestor = reader.Value<AttestorName>("attestor", AttestorName.Parse);
        var reason = reader.Required<string>("reason", ValueParsers.Text, "say why, for those who read the denial");
        var author = reader.Required<string>("author", ValueParsers.Text, "say who, for those who read the denial");
        return new Revocation(digest, hasAttestor ? attestor : null, reason ?? "", author ?? "");
    }

    private static FrozenDictionary<Digest, Revocation> RevokedDigests(IEnumerable<Revocation> revocations) =>
        revocations.Where(revocation => revocation.Attestor is null)
            .DistinctBy(revocation => revocation.Digest)
            .ToFrozenDictionary(revocation => revocation.Digest);

    private static FrozenDictionary<string, RegistryOptions> ParseRegistries(MappingReader reader)
    {
        var registries = new Dictionary<string, RegistryOptions>(StringComparer.Ordinal);
        foreach (var registry in reader.Mappings("registries", item => ParseRegistry(item)))
        {
            if (!registries.TryAdd(registry.Host, registry))
            {
                // Which of the two would be asked must not depend on their order.
                reader.Problems.Error(reader.MarkOf("registries"), $"the registry `{Shown.Value(registry.Host)}` is listed twice", "keep one entry for each host");
            }
        }

        return registries.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static RegistryOptions? ParseRegistry(MappingReader reader)
    {
        var host = reader.Required<string>("host", ParseHost, HostForm);
        var isInsecure = reader.Boolean("insecure");
        var mirrors = reader.Values<string>("mirrors", ParseHost);
        var credentials = reader.Value<RegistryCredentials>("credentials", ParseCredentials);
        var privateHosts = reader.Values<string>("privateHosts", ParseHost);
        if (isInsecure && credentials is RegistryCredentials.Google or RegistryCredentials.Ecr or RegistryCredentials.Acr)
        {
            reader.Problems.Error(reader.MarkOf("credentials"), "a cloud's credentials never go over plain HTTP", "take `insecure` out, or the credentials");
        }

        reader.End();
        return host is null ? null : new RegistryOptions(host, isInsecure, mirrors, credentials, privateHosts);
    }

    private static ContainerAnalysisOptions? ParseContainerAnalysis(MappingReader reader)
    {
        if (reader.Mapping("containerAnalysis") is not { } analysis)
        {
            return null;
        }

        var isGiven = analysis.Node.Entries.Any(entry => entry.Key == "endpoint" && !entry.Value.IsNull);
        var endpoint = analysis.Value<ContainerAnalysisEndpoint>("endpoint", ContainerAnalysisEndpoint.Parse);
        var projects = analysis.Values<string>("projects", ParseProject);
        analysis.End();
        return new ContainerAnalysisOptions(isGiven ? endpoint : ContainerAnalysisEndpoint.Google, projects.ToFrozenSet(StringComparer.Ordinal));
    }

    private static bool ParseBreakGlass(MappingReader reader)
    {
        if (reader.Mapping("breakGlass") is not { } breakGlass)
        {
            return false;
        }

        var requireGrant = breakGlass.Boolean("requireGrant");
        breakGlass.End();
        return requireGrant;
    }

    internal static bool ParseProject(string text, out string project, out string problem)
    {
        (project, problem) = (text, "write a project id");
        return ResourceNames.IsProject(text);
    }

    private static bool ParseDigest(string text, out Digest digest, out string problem)
    {
        problem = "write sha256: and 64 lower-case hex digits";
        return Digest.TryParse(text, out digest);
    }

    private static bool ParseSource(string text, out EvidenceSource source, out string problem)
    {
        problem = "write GRAFEAS, REGISTRY or INLINE";
        source = text switch
        {
            "GRAFEAS" => EvidenceSource.Grafeas,
            "REGISTRY" => EvidenceSource.Registry,
            "INLINE" => EvidenceSource.Inline,
            _ => EvidenceSource.Unspecified,
        };
        return source is not EvidenceSource.Unspecified;
    }

    private static bool ParseHost(string text, out string host, out string problem)
    {
        problem = HostForm;
        var valid = RegistryOptions.TryParseHost(text, out var parsed);
        host = parsed ?? "";
        return valid;
    }

    private static bool ParseCredentials(string text, out RegistryCredentials credentials, out string problem)
    {
        problem = "write docker-config, google, ecr, acr or none";
        (var valid, credentials) = text switch
        {
            "none" => (true, RegistryCredentials.None),
            "docker-config" => (true, RegistryCredentials.DockerConfig),
            "google" => (true, RegistryCredentials.Google),
            "ecr" => (true, RegistryCredentials.Ecr),
            "acr" => (true, RegistryCredentials.Acr),
            _ => (false, default),
        };
        return valid;
    }

    private static bool ParseFailMode(string text, out FailMode mode, out string problem)
    {
        problem = "write CLOSED or OPEN";
        mode = text switch { "CLOSED" => FailMode.Closed, "OPEN" => FailMode.Open, _ => FailMode.Unspecified };
        return mode is not FailMode.Unspecified;
    }
}
