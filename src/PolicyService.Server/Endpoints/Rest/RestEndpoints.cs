using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.ResponseCompression;
using PolicyService.Core.Documents;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// The REST surface of Binary Authorization and Container Analysis (GCLOUD_REST): three versions over one store, which differ in the name
/// of one field.
/// </summary>
internal static class RestEndpoints
{
    private static readonly string[] Versions = ["v1", "v1beta1", "v1alpha2"];

    public static IServiceCollection AddRest(this IServiceCollection services) => services
        .AddSingleton(provider => new RequestGate(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<IHostApplicationLifetime>(), provider.GetService<DocumentStore>()))
        .AddSingleton<AttestationQuestion>().AddSingleton<PlatformQuestion>()
        .AddResponseCompression(compression =>
        {
            compression.Providers.Add<GzipCompressionProvider>();
            compression.MimeTypes = ["application/json"];
            // Answers hold no secret beside what a caller chose, so their length tells nothing.
            compression.EnableForHttps = true;
        });

    /// <summary>Comes before every endpoint: what fails below is answered in Google's error shape.</summary>
    public static void UseRestErrors(this WebApplication application) => application.UseExceptionHandler(new ExceptionHandlerOptions
    {
        ExceptionHandler = FailedAsync,
        AllowStatusCode404Response = true,
        // A request that is too large is no failure of ours: nobody must be able to fill the log with them.
        SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException,
    });

    /// <summary>Bounds what a request that may come in holds.</summary>
    public static void UseRest(this WebApplication application)
    {
        // Around the compression, whose last bytes are written after an endpoint has returned.
        var gate = application.Services.GetRequiredService<RequestGate>();
        application.Use((context, next) => gate.InvokeAsync(context, next));
        application.UseResponseCompression();
    }

    public static void MapRest(this WebApplication application)
    {
        application.MapFallback("{**path}", NotFound).WithMetadata(AccessRequirement.Authenticated);
        if (application.Services.GetService<DocumentStore>() is null)
        {
            foreach (var version in Versions)
            {
                application.Map($"/{version}/projects/{{**path}}", NoStore).WithMetadata(AccessRequirement.Authenticated);
                application.Map($"/{version}/locations/{{**path}}", NoStore).WithMetadata(AccessRequirement.Authenticated);
            }

            return;
        }

        var usesStore = new RequestCost(UsesStore: true);
        foreach (var version in Versions)
        {
            var group = application.MapGroup($"/{version}").WithMetadata(usesStore);
            PolicyEndpoints.Map(group);
            AttestorEndpoints.Map(group, version);
            IamEndpoints.Map(group);
            ContinuousValidationEndpoints.Map(group);
        }

        // These have one version only.
        var v1 = application.MapGroup("/v1").WithMetadata(usesStore);
        NoteEndpoints.Map(v1);
        OccurrenceEndpoints.Map(v1);
        PlatformPolicyEndpoints.Map(v1);
    }

    /// <summary>The key of a resource a path names.</summary>
    public static bool TryKey(StoredKind kind, string name, [NotNullWhen(true)] out DocumentKey? key, [NotNullWhen(false)] out IResult? refusal)
    {
        refusal = DocumentKey.TryParse(kind, name, out key) ? null : RestError.Invalid("name", $"`{Shown.Value(name)}` is no resource name: write letters, digits, `.`, `_` and `-` between the slashes");
        return refusal is null;
    }

    /// <summary>The answer about a project whose documents stand in a directory, which this surface neither shows nor changes; null for all others.</summary>
    public static IResult? Elsewhere(DocumentStore store, DocumentKey key) => store.IsElsewhere(key.Project)
        ? RestError.Of(
            StatusCodes.Status400BadRequest,
            "FAILED_PRECONDITION",
            DocumentStore.ElsewhereProblem(key),
            [])
        : null;

    private static IResult NotFound(HttpContext context) =>
        RestError.NotFound($"no such method: {context.Request.Method} {Shown.Value(context.Request.Path)}");

    private static IResult NoStore() => RestError.Of(
        StatusCodes.Status400BadRequest, "FAILED_PRECONDITION", "the service has no store, so nothing can be read or written here: start it with --Store:Path or --Store:Postgres", []);

    /// <summary>A request that is too large or broken off has a status of its own; everything else is a bug, and says nothing of its inside.</summary>
    private static Task FailedAsync(HttpContext context)
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var answer = error switch
        {
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
                RestError.Of(StatusCodes.Status413PayloadTooLarge, "INVALID_ARGUMENT", $"the body has more than {Core.Limits.MessageBytes} bytes: send less", []),
            BadHttpRequestException bad => RestError.Of(bad.StatusCode, "INVALID_ARGUMENT", "the request is broken off or malformed: send it again", []),
            _ => RestError.Of(StatusCodes.Status500InternalServerError, "INTERNAL", "the service failed at this request: its log says more", []),
        };
        return answer.ExecuteAsync(context);
    }
}
