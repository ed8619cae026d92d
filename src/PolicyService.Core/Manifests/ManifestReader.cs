using System.Globalization;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Manifests;

/// <summary>What one file of manifests runs, and what is remarkable about it.</summary>
public sealed record ManifestContent(IReadOnlyList<ManifestImage> Images, IReadOnlyList<string> Notes);

/// <summary>
/// Finds the pods in Kubernetes manifests of any kind, custom ones too: by where a pod template stands, not by a list of kinds. What
/// cannot be read is a problem, never passed over: an image that is not looked at would be one that is not denied.
/// </summary>
public sealed class ManifestReader
{
    private const string BreakGlass = "image-policy.k8s.io/break-glass";
    private const string OldBreakGlass = "alpha.image-policy.k8s.io/break-glass";
    private static readonly string[] ContainerFields = ["initContainers", "containers", "ephemeralContainers"];

    private readonly ProblemList _problems;
    private readonly string? _namespace;
    private readonly string? _serviceAccount;
    private readonly List<ManifestImage> _images = [];
    private readonly List<string> _notes = [];
    private readonly UnreadImages _unread = new();
    private int _pods;
    private int _document;
    private bool _hasUnread;

    private ManifestReader(ProblemList problems, string? givenNamespace, string? givenServiceAccount) =>
        (_problems, _namespace, _serviceAccount) = (problems, givenNamespace, givenServiceAccount);

    /// <param name="content">The file; YAML with any number of documents, or JSON.</param>
    /// <param name="givenNamespace">Counts instead of what the manifests say; null: they say.</param>
    /// <param name="givenServiceAccount">As before.</param>
    /// <param name="problems">Receives what is wrong with the file, under its name.</param>
    public static ManifestContent Read(ReadOnlyMemory<byte> content, string? givenNamespace, string? givenServiceAccount, ProblemList problems)
    {
        RefuseOddSeparators(content.Span, problems);
        return Read(DocumentText.Read(content, problems), givenNamespace, givenServiceAccount, problems);
    }

    /// <summary>The same of objects that were read already.</summary>
    public static ManifestContent Read(IReadOnlyList<DocumentNode> objects, string? givenNamespace, string? givenServiceAccount, ProblemList problems)
    {
        var reader = new ManifestReader(problems, givenNamespace, givenServiceAccount);
        foreach (var node in objects)
        {
            reader._document++;
            reader.ReadObject(node, "");
        }

        if (reader._images.Count == 0 && !problems.HasErrors)
        {
            problems.Error(
                objects is [var first, ..] ? first.Mark : new Mark(1, 1),
                reader._hasUnread ? "none of the images in it can be evaluated" : "no object in it runs an image",
                "give manifests of workloads: a Pod, or an object with a pod template");
        }

        return new ManifestContent(reader._images, reader._notes);
    }

