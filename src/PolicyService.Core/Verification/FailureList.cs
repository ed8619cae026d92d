using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;

namespace PolicyService.Core.Verification;

/// <summary>Failures without repetition: ten thousand oversized attestations are one.</summary>
internal sealed class FailureList
{
    private List<EvidenceFailure>? _items;

    public IReadOnlyList<EvidenceFailure> Items => _items ?? (IReadOnlyList<EvidenceFailure>)[];

    public void Add(IReadOnlyList<EvidenceFailure> others)
    {
        foreach (var other in others)
        {
            Add(other);
        }
    }

    /// <summary>An image's author can cause each of these, so none may fail open.</summary>
    public void Add(ReasonCode code, string detail, string explanation) => Add(new EvidenceFailure(code, detail, explanation, IsOwnFault: false));

    /// <summary>
    /// Once for each key. A signature made of anything is enough to name a key whose service is down, so this must not fail open either.
    /// </summary>
    public void Add(KeyId key, KeyFailure failure)
    {
        var (code, detail) = failure is KeyFailure.Deadline ? (ReasonCode.Deadline, "KMS") : (ReasonCode.KeyUnavailable, $"KMS:{KeyFailures.Name(failure)}");
        Add(new EvidenceFailure(code, detail, $"the public key `{key}` cannot be had: {KeyFailures.Why(failure)}", IsOwnFault: false)
        {
            KeyId = key.ToString(),
            Remedy = KeyFailures.Remedy(failure),
        });
    }

    private void Add(EvidenceFailure failure)
    {
        _items ??= [];
        var isThere = failure.KeyId.Length > 0
            ? _items.Exists(item => item.KeyId == failure.KeyId)
            : _items.Exists(item => item.KeyId.Length == 0 && item.Code == failure.Code && item.Detail == failure.Detail);
        if (!isThere)
        {
            _items.Add(failure);
        }
    }
}
