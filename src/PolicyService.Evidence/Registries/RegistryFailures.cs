using PolicyService.Core.Decisions;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>How failures of a registry are told.</summary>
public static class RegistryFailures
{
    /// <summary>Never our own fault: an image's author chooses what lies in a registry, and often how it answers.</summary>
    internal static EvidenceFailure Of(RegistryRepository repository, RemoteFailure failure)
    {
        var (why, remedy) = Text(repository, failure);
        return RemoteFailures.Tell("REGISTRY", failure, why, remedy);
    }

    /// <summary>What happened, and what to do; lower case, no full stop.</summary>
    public static (string Why, string Remedy) Text(RegistryRepository repository, RemoteFailure failure)
    {
        var host = repository.Registry.Host;
        var ask = $"make the registry `{host}` answer, then ask again";
        return failure switch
        {
            RemoteFailure.NotFetched => ("offline, nothing is read from registries", "ask a server"),
            RemoteFailure.Deadline => ($"the time ran out before the registry `{host}` answered", "ask again with a longer deadline"),
            RemoteFailure.NoCredentials => ($"the credentials for the registry `{host}` cannot be used", $"mend what `credentials` of `{host}` in options.yaml names"),
            RemoteFailure.CredentialsUnreachable => ($"whoever gives credentials for the registry `{host}` does not answer", "make the credential helper or the cloud's token service answer, then ask again"),
            RemoteFailure.Unauthenticated => ($"the registry `{host}` asks for credentials that it takes (401)", $"give `{host}` credentials in options.yaml that may pull `{repository}`"),
            RemoteFailure.PermissionDenied => ($"the registry `{host}` refuses it (403)", $"let the service's credentials pull `{repository}`"),
            RemoteFailure.NotFound => ($"the registry does not know the repository `{repository}` (404)", "name the repository as the registry has it"),
            RemoteFailure.RateLimited => ($"the registry `{host}` answers too few requests (429)", "ask again later, with credentials or a mirror"),
            RemoteFailure.ServerError => ($"the registry `{host}` failed (5xx)", ask),
            RemoteFailure.Refused => ($"the registry `{host}` refused the request", $"make sure that `{host}` is a registry of the OCI distribution API"),
            RemoteFailure.Timeout => ($"the registry `{host}` did not answer in time", ask),
            RemoteFailure.Connection => ($"the registry `{host}` cannot be reached", ask),
            RemoteFailure.Tls => ($"the certificate of the registry `{host}` is not trusted", "trust its issuer with --Registries:Ca"),
            RemoteFailure.Truncated => ($"the answer of the registry `{host}` is cut off", ask),
            RemoteFailure.Circular => ($"the pages of the registry `{host}` go round in a circle", ask),
            RemoteFailure.Partial => ($"so much lies beside the image that the registry `{host}` did not give all of it in time", $"delete what does not belong to the image from `{repository}`, then ask again"),
            RemoteFailure.WrongDigest => ($"the registry `{host}` sent something else than the digest names", $"find out who changes what `{host}` sends"),
            RemoteFailure.MissingContent => ($"a manifest in `{repository}` names content that the registry does not have", "push it again, or delete the manifest that names it"),
            RemoteFailure.RedirectRefused => ($"the registry `{host}` sends us where we do not go", $"if it should, list the host under privateHosts of `{host}` in options.yaml"),
            RemoteFailure.RealmRefused => ($"the registry `{host}` names a token server where we do not go", $"if it should, list its host under privateHosts of `{host}` in options.yaml"),
            _ => ($"the answer of the registry `{host}` is malformed", ask),
        };
    }
}
