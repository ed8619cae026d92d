using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>Why the service gave no decision.</summary>
/// <param name="Cause">For people and for records; one line.</param>
/// <param name="Kind">What may be done without it.</param>
internal sealed record ServiceFailure(string Cause, FailureKind Kind)
{
    /// <summary>Reads what a call of the service ended with.</summary>
    /// <param name="exception">How it ended.</param>
    /// <param name="isSilent">The stream of the service's changes is silent too.</param>
    public static ServiceFailure Of(RpcException exception, bool isSilent) => new(
        PlainWords.Line($"{NameOf(exception.StatusCode)}: {exception.Status.Detail}", 300),
        exception.StatusCode switch
        {
            _ when IsOfConnection(exception) => FailureKind.Away,
            // Alone it may be the work of an image's author: a registry that keeps the service waiting.
            StatusCode.DeadlineExceeded when isSilent => FailureKind.Away,
            // A wrong set-up, or access that was taken away: whatever was said before does not count for this adapter.
            StatusCode.PermissionDenied or StatusCode.Unauthenticated => FailureKind.Refused,
            _ => FailureKind.NoDecision,
        });

    /// <summary>
    /// The service has not answered, and another replica may: it cannot be reached, or the connection ended first. gRPC has more than one code for that (a
    /// replica that stops closes its connections: INTERNAL); what the client saw tells them from codes that the service sent.
    /// </summary>
    public static bool IsOfConnection(RpcException exception) => exception.StatusCode switch
    {
        StatusCode.Unavailable => true,
        StatusCode.Internal or StatusCode.Cancelled or StatusCode.Unknown => IsOfConnection(exception.Status.DebugException),
        _ => false,
    };

    /// <summary>A certificate that is not trusted is a wrong set-up, and no outage.</summary>
    private static bool IsOfConnection(Exception? exception) => exception switch
    {
        null or AuthenticationException => false,
        IOException or SocketException or TimeoutException => exception.InnerException is not AuthenticationException,
        _ => IsOfConnection(exception.InnerException),
    };

    private static string NameOf(StatusCode code) => code switch
    {
        StatusCode.Unavailable => "UNAVAILABLE",
        StatusCode.DeadlineExceeded => "DEADLINE_EXCEEDED",
        StatusCode.PermissionDenied => "PERMISSION_DENIED",
        StatusCode.Unauthenticated => "UNAUTHENTICATED",
        StatusCode.ResourceExhausted => "RESOURCE_EXHAUSTED",
        StatusCode.InvalidArgument => "INVALID_ARGUMENT",
        StatusCode.Internal => "INTERNAL",
        StatusCode.Unimplemented => "UNIMPLEMENTED",
        _ => code.ToString(),
    };
}

/// <summary>What a missing decision means. Zero refuses.</summary>
internal enum FailureKind
{
    /// <summary>The service will not answer this adapter: nothing is admitted.</summary>
    Refused = 0,

    /// <summary>The service is there, and gave no decision.</summary>
    NoDecision,

    /// <summary>It said that nobody could mean this image, so no node can run it (SEMANTICS section 1).</summary>
    InvalidImage,

    /// <summary>The service cannot be asked.</summary>
    Away,
}
