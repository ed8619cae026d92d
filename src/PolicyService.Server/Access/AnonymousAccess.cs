namespace PolicyService.Server.Access;

/// <summary>What answers whoever asks, because probes have no credentials. It tells nothing but whether the service is up.</summary>
internal static class AnonymousAccess
{
    /// <summary>By the endpoint that will run, not by the path, of which there are many spellings.</summary>
    public static bool IsGiven(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>() is { Kind: AccessKind.Open };
}
