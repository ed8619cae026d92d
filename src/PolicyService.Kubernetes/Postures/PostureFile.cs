using System.Text.Json;
using Google.Protobuf;
using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Postures;

/// <summary>
/// The last posture on disk, so that a restart during an outage does not turn a dry run into an outage of the cluster. What cannot be read, or is about
/// another cluster or service, is none.
/// </summary>
internal sealed partial class PostureFile(AdapterSettings settings, ILogger<PostureFile> logger)
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private readonly string? _path = settings.StateDirectory is { } directory ? Path.Combine(directory, "posture.json") : null;

    /// <returns>Null: there is none that counts.</returns>
    public KnownPosture? Read()
    {
        if (_path is null || !File.Exists(_path))
        {
            return null;
        }

        try
        {
            var stored = new FileInfo(_path).Length <= MaxBytes ? JsonSerializer.Deserialize<Stored>(File.ReadAllText(_path)) : null;
            if (stored is null || stored.Service != settings.Service.ToString() || stored.Cluster != settings.Cluster || stored.Project != settings.Project)
            {
                return null;
            }

            var posture = JsonParser.Default.Parse<ClusterPosture>(stored.Posture);
            return posture.Cluster == settings.Cluster ? new KnownPosture(posture, stored.HeardAt) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or InvalidProtocolBufferException or ArgumentException or FormatException or OverflowException)
        {
            LogUnreadable(logger, exception.GetType().Name);
            return null;
        }
    }

    /// <summary>Replaces it whole, on disk before this returns. That it fails is told and hurts nothing else.</summary>
    /// <returns>Nothing is left to do; otherwise there is no posture on disk, or, where not even that can be had, an older one.</returns>
    public bool Write(KnownPosture posture)
    {
        if (_path is null)
        {
            return true;
        }

        try
        {
            var stored = new Stored(settings.Service.ToString(), settings.Cluster, settings.Project, JsonFormatter.Default.Format(posture.Message), posture.HeardAt);
            using (var file = new FileStream(_path + ".new", FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(file, stored);
                file.Flush(flushToDisk: true);
            }

            File.Move(_path + ".new", _path, overwrite: true);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnwritable(logger, exception.Message);
            Remove();
            return false;
        }
    }

    /// <summary>An older dry run must not outlive what could not be written: a full disk still lets go of a file.</summary>
    private void Remove()
    {
        try
        {
            File.Delete(_path!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnremovable(logger, exception.Message);
        }
    }

    [LoggerMessage(3211, LogLevel.Warning, "The last posture on disk cannot be used ({Error}); until the service is heard the cluster counts as enforced")]
    private static partial void LogUnreadable(ILogger logger, string error);

    [LoggerMessage(3212, LogLevel.Error, "The posture cannot be written to disk ({Error}); after a restart during an outage the cluster counts as enforced")]
    private static partial void LogUnwritable(ILogger logger, string error);

    [LoggerMessage(3213, LogLevel.Critical, "An older posture stays on disk ({Error}); after a restart during an outage it counts: mend the directory, or remove the file")]
    private static partial void LogUnremovable(ILogger logger, string error);

    /// <param name="Service">Who said it.</param>
    /// <param name="Cluster">About which cluster.</param>
    /// <param name="Project">Under which project it was asked for.</param>
    /// <param name="Posture">What was said.</param>
    /// <param name="HeardAt">When.</param>
    private sealed record Stored(string Service, string Cluster, string Project, string Posture, DateTimeOffset HeardAt);
}
