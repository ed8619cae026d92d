using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PolicyService.Echo;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
builder.Services.AddGrpc();
var application = builder.Build();
application.MapGrpcService<Echoing>();
await application.StartAsync();
await Console.Error.WriteLineAsync($"The echo is ready: gRPC {application.Urls.Single()}");
await application.WaitForShutdownAsync();

namespace PolicyService.Echo
{
    /// <summary>Answers the first bytes of what it is sent, and does nothing else.</summary>
    internal sealed class Echoing : EchoService.EchoServiceBase
    {
        private const int AnswerBytes = 197;

        public override Task<EchoResponse> Echo(EchoRequest request, ServerCallContext context) =>
            Task.FromResult(new EchoResponse { Body = ByteString.CopyFrom(request.Body.Span[..Math.Min(AnswerBytes, request.Body.Length)]) });
    }
}
