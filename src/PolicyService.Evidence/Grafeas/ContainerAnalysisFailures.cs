using PolicyService.Core.Decisions;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Grafeas;

/// <summary>How failures of a Container Analysis elsewhere are told.</summary>
internal static class ContainerAnalysisFailures
{
    private const string Ask = "make Container Analysis answer, then ask again";

    /// <summary>Never our own fault: an image's author may fill a list, or spend the time.</summary>
    public static EvidenceFailure Of(RemoteFailure failure)
    {
        var (why, remedy) = Text(failure);
        return RemoteFailures.Tell("CONTAINER_ANALYSIS", failure, why, remedy);
    }

    private static (string Why, string Remedy) Text(RemoteFailure failure) => failure switch
    {
        RemoteFailure.NotFetched => ("offline, nothing remote is read", "ask a server, or bring the attestations into the directory"),
        RemoteFailure.Deadline => ("the time ran out before Container Analysis answered", "ask again with a longer deadline"),
        RemoteFailure.NoCredentials => ("there are no credentials for Container Analysis", "give the service Application Default Credentials, for example GOOGLE_APPLICATION_CREDENTIALS or workload identity"),
        RemoteFailure.CredentialsUnreachable => ("whoever gives credentials for Container Analysis does not answer", Ask),
        RemoteFailure.Unauthenticated => ("Container Analysis takes the credentials for none (401)", "renew the service's Application Default Credentials"),
        RemoteFailure.PermissionDenied => ("Container Analysis refuses it (403)", "grant the service's identity roles/containeranalysis.notes.occurrences.viewer on the note, and roles/containeranalysis.occurrences.viewer on the project"),
        RemoteFailure.NotFound => ("Container Analysis does not know the note or project (404)", "create the note, or mend the attestor's noteReference"),
        RemoteFailure.RateLimited => ("Container Analysis answers too few requests (429)", "raise the project's Container Analysis quota, then ask again"),
        RemoteFailure.ServerError => ("Container Analysis failed (5xx)", Ask),
        RemoteFailure.Refused => ("Container Analysis refused the request", "make sure that containerAnalysis.endpoint names a Container Analysis"),
        RemoteFailure.Timeout => ("Container Analysis did not answer in time", Ask),
        RemoteFailure.Connection => ("Container Analysis cannot be reached", Ask),
        RemoteFailure.Tls => ("the certificate of Container Analysis is not trusted", "mend containerAnalysis.endpoint, or trust the certificate's issuer on this machine"),
        RemoteFailure.Truncated => ("the answer of Container Analysis is cut off", Ask),
        RemoteFailure.Circular => ("the pages of Container Analysis go round in a circle", Ask),
        RemoteFailure.Partial => ("Container Analysis could not reach all it has", Ask),
        _ => ("the answer of Container Analysis is malformed", Ask),
    };
}
