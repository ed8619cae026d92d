using System.Collections.Frozen;
using PolicyService.Evidence.Documents;

namespace PolicyService.Server.Policies;

/// <summary>Documents in a directory of files, attestations among them.</summary>
internal sealed class DirectorySource(string root, TimeProvider time) : IDocumentSource
{
    private readonly DocumentDirectory _directory = new(root, time);
    private long _generation;
    private volatile FrozenSet<string> _projects = [];

    public string Place => $"documents directory {root}";

    /// <summary>Whether the directory has documents of the project, as it was last read.</summary>
    public bool HasProject(string project) => _projects.Contains(project);

    public Task<SourceReading> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            var reading = _directory.Read();
            _generation += reading.Changed || _generation == 0 ? 1 : 0;
            _projects = reading.Changed ? reading.Documents.Projects.Select(project => project.Id).ToFrozenSet(StringComparer.Ordinal) : _projects;
            return Task.FromResult(new SourceReading(reading.Changed, reading.Documents, reading.Problems, _generation, _generation));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SourceUnavailableException(exception.Message, "let it rest, or give the service the right to read it", exception);
        }
    }
}
