using System.Text;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Policies;

/// <summary>
/// Documents in the store. A poll asks for the generation alone; where that moved, only documents whose etag is new are read and parsed, by
/// the parsers a directory's files go through.
/// </summary>
internal sealed class StoreSource(DocumentStore store) : IDocumentSource
{
    private readonly Dictionary<DocumentKey, Held> _held = [];
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
                return Apply(await store.ReadDocumentsAsync(_held.ToDictionary(pair => pair.Key, pair => pair.Value.Etag), cancellation));
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
            _held[document.Key] = new Held(document.Etag, DocumentFiles.Parse(document.Key.Path!, Encoding.UTF8.GetBytes(document.Content), document.Etag));
        }

        _last = read.Generation;
        var contentVersion = (_reading?.ContentVersion ?? 0) + 1;
        if (_reading is not null && gone.Length == 0 && read.Changed.Count == 0)
        {
            // An occurrence, a note, an IAM policy: nothing a snapshot is made of.
            return _reading = _reading with { Changed = false, ContentVersion = contentVersion };
        }

        var files = _held.Values.Select(held => held.Document).OrderBy(file => file.Path, StringComparer.Ordinal).ToArray();
        List<DocumentProblem> problems = [.. files.SelectMany(file => file.Problems)];
        var documents = DocumentFiles.Assemble(files, problems);
        return _reading = new SourceReading(true, documents, problems, read.Generation.Value, contentVersion);
    }

    private sealed record Held(string Etag, ParsedDocument Document);
}
