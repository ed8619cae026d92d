using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Health.V1;
using PolicyService.Core;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// Reads questions for the health of the service before the framework does. They need no credentials, so they may hold neither the memory nor
/// the time of other messages, and a malformed one must not put a line into the log.
/// </summary>
internal sealed class HealthRequests(TimeProvider time)
{
    /// <summary>Whether it is compressed, and its length.</summary>
    private const int FrameHead = 5;

    public Task InvokeAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is { Method.ServiceName: "grpc.health.v1.Health" } ? AnswerAsync(context, next) : next(context);

    private async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        if (await ReadAsync(context) is { } question)
        {
            // The frame anew, uncompressed.
            var body = new byte[FrameHead + question.Length];
            BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), question.Length);
            question.CopyTo(body, FrameHead);
            context.Request.Body = new MemoryStream(body, writable: false);
            await next(context);
            return;
        }

        // A response of trailers alone (the gRPC protocol over HTTP/2).
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)StatusCode.InvalidArgument).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = "the message is no HealthCheckRequest, or too long or too slow for one";
        await context.Response.CompleteAsync();
    }

    /// <returns>Null: it is no question, or longer or slower than any.</returns>
    private async Task<byte[]?> ReadAsync(HttpContext context)
    {
        using var patience = new Decisions.TimedCancellation(Limits.HeadersTime, time, context.RequestAborted);
        var buffer = new byte[FrameHead + Limits.HealthRequestBytes + 1];
        try
        {
            var length = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, patience.Token);
            var message = length < buffer.Length ? await MessageOfAsync(buffer[..length], context.Request.Headers["grpc-encoding"].ToString()) : null;
            return message is null ? null : HealthCheckRequest.Parser.ParseFrom(message).ToByteArray();
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidDataException)
        {
            // Malformed messages of Protobuf are among the IOExceptions.
            return null;
        }
    }

    /// <summary>The one message there may be; null: it is none.</summary>
    private static async Task<byte[]?> MessageOfAsync(byte[] body, string encoding)
    {
        if (body.Length < FrameHead || BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(1)) != body.Length - FrameHead)
        {
            return null;
        }

        if (body[0] == 0)
        {
            return body[FrameHead..];
        }

        await using var packed = new MemoryStream(body, FrameHead, body.Length - FrameHead, writable: false);
        await using Stream? plain = (body[0], encoding) switch
        {
            (1, "gzip") => new GZipStream(packed, CompressionMode.Decompress),
            (1, "deflate") => new ZLibStream(packed, CompressionMode.Decompress),
            _ => null,
        };
        if (plain is null)
        {
            return null;
        }

        var buffer = new byte[Limits.HealthRequestBytes + 1];
        var length = await plain.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
        return length < buffer.Length ? buffer[..length] : null;
    }
}
