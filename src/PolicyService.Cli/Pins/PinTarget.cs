using System.Diagnostics.CodeAnalysis;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Attestors;
using PolicyService.Core.Policies;

namespace PolicyService.Cli.Pins;

/// <summary>A key to be pinned, and the project whose options say so.</summary>
/// <param name="Name">The key.</param>
/// <param name="Algorithm">What an attestor's document declares; unspecified if none does.</param>
/// <param name="Folder">Folder of the project: empty at the root.</param>
internal sealed record PinTarget(KmsKeyName Name, SignatureAlgorithm Algorithm, string Folder);

/// <summary>Finds what to pin where: a pin belongs to the projects whose rules need the key, wherever its attestor stands.</summary>
internal sealed class PinTargets(IReadOnlyCollection<ParsedDocument> files)
{
    private readonly (Attestor Attestor, string Folder)[] _attestors = [.. Of<Attestor>(files)];
    private readonly (Policy Policy, string Folder)[] _policies = [.. Of<Policy>(files)];

    /// <param name="asked">An attestor's name, its id alone, or a key's id in either spelling.</param>
    /// <param name="targets">Every key and project.</param>
    /// <param name="problem">Why there is nothing to pin.</param>
    public bool TryFind(string asked, [NotNullWhen(true)] out IReadOnlyList<PinTarget>? targets, [NotNullWhen(false)] out string? problem)
    {
        (targets, problem) = (null, null);
        if (KmsKeyName.TryParse(asked, out var name))
        {
            targets = [.. Folders(name).Select(folder => new PinTarget(name, Declared(name), folder))];
            problem = targets.Count > 0 ? null : $"no attestor has the key {name}: add it to one first";
        }
        else if (Attestors(asked) is [var attestor])
        {
            var names = attestor.Keys.Select(key => key.Remote?.Name).OfType<KmsKeyName>().Distinct();
            targets = [.. names.SelectMany(key => Folders(key).Select(folder => new PinTarget(key, Declared(key), folder)))];
            problem = targets.Count > 0 ? null : $"{attestor.Name} has no key kept in Cloud KMS: there is nothing to pin";
        }
        else
        {
            problem = Attestors(asked).Length == 0
                ? $"`{Printable.Line(asked)}` is neither an attestor of the documents nor the id of a key version: write projects/<project>/attestors/<attestor>, or a key's id"
                : $"several attestors are called `{Printable.Line(asked)}`: write projects/<project>/attestors/<attestor>";
        }

        targets = problem is null ? targets : null;
        return problem is null;
    }

    private static IEnumerable<(T Document, string Folder)> Of<T>(IEnumerable<ParsedDocument> files) where T : class =>
        files.Where(file => file.Content is T).Select(file => ((T)file.Content!, file.Place.Folder));

    private Attestor[] Attestors(string asked) =>
        [.. _attestors.Select(one => one.Attestor).Where(attestor => attestor.Name.ToString() == asked || attestor.Name.Id == asked)];

    private static bool Has(Attestor attestor, KmsKeyName name) => attestor.Keys.Any(key => key.Remote?.Name == name);

    private SignatureAlgorithm Declared(KmsKeyName name) => _attestors
        .SelectMany(one => one.Attestor.Keys)
        .Where(key => key.Remote?.Name == name)
        .Select(key => key.Remote!.Algorithm)
        .FirstOrDefault(algorithm => algorithm is not SignatureAlgorithm.Unspecified);

    /// <summary>Projects with a rule that needs the key; if there is none, those where an attestor with the key stands.</summary>
    private string[] Folders(KmsKeyName name)
    {
        var holders = _attestors.Where(one => Has(one.Attestor, name)).ToArray();
        var names = holders.Select(one => one.Attestor.Name).ToHashSet();
        string[] users = [.. _policies
            .Where(one => one.Policy.SpecificRules.Values.Append(one.Policy.DefaultRule).Any(rule => rule.RequireAttestationsBy.Any(names.Contains)))
            .Select(one => one.Folder).Distinct(StringComparer.Ordinal)];
        return users.Length > 0 ? users : [.. holders.Select(one => one.Folder).Distinct(StringComparer.Ordinal)];
    }
}
