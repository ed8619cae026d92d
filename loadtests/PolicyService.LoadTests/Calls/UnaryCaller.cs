using PolicyService.Api.V1;

namespace PolicyService.LoadTests.Calls;

/// <summary>Asks with <c>Evaluate</c>.</summary>
internal sealed class UnaryCaller(Http2Connection connection, Questions questions, TimeProvider time) : ICaller
{
    /// <summary>The method.</summary>
    public const string Path = "/policyservice.v1.PolicyDecisionService/Evaluate";

    public int DecisionsPerCall => 1;

    public ValueTask<Answer> AskAsync(CancellationToken cancellation)
    {
        var question = questions.Next();
        var askedAt = time.GetTimestamp();
        return connection.CallAsync(
            Path,
            question.Frame,
            message => questions.Flaw(question, EvaluateResponse.Parser.ParseFrom(message), askedAt) is { } flaw ? Answer.Wrong(flaw) : new Answer(1),
            cancellation);
    }
}

/// <summary>Asks with <c>EvaluateBatch</c>.</summary>
internal sealed class BatchCaller : ICaller
{
    private const string Path = "/policyservice.v1.PolicyDecisionService/EvaluateBatch";
    private readonly Http2Connection _connection;
    private readonly Questions _questions;
    private readonly Question[] _items;
    private readonly byte[] _frame;
    private readonly TimeProvider _time;

    /// <summary>Every call of this one asks for the same images.</summary>
    public BatchCaller(Http2Connection connection, Questions questions, int size, TimeProvider time)
    {
        (_connection, _questions, _time) = (connection, questions, time);
        _items = [.. Enumerable.Range(0, size).Select(_ => questions.Next())];
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(_items.Select(item => item.Request));
        _frame = GrpcFrame.Of(batch);
    }

    public int DecisionsPerCall => _items.Length;

    public ValueTask<Answer> AskAsync(CancellationToken cancellation)
    {
        var askedAt = _time.GetTimestamp();
        return _connection.CallAsync(Path, _frame, message => Check(EvaluateBatchResponse.Parser.ParseFrom(message), askedAt), cancellation);
    }

    private Answer Check(EvaluateBatchResponse batch, long askedAt)
    {
        if (batch.Results.Count != _items.Length)
        {
            return Answer.Wrong($"{batch.Results.Count} results for {_items.Length} images");
        }

        for (var index = 0; index < _items.Length; index++)
        {
            var result = batch.Results[index];
            if (result.Response is null)
            {
                return Answer.Failed($"item error {result.Error?.Code}");
            }

            if (_questions.Flaw(_items[index], result.Response, askedAt) is { } flaw)
            {
                return Answer.Wrong(flaw);
            }
        }

        return new Answer(_items.Length);
    }
}
