using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>Every way in which a Container Analysis elsewhere fails is an error of a class of its own, and never an absence (ATTACK 83).</summary>
public sealed class RemoteFailureTests
{
    private static readonly RemoteLifetimes Impatient = new() { Attempt = TimeSpan.FromMilliseconds(500) };

    public static TheoryData<ContainerAnalysisFault, string> Classes => new()
    {
        { ContainerAnalysisFault.BadRequest, "REFUSED" },
        { ContainerAnalysisFault.Unauthorized, "UNAUTHENTICATED" },
        { ContainerAnalysisFault.Forbidden, "PERMISSION_DENIED" },
        { ContainerAnalysisFault.NotFound, "NOT_FOUND" },
        { ContainerAnalysisFault.TooManyRequests, "RATE_LIMITED" },
        { ContainerAnalysisFault.TooManyRequestsForLong, "RATE_LIMITED" },
        { ContainerAnalysisFault.ServerError, "SERVER_ERROR" },
        { ContainerAnalysisFault.Unavailable, "SERVER_ERROR" },
        { ContainerAnalysisFault.Redirection, "REFUSED" },
        { ContainerAnalysisFault.NoContent, "REFUSED" },
        { ContainerAnalysisFault.Hangup, "CONNECTION" },
        { ContainerAnalysisFault.Truncated, "TRUNCATED" },
        { ContainerAnalysisFault.HalfJson, "MALFORMED" },
        { ContainerAnalysisFault.NoHttp, "MALFORMED" },
        { ContainerAnalysisFault.NoJson, "MALFORMED" },
        { ContainerAnalysisFault.JsonList, "MALFORMED" },
        { ContainerAnalysisFault.NoUtf8, "MALFORMED" },
        { ContainerAnalysisFault.DuplicateField, "MALFORMED" },
        { ContainerAnalysisFault.DeepJson, "MALFORMED" },
        { ContainerAnalysisFault.OccurrencesAreText, "MALFORMED" },
        { ContainerAnalysisFault.TokenIsNumber, "MALFORMED" },
        { ContainerAnalysisFault.TokenIsNoText, "MALFORMED" },
        { ContainerAnalysisFault.PartOfIt, "PARTIAL" },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Classes)), Trait("attack", "83")]
    public async Task Failure_is_an_error_with_its_class_and_never_opens_the_gate(ContainerAnalysisFault fault, string name)
    {
        await using var bench = new RemoteBench(time: TimeProvider.System, lifetimes: new RemoteLifetimes { Attempt = TimeSpan.FromMinutes(2), Fetch = TimeSpan.FromMinutes(5) });
        bench.Add();
        bench.StandIn.Fault = fault;
        bench.Evaluation.Options += "failMode: OPEN";

        Assert.Equal($"Deny: EvidenceUnavailable CONTAINER_ANALYSIS:{name}", await bench.AnswerAsync());
        Assert.Equal(1, RemoteFailures.All.Sum(failure => RemoteFailures.Name(failure) == name ? bench.Metrics.Of(RemoteSource.ContainerAnalysis, failure) : 0));
    }

    [Theory, Trait("attack", "83")]
    [InlineData(ContainerAnalysisFault.Silent)]
    [InlineData(ContainerAnalysisFault.SilentBody)]
    [InlineData(ContainerAnalysisFault.SlowDrip)]
    public async Task Source_that_never_ends_its_answer_is_a_timeout(ContainerAnalysisFault fault)
    {
        await using var bench = new RemoteBench(time: TimeProvider.System, lifetimes: Impatient);
        bench.Add();
        bench.StandIn.Fault = fault;

        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:TIMEOUT", await bench.AnswerAsync());
    }

    [Fact, Trait("attack", "83")]
    public async Task Nobody_listening_is_a_class_of_its_own()
    {
        await using var bench = new RemoteBench(time: TimeProvider.System, url: "http://127.0.0.1:1");

        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:CONNECTION", await bench.AnswerAsync());
    }

    [Fact, Trait("attack", "83")]
    public async Task Server_whose_certificate_is_not_trusted_is_sent_nothing()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        await using var standIn = new ContainerAnalysisStandIn(certificate);
        await using var bench = new RemoteBench(time: TimeProvider.System, url: standIn.Url);

        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:TLS", await bench.AnswerAsync());
        Assert.Empty(standIn.Calls);
    }

    [Theory, Trait("attack", "83")]
    [InlineData(true, "CREDENTIALS_UNREACHABLE")]
    [InlineData(false, "NO_CREDENTIALS")]
    public async Task Missing_credentials_are_a_class_of_their_own_and_nothing_is_sent(bool isOutage, string name)
    {
        await using var bench = new RemoteBench(
            time: TimeProvider.System, tokens: _ => throw new CredentialsException(isOutage ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials));

        Assert.Equal($"Deny: EvidenceUnavailable CONTAINER_ANALYSIS:{name}", await bench.AnswerAsync());
        Assert.Empty(bench.StandIn.Calls);
    }

    [Fact]
    public async Task Redirection_is_not_followed()
    {
        await using var bench = new RemoteBench(time: TimeProvider.System);
        bench.StandIn.Fault = ContainerAnalysisFault.Redirection;

        await bench.AnswerAsync();

        Assert.Single(bench.StandIn.Calls);
    }

    [Fact]
    public async Task Token_goes_out_as_a_bearer_where_there_is_one_and_not_otherwise()
    {
        await using var with = new RemoteBench(tokens: _ => Task.FromResult("a-token"));
        await with.AnswerAsync();
        Assert.Equal("Bearer a-token", Assert.Single(with.StandIn.Calls).Headers["authorization"]);

        await using var without = new RemoteBench();
        Assert.True(ContainerAnalysisEndpoint.TryParse(without.StandIn.Url, out var endpoint));
        using var client = new ContainerAnalysisClient(endpoint, TimeSpan.FromMinutes(2), without.Metrics, TimeProvider.System);
        await client.ListAsync(without.Question(Attestations.Image), Cancellation);
        Assert.DoesNotContain("authorization", Assert.Single(without.StandIn.Calls).Headers.Keys);
    }

    [Theory]
    [InlineData("https://containeranalysis.googleapis.com", true)]
    [InlineData("https://containeranalysis.us-central1.rep.googleapis.com", true)]
    [InlineData("https://CONTAINERANALYSIS.GOOGLEAPIS.COM", true)]
    [InlineData("https://containeranalysis.googleapis.com.example.com", false)]
    [InlineData("https://evilgoogleapis.com", false)]
    [InlineData("https://example.com/.googleapis.com", false)]
    [InlineData("https://containeranalysis.googleapis.com:8443", false)]
    [InlineData("http://127.0.0.1:8080", false)]
    public void Google_credentials_go_to_Google_alone(string url, bool takes)
    {
        Assert.True(ContainerAnalysisEndpoint.TryParse(url, out var endpoint));
        Assert.Equal(takes, endpoint.TakesGoogleCredentials);
    }

    [Theory]
    [InlineData("plain http elsewhere", "http://containeranalysis.googleapis.com")]
    [InlineData("a user", "https://user:pass@containeranalysis.googleapis.com")]
    [InlineData("a query", "https://containeranalysis.googleapis.com?x=y")]
    [InlineData("a fragment", "https://containeranalysis.googleapis.com#x")]
    [InlineData("a file", "file:///etc/passwd")]
    [InlineData("a host alone", "containeranalysis.googleapis.com")]
    [InlineData("nothing", "")]
    public void Endpoint_is_https_or_this_machine(string name, string url) => Assert.False(ContainerAnalysisEndpoint.TryParse(url, out _), name);

    [Fact, Trait("attack", "97")]
    public async Task Short_deadline_is_a_deadline_and_neither_opens_the_gate_nor_ends_the_shared_question()
    {
        await using var bench = new RemoteBench();
        var gate = new TaskCompletionSource();
        bench.StandIn.Gate = gate.Task;
        bench.Add();
        bench.Evaluation.Options += "failMode: OPEN";
        using var ending = new CancellationTokenSource();
        var impatient = bench.AnswerAsync(ending.Token);
        await Eventually.Holds("it is asked", () => !bench.StandIn.Calls.IsEmpty);
        var patient = bench.AnswerAsync();
        await ending.CancelAsync();

        // Verification after the end of the time finds nothing either, and says so.
        Assert.Equal("Deny: Deadline CONTAINER_ANALYSIS", await impatient);
        gate.SetResult();
        Assert.Equal("Allow: Attested", await patient);
        Assert.Single(bench.StandIn.Calls);
    }
}
