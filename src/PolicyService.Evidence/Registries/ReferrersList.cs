using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>Reads what one host says refers to an image (OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema").</summary>
internal sealed class ReferrersList(RegistryTransport transport, RegistryEndpoint endpoint, int attempts)
{
    private readonly List<OciDescriptor> _found = [];

    public async Task<ReferrersOutcome> ReadAsync(string repository, Digest subject, CancellationToken cancellation)
    {
        var (below, query, left) = ($"referrers/{subject}", "", Limits.ReferrersBytes);
        var visited = new HashSet<string>(StringComparer.Ordinal) { query };
        for (var page = 0; page < Limits.ReferrersPages && left > 0; page++)
        {
            var request = new RegistryRequest(repository, below, query, [OciIndex.Oci], Math.Min(left, Limits.ManifestBytes));
            var reply = await transport.SendAsync(endpoint, request, attempts, cancellation);
            if (page == 0 && reply.Status is 404 or 405 or 501)
            {
                // A registry that lacks the list may say so in any words.
                return await TagAsync(repository, subject, cancellation);
            }

            if (Add(reply) is { } end)
            {
                return end;
            }

            left -= reply.Body!.Length;
            switch (LinkHeader.Next(reply.Links, out var target))
            {
                case false:
                    return Failed(RemoteFailure.Malformed);
                case null:
                    return new ReferrersOutcome(_found, false, default);
            }

            if (!TryFollow(request, target, out var next))
            {
                return Failed(RemoteFailure.RedirectRefused);
            }

            query = next;
            if (!visited.Add(query))
            {
                return Failed(RemoteFailure.Circular);
            }
        }

        return new ReferrersOutcome(_found, true, default);
    }

    private async Task<ReferrersOutcome> TagAsync(string repository, Digest subject, CancellationToken cancellation)
    {
        var reply = await transport.SendAsync(endpoint, new RegistryRequest(repository, $"manifests/sha256-{subject.Hex}", "", RegistryClient.ManifestTypes, Limits.ManifestBytes), attempts, cancellation);
        return reply.IsNotThere ? new ReferrersOutcome([], false, default) : Add(reply) ?? new ReferrersOutcome(_found, false, default);
    }

    /// <returns>The outcome, if the list ends here.</returns>
    private ReferrersOutcome? Add(RegistryReply reply)
    {
        if (reply.IsTooLarge)
        {
            return new ReferrersOutcome(_found, true, default);
        }

        if (reply.Body is not { } body)
        {
            // A page that is not there was promised by the one before.
            return Failed(reply.IsNotThere ? RemoteFailure.NotFound : reply.Failure);
        }

        if (!OciIndex.TryParse(body, out var index, out _))
        {
            return Failed(RemoteFailure.Malformed);
        }

        var room = Limits.OciEntries - _found.Count;
        _found.AddRange(index.Manifests.Take(room));
        return index.IsCut || index.Manifests.Count > room ? new ReferrersOutcome(_found, true, default) : null;
    }

    /// <summary>The next page is of the same list: anything else is somewhere else.</summary>
    private bool TryFollow(RegistryRequest request, string target, out string query)
    {
        var url = endpoint.UrlOf(request);
        var isSame = Uri.TryCreate(url, target, out var next) && endpoint.Guard.IsOwn(next) && next.UserInfo.Length == 0 && next.AbsolutePath == url.AbsolutePath && next.Query.Length <= Limits.PageTokenBytes;
        query = isSame ? next!.Query : "";
        return isSame;
    }

    private ReferrersOutcome Failed(RemoteFailure failure) => new(_found, false, failure);
}
