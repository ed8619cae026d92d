using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Policies;

/// <summary>
/// Documents in the store. A poll asks for the generation alone; where that moved, only documents whose etag is new are read and parsed, by
/// the parsers a directory's files go through.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="withAccess">IAM policies too: where callers must be somebody, access follows from them.</param>
internal sealed class StoreSource(DocumentStore store, bool withAccess) : IDocumentSource
{
    private readonly Dictionary<DocumentKey, Held> _held = [];
    private readonly IReadOnlyList<int> _kinds = withAccess ? [.. DocumentStore.SnapshotKinds, .. DocumentStore.AccessKinds] : DocumentStore.SnapshotKinds;
    private StoreGeneration? _last;
    private SourceReading? _reading;

    public string Place => $"store {store.Place}";

    public async Task<SourceReading> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            var current = await store.GenerationAsync(cancellation);
            if (_reading is null || current != _last)
            {
                return Apply(await store.ReadDocumentsAsync(_kinds, _held.ToDictionary(pair => pair.Key, pair => pair.Value.Etag), cancellation));
            }

            return _reading with { Changed = false };
        }
        catch (StoreUnavailableException exception)
        {
            throw new SourceUnavailableException($"{exception.Failure.Class}: {exception.Failure.Problem}", "mend the store, or --Store:Path or --Store:Postgres", exception);
        }
    }

    private SourceReading Apply(StoreReading read)
    {
        var gone = _held.Keys.Except(read.Present).ToArray();
        foreach (var key in gone)
        {
            _held.Remove(key);
        }

        foreach (var document in read.Changed)
        {
            _held[document.Key] = Hold(document);
        }

        _last = read.Generation;
        var contentVersion = (_reading?.ContentVersion ?? 0) + 1;
        if (_reading is not null && gone.Length == 0 && read.Changed.Count == 0)
        {
            // An occurrence, a note: nothing a snapshot is made of.
            return _reading = _reading with { Changed = false, ContentVersion = contentVersion, EvidenceVersion = contentVersion };
        }

        var files = _held.Values.Select(held => held.Document).OfType<ParsedDocument>().OrderBy(file => file.Path, StringComparer.Ordinal).ToArray();
        List<DocumentProblem> problems = [.. files.SelectMany(file => file.Problems), .. _held.Values.SelectMany(held => held.Problems)];
        var documents = DocumentFiles.Assemble(files, problems);
        return _reading = new SourceReading(true, documents, problems, read.Generation.Value, contentVersion)
        {
            // Nobody can tell whether an attestation came with them.
            EvidenceVersion = contentVersion,
            IamPolicies = _held.Where(pair => pair.Value.Access is not null).ToDictionary(pair => pair.Key.Name, pair => pair.Value.Access!, StringComparer.Ordinal),
        };
    }

    private static Held Hold(StoredDocument document)
    {
        if (document.Key.Kind is not (StoredKind.PolicyIam or StoredKind.AttestorIam))
        {
            return new Held(document.Etag, DocumentFiles.Parse(document.Key.Path!, Encoding.UTF8.GetBytes(document.Content), document.Etag), null, []);
        }

        // One that cannot be read grants nothing, and is told; what comes in over the API can be.
        var problems = new ProblemList(document.Key.Name);
        var access = IamPolicyParser.Parse(Encoding.UTF8.GetBytes(document.Content), problems) is { } policy ? CompiledIamPolicy.Compile(policy) : null;
        return new Held(document.Etag, null, access, problems.Problems);
    }

    /// <param name="Etag">Tells whether it has changed.</param>
    /// <param name="Document">What decides; null for an IAM policy.</param>
    /// <param name="Access">What an IAM policy grants.</param>
    /// <param name="Problems">Why an IAM policy cannot be read; a document has its own.</param>
    private sealed record Held(string Etag, ParsedDocument? Document, CompiledIamPolicy? Access, IReadOnlyList<DocumentProblem> Problems);
}
