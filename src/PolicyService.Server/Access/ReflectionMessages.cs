using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace PolicyService.Server.Access;

/// <summary>
/// Holds the messages of reflection, whose streams are the framework's, to what those of our own streams are held to: each is paid for, and
/// comes from somebody who still is who it was.
/// </summary>
internal sealed class ReflectionMessages(CallerWatch callers) : Interceptor
{
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        continuation(new Messages<TRequest>(requestStream, context.GetHttpContext(), callers), responseStream, context);

    private sealed class Messages<T>(IAsyncStreamReader<T> inner, HttpContext context, CallerWatch callers) : IAsyncStreamReader<T>
    {
        private bool _isPaid = true;

        public T Current => inner.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            var caller = context.Caller();
            using var lapsed = new CancellationTokenSource();
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lapsed.Token);
            var watching = callers.WaitAsync(caller, lapsed, ending.Token);
            try
            {
                if (!await inner.MoveNext(ending.Token))
                {
                    return false;
                }
            }
            catch (InvalidProtocolBufferException)
            {
                throw new RpcException(new Status(StatusCode.InvalidArgument, "the message is no ServerReflectionRequest: its bytes are malformed"));
            }
            catch (Exception exception) when (lapsed.IsCancellationRequested && (exception is OperationCanceledException or RpcException or IOException))
            {
                throw new RpcException(new Status(StatusCode.Unauthenticated, callers.ProblemOf(caller) ?? "the caller has to authenticate anew"));
            }
            finally
            {
                await ending.CancelAsync();
                await watching;
            }

            if (callers.ProblemOf(caller) is { } problem)
            {
                throw new RpcException(new Status(StatusCode.Unauthenticated, problem));
            }

            // The arrival of the stream has paid for the first.
            if (!_isPaid && context.Features.Get<RequestAllowance>()?.TakeMessage() is { } refusal)
            {
                throw LimitAnswer.ToException(refusal);
            }

            _isPaid = false;
            return true;
        }
    }
}
