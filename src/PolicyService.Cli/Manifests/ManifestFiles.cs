using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;
using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Core.Manifests;

namespace PolicyService.Cli.Manifests;

/// <summary>Reads the files of <c>-f</c>. If one of them cannot be used, none is: half a deployment judged is none.</summary>
internal static class ManifestFiles
{
    /// <summary>Stdin, as every tool of Kubernetes spells it.</summary>
    private const string Stdin = "-";

    /// <returns>Each distinct image once per namespace and service account, in the order of the files; null after saying what is wrong.</returns>
    public static IReadOnlyList<ManifestImage>? Read(IReadOnlyList<string> files, string? givenNamespace, string? givenServiceAccount, Terminal terminal)
    {
        if (files.Count(file => file == Stdin) > 1)
        {
            terminal.Say("-f: `-` stands twice, and stdin can be read once: write it once");
            return null;
        }

        var images = new List<ManifestImage>();
        var isSound = true;
        foreach (var file in files)
        {
            if (!InputFile.TryRead(file, file == Stdin ? terminal.Input : null, Limits.MessageBytes, out var content, out var problem))
            {
                terminal.Say($"-f: {problem}");
                isSound = false;
                continue;
            }

            var problems = new ProblemList(file == Stdin ? "stdin" : file);
            var read = ManifestReader.Read(content, givenNamespace, givenServiceAccount, problems);
            images.AddRange(read.Images);
            foreach (var line in problems.Problems.Select(found => found.ToString()).Concat(read.Notes))
            {
                terminal.Say(line);
            }

            isSound &= !problems.HasErrors;
        }

        return isSound ? [.. images.DistinctBy(image => (image.Image, image.Namespace, image.ServiceAccount))] : null;
    }
}
