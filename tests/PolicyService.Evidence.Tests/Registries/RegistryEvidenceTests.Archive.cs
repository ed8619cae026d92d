using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Tests.Registries;

/// <content>What was seen before: the archive, and ages.</content>
public sealed partial class RegistryEvidenceTests
{
    [Theory]
    [InlineData(RemoteFailure.Connection, true)]
    [InlineData(RemoteFailure.Timeout, true)]
    [InlineData(RemoteFailure.ServerError, true)]
    [InlineData(RemoteFailure.RateLimited, true)]
    [InlineData(RemoteFailure.Tls, true)]
    [InlineData(RemoteFailure.Truncated, true)]
    [InlineData(RemoteFailure.CredentialsUnreachable, true)]
    [InlineData(RemoteFailure.Unauthenticated, false)]
    [InlineData(RemoteFailure.PermissionDenied, false)]
    [InlineData(RemoteFailure.NotFound, false)]
    [InlineData(RemoteFailure.WrongDigest, false)]
    [InlineData(RemoteFailure.RedirectRefused, false)]
    [InlineData(RemoteFailure.RealmRefused, false)]
    // Whoever may push can bring these about, after a signature was taken away.
    [InlineData(RemoteFailure.Malformed, false)]
    [InlineData(RemoteFailure.Partial, false)]
    [InlineData(RemoteFailure.MissingContent, false)]
    public async Task Archive_speaks_while_the_registry_is_down_and_only_then(RemoteFailure failure, bool isAllowed)
    {
        Has(Signature());
        Assert.Equal(Allowed, await AnswerAsync());
        await Eventually.Holds("it is archived", () => _archive.IsIdle);

        _clock.Advance(TimeSpan.FromHours(1));
        _answer = new RemoteList([], false, failure);
        Assert.Equal(isAllowed ? "Allow: Attested ARCHIVED" : $"Deny: EvidenceUnavailable REGISTRY:{RemoteFailures.Name(failure)}", await AnswerAsync());

        _clock.Advance(TimeSpan.FromHours(168));
        Assert.Equal($"Deny: EvidenceUnavailable REGISTRY:{RemoteFailures.Name(failure)}", await AnswerAsync());
    }

    [Fact]
    public async Task What_the_registry_no_longer_shows_does_not_come_back_when_it_is_down()
    {
        Has(Signature());
        await AnswerAsync();
        Has();
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(Denied, await AnswerAsync());
        await Eventually.Holds("it is archived", () => _archive.IsIdle);

        _clock.Advance(TimeSpan.FromMinutes(1));
        _answer = new RemoteList([], false, RemoteFailure.Connection);
        Assert.Equal("Deny: EvidenceUnavailable REGISTRY:CONNECTION", await AnswerAsync());
    }

    [Theory]
    [InlineData("maxAttestationAge: 1h")]
    [InlineData("attestors: {projects/acme/attestors/qa: {maxAttestationAge: 1h}}")]
    public async Task Signature_of_unknown_age_is_not_young(string options)
    {
        Has(Signature());
        _evaluation.Options = Listed + options;

        Assert.Equal("Deny: DeniedByAttestor EXPIRED", await AnswerAsync());
    }
}
