using System.Globalization;
using PolicyService.Core.Documents;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>
/// <c>PolicyService.Server store …</c>: maintenance of a store without serving, for <c>policyctl</c>, which carries this program and knows
/// no database. Settings name the store, as for the service.
/// </summary>
internal static class StoreCommand
{
    private const int Done = 0;
    private const int Refused = 2;
    private const int Unavailable = 3;
    private const int MaxRevisions = 1000;

    private const string Usage =
        "use store export DIR | store import DIR | store history list NAME | store history diff NAME [FROM] [TO] | store history rollback NAME NUMBER, with --Store:Path or --Store:Postgres";

    /// <returns>0; 2 for wrong usage or input that is refused; 3 where the database failed.</returns>
    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            string[] words = [.. arguments.TakeWhile(argument => !argument.StartsWith("--", StringComparison.Ordinal))];
            using var store = Open(arguments[words.Length..], mayCreate: words is ["import", ..], time);
            await store.MigrateAsync(cancellation);
            return await RunAsync(store, words, output, error, cancellation);
        }
        catch (Exception exception) when (exception is ImportException or ExportException or SettingsException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return Refused;
        }
        catch (StoreUnavailableException exception)
        {
            await error.WriteLineAsync($"the store is unavailable ({exception.Failure.Class}): {exception.Failure.Problem}");
            return Unavailable;
        }
    }

    private static async Task<int> RunAsync(DocumentStore store, string[] words, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        switch (words)
        {
            case ["export", var directory]:
                var written = await StoreExport.RunAsync(store, directory, cancellation);
                await output.WriteLineAsync($"exported {written.Documents} documents and {written.Occurrences} occurrences");
                return Done;
            case ["import", var directory]:
                var outcome = await store.ImportAsync(StoreImport.Read(directory), Author, cancellation);
                return await SayAsync(outcome, output, error);
            case ["history", "list", var name]:
                return await ListAsync(store, name, output, error, cancellation);
            case ["history", "diff", var name, .. var numbers] when numbers.Length <= 2 && numbers.All(IsNumber):
                return await DiffAsync(store, name, [.. numbers.Select(NumberOf)], output, error, cancellation);
            case ["history", "rollback", var name, var number] when IsNumber(number):
                return KeyOf(name) is { } key ? await SayAsync(await store.RollbackAsync(key, NumberOf(number), Author, cancellation), output, error) : await NoNameAsync(name, error);
            default:
                await error.WriteLineAsync(Usage);
                return Refused;
        }
    }

    private static string Author => $"policyctl by {Environment.UserName}";

    private static DocumentStore Open(string[] flags, bool mayCreate, TimeProvider time)
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(flags).Build();
        var (path, postgres) = (configuration[SettingsTable.StorePath.Name], configuration[SettingsTable.StorePostgres.Name]);
        if (string.IsNullOrEmpty(path) == string.IsNullOrEmpty(postgres))
        {
            throw new SettingsException($"name one store, by {SettingsTable.StorePath.Flag} or {SettingsTable.StorePostgres.Flag}; {Usage}");
        }

        if (!string.IsNullOrEmpty(path) && !mayCreate && !File.Exists(path))
        {
            throw new SettingsException($"there is no store `{path}`: give the file a service uses");
        }

        return new DocumentStore(string.IsNullOrEmpty(path) ? new PostgresDatabase(postgres!, configuration[SettingsTable.StorePostgresPasswordFile.Name] is { Length: > 0 } file ? file : null) : new SqliteDatabase(path), time);
    }

    private static async Task<int> SayAsync(StoreOutcome outcome, TextWriter output, TextWriter error)
    {
        var (code, text) = outcome switch
        {
            StoreOutcome.Imported done => (Done, $"imported {done.Documents} documents and {done.Occurrences} occurrences; what was the same already stays as it is"),
            StoreOutcome.Written done => (Done, $"{done.Document.Key.Name} is what it was then; its etag is {done.Document.Etag}"),
            StoreOutcome.Deleted done => (Done, $"{done.Key.Name} is deleted, as it was then"),
            StoreOutcome.NotFound missing => (Refused, $"{Shown.Value(missing.Name)} does not exist"),
            StoreOutcome.Invalid invalid => (Refused, $"{Shown.Value(invalid.Field)}: {invalid.Problem}"),
            StoreOutcome.Unavailable failure => (Unavailable, $"the store is unavailable ({failure.Class}): {failure.Problem}"),
            _ => (Refused, "the document is changing: try again"),
        };
        await (code == Done ? output : error).WriteLineAsync(text);
        return code;
    }

    private static async Task<int> ListAsync(DocumentStore store, string name, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        if (await RevisionsAsync(store, name, error, cancellation) is not { } revisions)
        {
            return Refused;
        }

        foreach (var revision in revisions)
        {
            var act = revision.Content is null ? "deleted" : revision.Previous is null ? "created" : "changed";
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{revision.Number,8}  {Rfc3339.Write(revision.Time),-27}  {act}  {revision.Author}"));
        }

        return Done;
    }

    private static async Task<int> DiffAsync(DocumentStore store, string name, long[] numbers, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        if (await RevisionsAsync(store, name, error, cancellation) is not { } revisions)
        {
            return Refused;
        }

        var chosen = numbers.Length == 0 ? [revisions[0]] : numbers.Select(number => revisions.FirstOrDefault(revision => revision.Number == number)).ToArray();
        if (chosen.Contains(null))
        {
            await error.WriteLineAsync($"{name} has no such revision: see history list");
            return Refused;
        }

        var (before, after) = chosen is [{ } one] ? (one.Previous, one.Content) : (chosen[0]!.Content, chosen[1]!.Content);
        foreach (var line in LineDiff.Of(StoreExport.Lines(before), StoreExport.Lines(after)))
        {
            await output.WriteLineAsync(line);
        }

        return Done;
    }

    /// <summary>The history of a document; null after saying why there is none.</summary>
    private static async Task<IReadOnlyList<Revision>?> RevisionsAsync(DocumentStore store, string name, TextWriter error, CancellationToken cancellation)
    {
        if (KeyOf(name) is not { } key)
        {
            await NoNameAsync(name, error);
            return null;
        }

        var (revisions, failure) = await store.HistoryAsync(key, MaxRevisions, cancellation);
        if (failure is not null || revisions.Count == 0)
        {
            await error.WriteLineAsync(failure is null ? $"{name} was never written" : $"the store is unavailable ({failure.Class}): {failure.Problem}");
            return null;
        }

        return revisions;
    }

    private static async Task<int> NoNameAsync(string name, TextWriter error)
    {
        await error.WriteLineAsync($"`{Shown.Value(name)}` is no document: write projects/<project>/policy, …/attestors/<attestor>, …/platforms/gke/policies/<policy>, …/options or clusters");
        return Refused;
    }

    private static DocumentKey? KeyOf(string name) => Enum.GetValues<StoredKind>()
        .Where(kind => kind is not (StoredKind.Occurrence or StoredKind.PolicyIam or StoredKind.AttestorIam))
        .Select(kind => DocumentKey.TryParse(kind, name, out var key) ? key : null).FirstOrDefault(key => key is not null);

    private static bool IsNumber(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static long NumberOf(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
