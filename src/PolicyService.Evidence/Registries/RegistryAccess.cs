using PolicyService.Core.Images;
using PolicyService.Evidence.Registries.Credentials;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>The one way to registries of a process: the client, the credentials it asks for, and what looks beside images. Thread-safe.</summary>
public sealed class RegistryAccess : IDisposable
{
    private readonly RegistryCredentialStore _credentials;
    private readonly CosignSignatures _signatures;

    /// <param name="settings">What the process brings to every registry.</param>
    /// <param name="metrics">Counts questions.</param>
    /// <param name="time">The clock.</param>
    public RegistryAccess(RegistrySettings settings, RegistryMetrics metrics, TimeProvider time)
    {
        _credentials = new RegistryCredentialStore(settings, time);
        Client = new RegistryClient(settings, _credentials.GetAsync, metrics, time);
        _signatures = new CosignSignatures(new RegistryReads(Client.GetManifestAsync, Client.GetManifestAsync, Client.GetBlobAsync, Client.ListReferrersAsync));
    }

    public RegistryClient Client { get; }

    /// <inheritdoc cref="CosignSignatures.ListAsync"/>
    public Task<RegistryList> ListSignaturesAsync(RegistryRepository repository, Digest digest, bool fromOrigin, CancellationToken cancellation) =>
        _signatures.ListAsync(repository, digest, fromOrigin, cancellation);

    /// <summary>The same as an answer to a question of a decision.</summary>
    /// <param name="question">The image, and where it lies.</param>
    /// <param name="isAgain">What is known would deny: the registry itself is asked before its mirrors.</param>
    /// <param name="cancellation">The end of the time for all of it; what is unread then is a failure.</param>
    public async Task<RemoteList> ListAsync(RegistryQuestion question, bool isAgain, CancellationToken cancellation)
    {
        var list = await ListSignaturesAsync(question.Repository, question.Digest, isAgain, cancellation);
        return new RemoteList([.. list.Signatures.Select(signature => signature.Item)], list.IsCut, list.Failure);
    }

    public void Dispose()
    {
        Client.Dispose();
        _credentials.Dispose();
    }
}
