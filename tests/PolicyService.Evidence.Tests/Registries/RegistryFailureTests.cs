using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>An error of a registry has a class of its own and is never an absence (ATTACK 7, 77, 83).</summary>
public sealed class RegistryFailureTests : IAsyncDisposable
{
    private readonly RegistryBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    public static TheoryData<string, HostileAnswer> Failures => new()
    {
        { "Unauthenticated", HostileAnswer.Of(401) },
        { "Unauthenticated", HostileAnswer.Challenge("Negotiate") },
        { "PermissionDenied", HostileAnswer.Of(403) },
        { "PermissionDenied", HostileAnswer.Error(403, "MANIFEST_UNKNOWN") },
        { "NotFound", HostileAnswer.Error(404, "NAME_UNKNOWN") },
        { "NotFound", HostileAnswer.Error(404, "UNSUPPORTED") },
        { "NotFound", HostileAnswer.Of(404) },
        { "NotFound", HostileAnswer.Of(404, "<html>404 page not found</html>") },
        { "NotFound", HostileAnswer.Of(404, "{\"errors\": []}") },
        { "NotFound", HostileAnswer.Of(404, "{\"errors\": [{\"code\": \"MANIFEST_UNKNOWN\"}, {\"code\": \"NAME_UNKNOWN\"}]}") },
        { "NotFound", HostileAnswer.Of(404, "{\"errors\": [{\"code\": \"NAME_UNKNOWN\", \"code\": \"MANIFEST_UNKNOWN\"}]}") },
        { "NotFound", HostileAnswer.Of(404, "{\"errors\": [{\"code\": \"\\ud800\"}]}") },
        { "NotFound", HostileAnswer.Of(404, "{\"errors\": \"MANIFEST_UNKNOWN\"}") },
        { "NotFound", HostileAnswer.Of(404, "{\"errors\": [{\"code\": \"MANIFEST_UNKNOWN\"}]" + new string(' ', Limits.RegistryReplyBytes) + "}") },
        { "RateLimited", HostileAnswer.Of(429) },
        { "ServerError", HostileAnswer.Of(500) },
        { "ServerError", HostileAnswer.Of(503) },
        { "ServerError", HostileAnswer.Error(502, "MANIFEST_UNKNOWN") },
        { "Refused", HostileAnswer.Of(400) },
        { "Refused", HostileAnswer.Of(410) },
        { "Refused", HostileAnswer.Of(206, "hello") },
        { "Refused", HostileAnswer.Of(204) },
        { "Refused", HostileAnswer.Of(304) },
        { "Connection", HostileAnswer.Of(HostileBody.Hangup) },
        { "Malformed", HostileAnswer.Of(HostileBody.Raw, "220 mail.example ESMTP\r\n") },
        { "Malformed", HostileAnswer.Of(200, "hello", "x: " + new string('x', 40_000)) },
        { "Malformed", HostileAnswer.Of(200, "hello", "content-encoding: gzip") },
        { "Malformed", HostileAnswer.Of(200, "hello", "content-encoding: identity", "content-encoding: br") },
        { "Malformed", HostileAnswer.Of(HostileBody.Raw, "HTTP/1.1 200 X\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") },
        { "Truncated", HostileAnswer.Of(HostileBody.Truncated, "hello") },
        { "Truncated", HostileAnswer.Of(HostileBody.Raw, "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n") },
        { "WrongDigest", HostileAnswer.Of(200, "hullo") },
        { "WrongDigest", HostileAnswer.Of(200) },
        { "WrongDigest", HostileAnswer.Of(HostileBody.Raw, "HTTP/1.1 200 X\r\nconnection: close\r\n\r\nhel") },
    };

    [Theory, MemberData(nameof(Failures)), Trait("attack", "83"), Trait("attack", "7"), Trait("attack", "77")]
    public async Task Error_has_its_class(string failure, HostileAnswer answer)
    {
        _bench.Registry.Answer = _ => answer;
        Assert.Equal(failure, await _bench.ManifestAsync());
        var blob = await _bench.Client.GetBlobAsync(_bench.Repository, RegistryBench.DigestOf("hello"), 100, fromOrigin: true, TestContext.Current.CancellationToken);
        Assert.Equal(failure, RegistryBench.Text(blob));
        Assert.Equal(2, _bench.Metrics.Read().Single(one => one.Outcome == RemoteFailures.Name(Enum.Parse<RemoteFailure>(failure))).Count);
    }

