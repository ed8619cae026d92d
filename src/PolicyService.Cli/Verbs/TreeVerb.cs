using System.CommandLine;
using System.Text.Json;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Registries;
using PolicyService.Core.Documents;
using PolicyService.Evidence.Registries;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl tree</c>: everything attached to an image in its registry, at a glance.</summary>
internal sealed class TreeVerb(Terminal terminal)
{
    private readonly RegistryArguments _arguments = new(needsKey: false);

    public static Command Create(Terminal terminal) => new TreeVerb(terminal).Build();

    private Verb Build()
    {
        var verb = new Verb(
            "tree",
            "Shows everything attached to an image in its registry: signatures, attestations, referrers, children.",
            """
            policyctl tree registry.example.com/shop/web:1.2 --key cosign.pub
            """)
        {
            ExitCodes = """
            0  everything was read, whether it verifies or not
            1  there is no such image
            2  wrong usage or unusable input
            3  something could not be read, or stdout not be written; what was read is shown
            """,
        };
        _arguments.AddTo(verb);
        verb.SetAction(RunAsync);
        return verb;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (!_arguments.TryRead(parsed, out var task, out var problem))
        {
            terminal.Say(problem);
            return ExitCodes.Usage;
        }

        using var registries = new RegistryAccess(task.Settings with { Attempt = terminal.RegistryAttempt }, new RegistryMetrics(), TimeProvider.System);
        using var timer = new CancellationTokenSource(ImageLook.Patience, TimeProvider.System);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        var (digest, failure) = await ImageLook.ResolveAsync(registries, task, ending.Token);
        cancellation.ThrowIfCancellationRequested();
        if (failure is not null)
        {
            terminal.Say(failure.Message);
            return failure.IsAnswer ? ExitCodes.Denied : ExitCodes.NoDecision;
        }

        var tree = await new TreeLook(registries, task, ending.Token).ReadAsync(digest);
        cancellation.ThrowIfCancellationRequested();
        if (_arguments.IsJson(parsed))
        {
            Json.Write(terminal.Output, writer => Write(writer, task.Image.Name, tree));
        }
        else
        {
            Write(task.Image.Name, tree, "");
        }

        return tree.IsWhole ? ExitCodes.Admitted : ExitCodes.NoDecision;
    }

    private void Write(string name, ImageTree tree, string indent)
    {
        terminal.Text.WriteLine($"{indent}{Printable.Line($"{(name.Length > 0 ? $"{name}@" : "")}{tree.Digest} {tree.Label}")}");
        var below = indent + "  ";
        foreach (var finding in tree.Signed)
        {
            terminal.Text.WriteLine($"{below}{FindingOutput.Line(finding)}");
        }

        foreach (var referrer in tree.Referrers)
        {
            terminal.Text.WriteLine($"{below}{Printable.Line($"referrer {referrer.Digest} {(referrer.ArtifactType.Length > 0 ? referrer.ArtifactType : "of no stated type")} ({referrer.Size} bytes)")}");
        }

        foreach (var problem in tree.Problems)
        {
            terminal.Text.WriteLine($"{below}{Printable.Line($"unknown: {problem}")}");
        }

        foreach (var child in tree.Children)
        {
            Write("", child, below);
        }
    }

    private static void Write(Utf8JsonWriter writer, string name, ImageTree tree)
    {
        writer.WriteStartObject();
        if (name.Length > 0)
        {
            writer.WriteString("image", $"{name}@{tree.Digest}");
        }

        writer.WriteString("digest", tree.Digest.ToString());
        writer.WriteString("type", KeyMaterial.Mask(tree.Label));
        WriteList(writer, "signatures", tree.Signed.Where(finding => finding.IsSignature), FindingOutput.Write);
        WriteList(writer, "attestations", tree.Signed.Where(finding => !finding.IsSignature), FindingOutput.Write);
        WriteList(writer, "referrers", tree.Referrers, (json, referrer) =>
        {
            json.WriteStartObject();
            json.WriteString("digest", referrer.Digest.ToString());
            json.WriteString("artifactType", KeyMaterial.Mask(referrer.ArtifactType));
            json.WriteNumber("size", referrer.Size);
            json.WriteEndObject();
        });
        WriteList(writer, "unknown", tree.Problems, (json, problem) => json.WriteStringValue(KeyMaterial.Mask(problem)));
        WriteList(writer, "children", tree.Children, (json, child) => Write(json, "", child));
        writer.WriteEndObject();
    }

    private static void WriteList<T>(Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    }
}
