using System.CommandLine;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Pins;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;
using PolicyService.Evidence.Keys;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl attestor pin</c>: fetches the keys an attestor keeps in Cloud KMS, shows them, and writes their pins.</summary>
internal sealed class AttestorVerb(Terminal terminal)
{
    private readonly Argument<string> _asked = new("ATTESTOR-or-KEY") { Description = "An attestor (projects/<project>/attestors/<attestor>) or the id of one key version" };
    private readonly Option<string> _policies = new("--policies") { Required = true, HelpName = "DIR", Description = "Documents whose options.yaml gets the pin" };
    private readonly Option<KmsEndpoint?> _endpoint = KmsEndpoints.Option($"Where Cloud KMS answers; by default {KmsEndpoint.Default}");
    private readonly Option<bool> _replace = new("--replace") { Description = "Replace a pin of another key" };
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "text|json", Description = "For people, or for programs", DefaultValueFactory = _ => "text" };

    public static Command Create(Terminal terminal) =>
        new Verb("attestor", "Looks after attestors and their keys.", "policyctl attestor pin projects/acme/attestors/build --policies policies/")
        {
            new AttestorVerb(terminal).BuildPin(),
        };

    private Verb BuildPin()
    {
        var verb = new Verb(
            "pin",
            "Fetches keys kept in Cloud KMS, shows them, and writes their SHA-256 into options.yaml. Only a pinned key verifies anything.",
            """
            policyctl attestor pin projects/acme/attestors/build --policies policies/
            policyctl attestor pin gcpkms://projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1 --policies policies/
            """)
        {
            ExitCodes = """
            0  every key is pinned
            1  refused: another key is pinned, or a key signs otherwise than its attestor declares; nothing was written
            2  wrong usage or unusable documents; nothing was written
            3  Cloud KMS gave no key; nothing was written
            """,
        };
        verb.Add(_asked);
        foreach (var option in new Option[] { _policies, _endpoint, _replace, _output })
        {
            verb.Add(option);
        }

        _output.OneOf("text", "json");
        verb.SetAction(RunAsync);
        return verb;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var directory = parsed.GetRequiredValue(_policies);
        if (Read(directory) is not { } files)
        {
            return ExitCodes.Usage;
        }

        if (!new PinTargets([.. files.Select(file => file.Parsed)]).TryFind(parsed.GetRequiredValue(_asked), out var targets, out var problem))
        {
            terminal.Say(problem);
            return ExitCodes.Usage;
        }

        using var client = new CloudKmsClient(parsed.GetValue(_endpoint) ?? KmsEndpoints.Default, KmsEndpoints.Attempt, new KeyMetrics(), TimeProvider.System);
        var (keys, code) = await FetchAsync(client, targets, cancellation);
        return keys is null ? code : Pin(parsed, directory, files, targets, keys);
    }

    /// <summary>Every key, each fetched once; none after saying why one could not be had.</summary>
    private async Task<(Dictionary<KmsKeyName, PublicKey>? Keys, int Code)> FetchAsync(CloudKmsClient service, IReadOnlyList<PinTarget> targets, CancellationToken cancellation)
    {
        var keys = new Dictionary<KmsKeyName, PublicKey>();
        foreach (var target in targets.DistinctBy(target => target.Name))
        {
            try
            {
                var key = await service.GetPublicKeyAsync(target.Name, cancellation);
                if (target.Algorithm is not SignatureAlgorithm.Unspecified && target.Algorithm != key.Algorithm)
                {
                    terminal.Say($"{target.Name} signs with {SignatureAlgorithms.Name(key.Algorithm)} and its attestor declares {SignatureAlgorithms.Name(target.Algorithm)}: mend or remove signatureAlgorithm");
                    return (null, ExitCodes.Denied);
                }

                keys[target.Name] = key;
            }
            catch (KeyServiceException exception)
            {
                terminal.Say($"{target.Name} cannot be had (KMS:{KeyFailures.Name(exception.Failure)}): {KeyFailures.Why(exception.Failure)}; {KeyFailures.Remedy(exception.Failure)}");
                return (null, ExitCodes.NoDecision);
            }
        }

        return (keys, ExitCodes.Admitted);
    }

    private int Pin(ParseResult parsed, string directory, IReadOnlyList<DocumentFile> files, IReadOnlyList<PinTarget> targets, Dictionary<KmsKeyName, PublicKey> keys)
    {
        var changes = new List<(string Path, byte[]? Before, byte[] After)>();
        var reports = new List<PinReport>();
        foreach (var group in targets.GroupBy(target => target.Folder, StringComparer.Ordinal))
        {
            var file = files.FirstOrDefault(candidate => candidate.Parsed.Place is { Kind: DocumentKind.Options } place && place.Folder == group.Key);
            var path = file?.Parsed.Path ?? (group.Key.Length > 0 ? $"projects/{LongName.PathOf(group.Key)}/options.yaml" : "options.yaml");
            var present = (file?.Parsed.Content as ProjectOptions)?.PinnedKeys;
            foreach (var target in group)
            {
                var key = keys[target.Name];
                var pinned = present is not null && present.TryGetValue(target.Name, out var pin) ? pin : (Core.Images.Digest?)null;
                var outcome = pinned is null ? PinOutcome.Pinned
                    : pinned == key.Fingerprint ? PinOutcome.Unchanged
                    : parsed.GetValue(_replace) ? PinOutcome.Replaced
                    : PinOutcome.Refused;
                reports.Add(new PinReport(target.Name, key.Algorithm, key.Fingerprint, Path.Combine(directory, path), pinned, outcome));
            }

            var pins = group.Where(target => present is null || !present.TryGetValue(target.Name, out var pin) || pin != keys[target.Name].Fingerprint)
                .ToDictionary(target => target.Name, target => keys[target.Name].Fingerprint);
            if (pins.Count == 0)
            {
                continue;
            }

            if (!PinText.TryWrite(path, file?.Content, pins, out var after, out var problem))
            {
                terminal.Say($"{Path.Combine(directory, path)}: {problem}");
                return ExitCodes.Usage;
            }

            changes.Add((Path.Combine(directory, path), file?.Content, after));
        }

        var isRefused = reports.Exists(report => report.Outcome is PinOutcome.Refused);
        if (!isRefused && !Write(changes))
        {
            return ExitCodes.Usage;
        }

        // Of several pins none was written if one was refused.
        Show(parsed, isRefused ? [.. reports.Where(report => report.Outcome is PinOutcome.Refused or PinOutcome.Unchanged)] : reports);
        return isRefused ? ExitCodes.Denied : ExitCodes.Admitted;
    }

    private bool Write(List<(string Path, byte[]? Before, byte[] After)> changes)
    {
        foreach (var (path, before, after) in changes)
        {
            if (!PinFile.TryReplace(path, before, after, out var problem))
            {
                terminal.Say(problem);
                return false;
            }
        }

        return true;
    }

    private void Show(ParseResult parsed, IReadOnlyList<PinReport> reports)
    {
        if (parsed.GetValue(_output) == "json")
        {
            PinReports.WriteJson(terminal.Output, reports);
        }
        else
        {
            PinReports.WriteText(terminal, reports);
        }
    }

    private IReadOnlyList<DocumentFile>? Read(string directory)
    {
        var problem = PoliciesDirectory.Problem(directory);
        try
        {
            if (problem is null)
            {
                var contents = DocumentDirectory.Contents(directory);
                if (contents.Problems.FirstOrDefault(found => found.Severity is ProblemSeverity.Error) is not { } unread)
                {
                    return [.. contents.Files.Select(file => new DocumentFile(DocumentFiles.Parse(file.Path, file.Content), file.Content.ToArray()))];
                }

                // What cannot be read is not absent: a pin could stand there.
                problem = unread.ToString();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = PoliciesDirectory.Unreadable(directory, exception);
        }

        terminal.Say($"--policies: {problem}");
        return null;
    }

    private sealed record DocumentFile(ParsedDocument Parsed, byte[] Content);
}
