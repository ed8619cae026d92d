using System.Collections.Concurrent;
using System.Globalization;
using Grpc.Core;
using Grpc.Net.Client;
using PolicyService.Api.V1;

namespace PolicyService.LoadTests.Calls;

/// <summary>
/// Asks over one <c>EvaluateStream</c>, opened at the first question. Answers find their questions by correlation id; the stream ends with the caller.
/// </summary>
internal sealed class StreamCaller(GrpcChannel channel, Questions questions, TimeProvider time) : ICaller, IDisposable
{
    private readonly ConcurrentDictionary<string, Waiting> _waiting = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Lock _opening = new();
    private AsyncDuplexStreamingCall<EvaluateStreamRequest, EvaluateStreamResponse>? _call;
    private string? _ended;
    private long _number;

    public int DecisionsPerCall => 1;

    public async ValueTask<Answer> AskAsync(CancellationToken cancellation)
    {
        var call = Open();
        var question = questions.Next();
        var id = Interlocked.Increment(ref _number).ToString(CultureInfo.InvariantCulture);
        var waiting = new Waiting(question, time.GetTimestamp());
        _waiting[id] = waiting;
        if (Volatile.Read(ref _ended) is { } ended)
        {
            return Answer.Failed(ended);
        }

        try
        {
            await _writing.WaitAsync(cancellation);
            try
            {
                await call.RequestStream.WriteAsync(new EvaluateStreamRequest { CorrelationId = id, Request = question.Request }, cancellation);
            }
            finally
            {
                _writing.Release();
            }

            return await waiting.Answer.Task.WaitAsync(cancellation);
        }
        catch (RpcException exception)
        {
            return Answer.Failed($"grpc-status {(int)exception.StatusCode}");
        }
        catch (InvalidOperationException)
        {
            return Answer.Failed("stream ended");
        }
    }

    public void Dispose()
    {
        _call?.Dispose();
        _writing.Dispose();
    }

    private AsyncDuplexStreamingCall<EvaluateStreamRequest, EvaluateStreamResponse> Open()
    {
        lock (_opening)
        {
            if (_call is null)
            {
                _call = new PolicyDecisionService.PolicyDecisionServiceClient(channel).EvaluateStream();
                _ = ReadAsync(_call.ResponseStream);
            }

            return _call;
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<EvaluateStreamResponse> responses)
    {
        var end = "stream ended";
        try
        {
            while (await responses.MoveNext(CancellationToken.None))
            {
                var response = responses.Current;
                if (_waiting.TryRemove(response.CorrelationId, out var waiting))
                {
                    waiting.Answer.TrySetResult(Check(waiting, response));
                }
            }
        }
        catch (RpcException exception)
        {
            end = $"grpc-status {(int)exception.StatusCode}";
        }

        Volatile.Write(ref _ended, end);
        foreach (var left in _waiting.Values)
        {
            left.Answer.TrySetResult(Answer.Failed(end));
        }
    }

    private Answer Check(Waiting waiting, EvaluateStreamResponse response) =>
        response.Response is null ? Answer.Failed($"item error {response.Error?.Code}")
        : questions.Flaw(waiting.Question, response.Response, waiting.AskedAt) is { } flaw ? Answer.Wrong(flaw)
        : new Answer(1);

    private sealed record Waiting(Question Question, long AskedAt)
    {
        public TaskCompletionSource<Answer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