    [Theory]
    [InlineData("MANIFEST_UNKNOWN")]
    [InlineData("BLOB_UNKNOWN")]
    [InlineData("NOT_FOUND")]
    public async Task Registry_that_says_so_plainly_has_it_not(string code)
    {
        _bench.Registry.Answer = _ => HostileAnswer.Error(404, code);
        Assert.Equal("not there", await _bench.ManifestAsync());
        Assert.Equal("not there", await _bench.TagAsync());
    }

    [Fact]
    public async Task Content_comes_with_its_digest_and_type_whatever_that_is()
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello", "content-type: Text/Odd; charset=x");
        var outcome = await _bench.Client.GetManifestAsync(_bench.Repository, RegistryBench.DigestOf("hello"), false, TestContext.Current.CancellationToken);
        Assert.Equal(("Text/Odd", RegistryBench.DigestOf("hello")), (outcome.Content!.MediaType, outcome.Content.Digest));

        var call = Assert.Single(_bench.Registry.Calls);
        Assert.Equal($"/v2/acme/api/manifests/{RegistryBench.DigestOf("hello")}", call.Target);
        Assert.Equal(
            "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json",
            call.Headers["accept"]);
        Assert.Null(call.Authorization);
        Assert.Equal("identity", call.Headers["accept-encoding"]);
        Assert.False(call.Headers.ContainsKey("traceparent"));
    }

    [Theory, Trait("attack", "7")]
    [InlineData("hello", "")]
    [InlineData("hello", "docker-content-digest: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")]
    [InlineData("hello", "docker-content-digest: sha512:00")]
    [InlineData("WrongDigest", "docker-content-digest: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9825")]
    [InlineData("WrongDigest", "docker-content-digest: SHA256:2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824")]
    [InlineData("WrongDigest", "docker-content-digest: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\ndocker-content-digest: sha256:00")]
    [InlineData("WrongDigest", "docker-content-digest: x")]
    public async Task Tag_is_what_its_bytes_are_and_the_header_does_not_contradict_them(string expected, string header)
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello", header.Length == 0 ? [] : [header]);
        Assert.Equal(expected, await _bench.TagAsync());
    }

    [Fact, Trait("attack", "7")]
    public async Task Tag_that_moves_with_every_look_is_right_each_time_and_a_digest_never()
    {
        var number = 0;
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, $"{number++}");
        foreach (var expected in Enumerable.Range(0, 5))
        {
            var outcome = await _bench.Client.GetManifestAsync(_bench.Repository, "v1", false, TestContext.Current.CancellationToken);
            Assert.Equal(RegistryBench.DigestOf($"{expected}"), outcome.Content!.Digest);
        }

        Assert.Equal("WrongDigest", await _bench.ManifestAsync("0"));
    }

    [Theory, Trait("attack", "77")]
    [InlineData(0, "found")]
    [InlineData(1, "too large")]
    public async Task Manifest_is_read_to_the_edge(int beyond, string expected)
    {
        var body = new byte[Limits.ManifestBytes + beyond];
        _bench.Registry.Answer = call => call.Path.EndsWith("chunked", StringComparison.Ordinal)
            ? new HostileAnswer(200, [.. System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n{body.Length:x}\r\n"), .. body, .. "\r\n0\r\n\r\n"u8]) { Kind = HostileBody.Raw }
            : new HostileAnswer(200, body);

        foreach (var tag in (string[])["stated", "chunked"])
        {
            var outcome = await _bench.Client.GetManifestAsync(_bench.Repository, tag, false, TestContext.Current.CancellationToken);
            Assert.Equal(expected, outcome.Content is null ? RegistryBench.Text(outcome) : "found");
        }

        var byDigest = await _bench.Client.GetManifestAsync(_bench.Repository, Digest.Of(body), false, TestContext.Current.CancellationToken);
        Assert.Equal(expected, byDigest.Content is null ? RegistryBench.Text(byDigest) : "found");
    }

    [Theory, Trait("attack", "77")]
    [InlineData(4, "hello", "too large")]
    [InlineData(5, "hello", "hello")]
    [InlineData(0, "", "")]
    public async Task Blob_is_read_as_far_as_the_caller_says(int max, string text, string expected)
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, text);
        Assert.Equal(expected, RegistryBench.Text(await _bench.Client.GetBlobAsync(_bench.Repository, RegistryBench.DigestOf(text), max, false, TestContext.Current.CancellationToken)));
    }

    [Fact, Trait("attack", "77")]
    public async Task Length_that_is_stated_beyond_the_limit_is_refused_before_a_byte_of_it()
    {
        // Nothing follows the headers: who read on would wait for the attempt's end.
        _bench.Registry.Answer = _ => new HostileAnswer(200, "HTTP/1.1 200 X\r\ncontent-length: 4194305\r\n\r\n"u8.ToArray()) { Kind = HostileBody.Raw };
        Assert.Equal("too large", await _bench.ManifestAsync());
    }

    [Fact, Trait("attack", "77")]
    public async Task Endless_body_is_cut_after_the_limit()
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(HostileBody.Endless);
        Assert.Equal("too large", await _bench.ManifestAsync());
        // What lies between in buffers of sockets is not ours to bound.
        Assert.InRange(_bench.Registry.BytesWritten, Limits.ManifestBytes, 16L * Limits.ManifestBytes);
    }

    [Fact, Trait("attack", "77")]
    public async Task Compressed_bomb_is_never_opened()
    {
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(new byte[64 * 1024 * 1024]);
        }

        var before = GC.GetTotalAllocatedBytes(precise: true);
        _bench.Registry.Answer = _ => new HostileAnswer(200, packed.ToArray(), "content-encoding: gzip");
        Assert.Equal("Malformed", await _bench.ManifestAsync());
        // Unlabelled it is bytes like any other.
        _bench.Registry.Answer = _ => new HostileAnswer(200, packed.ToArray());
        Assert.Equal("WrongDigest", await _bench.ManifestAsync());
        TestContext.Current.SendDiagnosticMessage($"{packed.Length} bytes that unpack to 64 MiB: {GC.GetTotalAllocatedBytes(precise: true) - before} bytes allocated");
    }

    [Theory, Trait("attack", "77"), Trait("attack", "83")]
    [InlineData(HostileBody.Drip)]
    [InlineData(HostileBody.Silent)]
    public async Task Slow_answer_ends_with_the_attempts_time(HostileBody kind)
    {
        var (attempt, clock) = (TimeSpan.FromSeconds(3), new FakeTimeProvider());
        await using var bench = new RegistryBench(attempt: attempt, time: clock);
        bench.Registry.Answer = _ => HostileAnswer.Of(kind);
        var asking = bench.ManifestAsync();
        await Eventually.Holds("the registry is asked", () => !bench.Registry.Calls.IsEmpty);
        clock.Advance(attempt - TimeSpan.FromTicks(1));
        Assert.False(asking.IsCompleted);
        clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("Timeout", await asking);
        Assert.Single(bench.Registry.Calls);
    }

    [Fact]
    public async Task Callers_time_ends_the_wait_too()
    {
        using var ending = new CancellationTokenSource();
        _bench.Registry.Answer = _ => HostileAnswer.Of(HostileBody.Silent);
        var asking = _bench.Client.GetManifestAsync(_bench.Repository, "v1", false, ending.Token);
        await Eventually.Holds("the registry is asked", () => !_bench.Registry.Calls.IsEmpty);
        await ending.CancelAsync();
        Assert.Equal("Timeout", RegistryBench.Text(await asking));
    }

    [Fact]
    public async Task Registry_that_is_not_there_is_no_connection()
    {
        await _bench.Registry.DisposeAsync();
        Assert.Equal("Connection", await _bench.ManifestAsync());
    }
}