    /// <summary>A line that starts with `---` and goes on is a key for YAML, and the end of a document for Kubernetes' own clients.</summary>
    private static void RefuseOddSeparators(ReadOnlySpan<byte> content, ProblemList problems)
    {
        var number = 0;
        foreach (var range in content.Split((byte)'\n'))
        {
            number++;
            var line = content[range];
            if (line.StartsWith("---"u8) && line.Length > 3 && line[3] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'-'))
            {
                problems.Error(new Mark(number, 1), "the line starts with `---` and goes on, which some read as the end of a document", "write `---` alone between two documents");
            }
        }
    }

    /// <param name="node">One object.</param>
    /// <param name="listedKind">Its kind where it stands in a list of one kind, whose items need not say it.</param>
    private void ReadObject(DocumentNode node, string listedKind)
    {
        if (MappingReader.Of(node, "the manifest", _problems) is not { } manifest)
        {
            return;
        }

        var kind = manifest.Text("kind") ?? listedKind;
        if (kind.Length == 0)
        {
            _problems.Error(node.Mark, "the document has no `kind`, so it is no Kubernetes manifest", "give Kubernetes manifests only");
            return;
        }

        // Clients take whatever has `items` for a list, whatever its kind, and then the items are what runs.
        if (Field(manifest.Node, "items") is SequenceNode)
        {
            var isList = kind.EndsWith("List", StringComparison.Ordinal);
            foreach (var item in manifest.Sequence("items"))
            {
                ReadObject(item, isList ? kind[..^"List".Length] : "");
            }

            if (isList)
            {
                return;
            }
        }

        var metadata = manifest.Mapping("metadata");
        var owner = new Owner(_namespace ?? metadata?.Text("namespace") ?? "", metadata?.Text("name") ?? "");
        switch (kind)
        {
            case "Pod":
                ReadPod(manifest.Mapping("spec"), metadata, owner);
                break;
            case "PodTemplate":
                ReadTemplate(manifest, owner);
                break;
            // Other kinds have a `spec` of other things, and templates of other things.
            default:
                if (HasPodTemplate(Field(manifest.Node, "spec")))
                {
                    ReadTemplate(manifest.Mapping("spec"), owner);
                }

                // Where a CronJob has it; one of another group may have both.
                if (HasPodTemplate(Field(Field(Field(manifest.Node, "spec"), "jobTemplate"), "spec")))
                {
                    ReadTemplate(manifest.Mapping("spec")?.Mapping("jobTemplate")?.Mapping("spec"), owner);
                }

                break;
        }

        NoteUnread(manifest, kind, owner.Name);
    }

    /// <summary>Silence about an image would be taken for its admission.</summary>
    private void NoteUnread(MappingReader manifest, string kind, string name)
    {
        if (_unread.CountIn(manifest.Node, (Field(manifest.Node, "apiVersion") as ScalarNode)?.Text ?? "") is > 0 and var count)
        {
            _hasUnread = true;
            Note(manifest.Node.Mark, string.Create(
                CultureInfo.InvariantCulture,
                $"warning: document {_document}, {Shown.Value(kind)}{(name.Length > 0 ? $" `{Shown.Value(name)}`" : "")}: {count} {(count == 1 ? "image in it was" : "images in it were")} not evaluated, because where such an object runs images is not known here; name them as IMAGE, or judge the pods that its controller makes"));
        }
    }

    private void Note(Mark mark, string text) =>
        _notes.Add(string.Create(CultureInfo.InvariantCulture, $"{_problems.File}:{mark.Line}:{mark.Column}: {text}"));

    private static bool HasPodTemplate(DocumentNode? holder) => Field(Field(holder, "template"), "spec") is MappingNode;

    private static DocumentNode? Field(DocumentNode? node, string name) =>
        (node as MappingNode)?.Entries.FirstOrDefault(entry => entry.Key == name)?.Value;

    private void ReadTemplate(MappingReader? holder, Owner owner)
    {
        if (holder?.Mapping("template") is { } template)
        {
            ReadPod(template.Mapping("spec"), template.Mapping("metadata"), owner);
        }
    }

    private void ReadPod(MappingReader? pod, MappingReader? metadata, Owner owner)
    {
        if (pod is null)
        {
            return;
        }

        var labels = Strings(metadata, "labels");
        var annotations = Strings(metadata, "annotations");
        if (metadata is not null)
        {
            NoteBreakGlass(metadata, labels, annotations);
        }

        // Kubernetes reads the old name too, and gives every pod without an account the one called `default`. Where the namespace
        // is not known that says nothing about whose it is, so then nobody is named.
        var written = pod.Text("serviceAccountName") is { Length: > 0 } name ? name : pod.Text("serviceAccount") ?? "";
        var account = _serviceAccount ?? (written.Length > 0 ? written : owner.Namespace.Length > 0 ? "default" : "");
        var number = _pods++;
        foreach (var (image, mark) in Images(pod))
        {
            _images.Add(new ManifestImage(image, _problems.File, mark, owner.Namespace, account)
            {
                Pod = number,
                Owner = owner.Name,
                Labels = labels,
                Annotations = annotations,
            });
        }
    }

    private IEnumerable<(string Image, Mark Mark)> Images(MappingReader pod)
    {
        foreach (var field in ContainerFields)
        {
            foreach (var item in pod.Sequence(field))
            {
                if (MappingReader.Of(item, $"an item of `{field}`", _problems) is { } container && Image(container, "image") is { } image)
                {
                    yield return (image, container.MarkOf("image"));
                }
            }
        }

        foreach (var item in pod.Sequence("volumes"))
        {
            if (MappingReader.Of(item, "an item of `volumes`", _problems)?.Mapping("image") is { } volume && Image(volume, "reference") is { } image)
            {
                yield return (image, volume.MarkOf("reference"));
            }
        }
    }

    private string? Image(MappingReader owner, string field)
    {
        var errors = _problems.ErrorCount;
        var image = owner.Text(field);
        if (string.IsNullOrEmpty(image) && _problems.ErrorCount == errors)
        {
            _problems.Error(owner.MarkOf(field), $"`{field}` is missing, so it is not known what would run", "write the image; where a controller fills it in, judge the pods it makes");
        }

        _unread.Read(Field(owner.Node, field));
        return string.IsNullOrEmpty(image) ? null : image;
    }

    private Dictionary<string, string> Strings(MappingReader? metadata, string field)
    {
        var strings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in metadata?.Entries(field) ?? [])
        {
            if (entry.Value is ScalarNode value)
            {
                strings[entry.Key] = value.IsNull ? "" : value.Text;
            }
            else
            {
                _problems.Error(entry.Mark, $"`{field}.{Shown.Value(entry.Key)}` is {entry.Value.Kind}", "write a string");
            }
        }

        return strings;
    }

    /// <summary>A file may be anybody's: its marker overrides nothing here. Who means it says so on the command line.</summary>
    private void NoteBreakGlass(MappingReader metadata, Dictionary<string, string> labels, Dictionary<string, string> annotations)
    {
        var isMarked = labels.GetValueOrDefault(BreakGlass) == "true"
            || annotations.GetValueOrDefault(BreakGlass) == "true"
            || annotations.GetValueOrDefault(OldBreakGlass) == "true";
        if (isMarked)
        {
            Note(metadata.Node.Mark, "note: the break-glass marker of a file is not honoured; ask with --break-glass JUSTIFICATION");
        }
    }

    /// <summary>The object a pod stands in, or is.</summary>
    private readonly record struct Owner(string Namespace, string Name);
}
