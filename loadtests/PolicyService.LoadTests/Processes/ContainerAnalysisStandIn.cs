using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PolicyService.LoadTests.Processes;

/// <summary>The list of attestations of Container Analysis (REST, v1), in this process: where evidence comes from that the fleet then shares.</summary>
internal sealed class ContainerAnalysisStandIn : IAsyncDisposable
{
    private const string Prefix = "sha256:";
    private readonly WebApplication _application;
    private readonly IReadOnlyDictionary<string, string> _occurrences;
    private long _calls;

    private ContainerAnalysisStandIn(IReadOnlyDictionary<string, string> occurrences)
    {
        _occurrences = occurrences;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    public string Url => _application.Urls.Single();

    /// <summary>Lists asked for so far.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    /// <param name="occurrences">One for each digest, as JSON.</param>
    /// <param name="cancellation">The end of everything.</param>
    public static async Task<ContainerAnalysisStandIn> StartAsync(IReadOnlyDictionary<string, string> occurrences, CancellationToken cancellation)
    {
        var standIn = new ContainerAnalysisStandIn(occurrences);
        await standIn._application.StartAsync(cancellation);
        return standIn;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _calls);
        // has_suffix(resourceUrl, "sha256:…")
        var filter = context.Request.Query["filter"].ToString();
        var start = filter.IndexOf(Prefix, StringComparison.Ordinal);
        var digest = start < 0 ? "" : filter[start..(start + Prefix.Length + 64)];
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"occurrences": [{{_occurrences.GetValueOrDefault(digest, "")}}]}""");
    }
}
