using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Server.Access;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// Answers <c>Evaluate</c> without the gRPC framework, which costs a tenth or more of a call (docs/decisions/2026-11-24-unary-call.md), where a
/// call is as nearly all are: its one message has come whole and uncompressed. Every other call is the framework's, which says better what is
/// wrong with it. The words are those of the protocol: PROTOCOL-HTTP2 of gRPC.
/// </summary>
internal sealed partial class UnaryCall(EvaluationGate gate, ILogger<UnaryCall> log)
{
    /// <summary>The route of the method; it takes nothing but POST.</summary>
    public const string Path = "/policyservice.v1.PolicyDecisionService/Evaluate";

    private const string ContentType = "application/grpc";

    /// <summary>Compressed-Flag and Message-Length.</summary>
    private const int PrefixBytes = 5;

    /// <summary>A timer cannot wait for the longest times there are; the call ends before, whatever its deadline.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private static readonly StringValues Ok = "0";

    /// <summary>Answers a call, or leaves it to the framework as it came.</summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate framework)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol)
            || context.Request.ContentType is not (ContentType or "application/grpc+proto")
            || !TryReadTimeout(context.Request.Headers.GrpcTimeout, out var timeout)
            || !TryRead(context.Request.BodyReader, out var read))
        {
            return framework(context);
        }

        if (!TryReadMessage(read, out var message))
        {
            context.Request.BodyReader.AdvanceTo(read.Buffer.Start);
            return framework(context);
        }

        return AnswerAsync(context, message, timeout);
    }

    /// <summary>Timeout → "grpc-timeout" TimeoutValue TimeoutUnit; the value has up to eight digits.</summary>
    /// <param name="header">The header.</param>
    /// <param name="timeout">How long the caller waits; null: it does not say.</param>
    /// <returns>It is none, or a time.</returns>
    internal static bool TryReadTimeout(StringValues header, out TimeSpan? timeout)
    {
        timeout = null;
        if (header.Count == 0)
        {
            return true;
        }

        if (header.Count > 1 || header[0] is not { Length: >= 2 and <= 9 } text || text.AsSpan(0, text.Length - 1).ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        var value = long.Parse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture);
        var ticks = text[^1] switch
        {
            'H' => value * TimeSpan.TicksPerHour,
            'M' => value * TimeSpan.TicksPerMinute,
            'S' => value * TimeSpan.TicksPerSecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'u' => value * TimeSpan.TicksPerMicrosecond,
            'n' => value / TimeSpan.NanosecondsPerTick,
            _ => 0,
        };
        timeout = TimeSpan.FromTicks(Math.Min(ticks, LongestWait.Ticks));
        return ticks > 0;
    }

    /// <summary>What has come of the body by now. Where it cannot be read, as when its caller has gone, the framework will find the same.</summary>
    private static bool TryRead(PipeReader body, out ReadResult read)
    {
        try
        {
            return body.TryRead(out read);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            read = default;
            return false;
        }
    }

    /// <summary>Length-Prefixed-Message → Compressed-Flag Message-Length Message, and nothing behind it.</summary>
    private static bool TryReadMessage(in ReadResult read, out ReadOnlySequence<byte> message)
    {
        message = default;
        var body = read.Buffer;
        if (!read.IsCompleted || body.Length is < PrefixBytes or > PrefixBytes + Limits.MessageBytes)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        body.Slice(0, PrefixBytes).CopyTo(prefix);
        message = body.Slice(PrefixBytes);
        return prefix[0] == 0 && BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]) == message.Length;
    }

    private async Task AnswerAsync(HttpContext context, ReadOnlySequence<byte> message, TimeSpan? timeout)
    {
        try
        {
            using var ending = new CancellationTokenSource();
            var asking = AskAsync(context, message, timeout, ending.Token);
            // An answer from memory is there by now: it needs no timer, and nobody who listens for the caller's going.
            var answer = asking.IsCompleted ? await asking : await InTimeAsync(context, asking.AsTask(), timeout, ending);
            if (answer.Response is not null)
            {
                await WriteAsync(context.Response, answer.Response);
            }
            else if (answer.Error is not null)
            {
                Refuse(context.Response, (StatusCode)answer.Error.Code, answer.Error.Message);
            }
        }
        catch (RpcException refusal)
        {
            Refuse(context.Response, refusal.StatusCode, refusal.Status.Detail);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone: nobody reads an answer.
        }
        catch (Exception exception)
        {
            // The caller learns nothing of our inside.
            LogFailure(exception);
            Refuse(context.Response, StatusCode.Unknown, "Exception was thrown by handler.");
        }
    }

    /// <summary>All that can fail of a call, in one task.</summary>
    private async ValueTask<ItemAnswer> AskAsync(HttpContext context, ReadOnlySequence<byte> message, TimeSpan? timeout, CancellationToken cancellation)
    {
        EvaluateRequest request;
        try
        {
            request = GuardedMethod.Parse(message, EvaluateRequest.Parser, WireShape.Evaluate);
        }
        finally
        {
            context.Request.BodyReader.AdvanceTo(message.End);
        }

        // The machine's clock, as in the framework: it is the caller's time that passes.
        var asked = timeout is { } left ? TimeProvider.System.GetUtcNow().UtcDateTime + left : DateTime.MaxValue;
        return await gate.AskAsync(request, context.Caller(), gate.Version, gate.DeadlineOf(asked), cancellation);
    }

    /// <summary>Waits for an answer that takes its time. The evaluation is cancelled when the caller goes, and when the caller's deadline has passed.</summary>
    /// <returns>The answer; neither response nor error: the caller was told that its deadline has passed.</returns>
    private async Task<ItemAnswer> InTimeAsync(HttpContext context, Task<ItemAnswer> asking, TimeSpan? timeout, CancellationTokenSource ending)
    {
        await using var going = context.RequestAborted.UnsafeRegister(static ending => ((CancellationTokenSource)ending!).Cancel(), ending);
        await ((Task)asking).WaitAsync(timeout ?? Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (asking.IsCompleted)
        {
            return await asking;
        }

        Refuse(context.Response, StatusCode.DeadlineExceeded, "Deadline Exceeded");
        await context.Response.CompleteAsync();
        await ending.CancelAsync();
        await ((Task)asking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (asking.Exception?.InnerException is { } exception)
        {
            LogFailure(exception);
        }

        return default;
    }

    /// <summary>Response → Response-Headers Length-Prefixed-Message Trailers.</summary>
    private static async Task WriteAsync(HttpResponse response, EvaluateResponse answer)
    {
        response.ContentType = ContentType;
        // Else what is written would be kept and copied until the headers are known.
        await response.StartAsync();
        Write(response.BodyWriter, answer);
        TrailersOf(response).GrpcStatus = Ok;
    }

    private static void Write(PipeWriter writer, EvaluateResponse answer)
    {
        var length = answer.CalculateSize();
        var frame = writer.GetSpan(PrefixBytes + length);
        frame[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], length);
        answer.WriteTo(frame.Slice(PrefixBytes, length));
        writer.Advance(PrefixBytes + length);
    }

    /// <summary>Trailers-Only → HTTP-Status Content-Type Trailers: the only headers are the last.</summary>
    private static void Refuse(HttpResponse response, StatusCode status, string message)
    {
        // Where writing an answer failed the headers have gone.
        var last = response.HasStarted ? TrailersOf(response) : response.Headers;
        if (!response.HasStarted)
        {
            response.ContentType = ContentType;
        }

        last.GrpcStatus = ((int)status).ToString(CultureInfo.InvariantCulture);
        if (message.Length > 0)
        {
            last.GrpcMessage = UnauthenticatedAnswer.Encode(message);
        }
    }

    private static IHeaderDictionary TrailersOf(HttpResponse response) => response.HttpContext.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;

    [LoggerMessage(90, LogLevel.Error, "Evaluate failed")]
    private partial void LogFailure(Exception exception);
}

/// <summary>Puts <see cref="UnaryCall"/> in front of the framework.</summary>
internal static class UnaryCalls
{
    /// <summary>Everything that stands before the endpoints, and all that they say of themselves, stays as it is.</summary>
    public static TBuilder AnswersUnaryCalls<TBuilder>(this TBuilder service, IServiceProvider services) where TBuilder : IEndpointConventionBuilder
    {
        var call = new UnaryCall(services.GetRequiredService<EvaluationGate>(), services.GetRequiredService<ILogger<UnaryCall>>());
        service.Add(builder =>
        {
            if (builder is RouteEndpointBuilder { RoutePattern.RawText: UnaryCall.Path, RequestDelegate: { } framework })
            {
                builder.RequestDelegate = context => call.InvokeAsync(context, framework);
            }
        });
        return service;
    }
}
